package cli

import (
	"context"
	"errors"

	"github.com/belfry-scheduler/belfry/internal/app"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/spf13/cobra"
)

func (s *shell) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server: the API, the timetable and the record.

A setting is given as a flag, as a variable (its name is in brackets) in the
environment or in a .env file in the working directory, or as a key in the file of
--config (the name of the flag with _ for -). Flags override the environment, the
environment overrides .env, and .env overrides the file. BELFRY_API_KEYS has the API
keys, separated by commas; it is not a flag, because all users of a machine can see
arguments. Without a key the server listens on loopback only. If APP_ENV is not set,
NODE_ENV is read.

On SIGINT or SIGTERM no new fires are sent, calls in flight end within the grace time,
everything is recorded, and the exit code is 0. A second signal ends the process at
once. Nothing is lost then either: the next start completes what was interrupted.
If the stop hangs, the process exits with code 1 at 5 seconds after the grace time.
The same applies to a start that hangs and is asked to stop.
SIGHUP reopens the log files (and stops a server that has a terminal).`,
		Example: `  belfry serve
  belfry serve --port 8080 --db-path /var/lib/belfry/jobs.db --env development
  BELFRY_API_KEYS=$(openssl rand -hex 24) belfry serve --host 0.0.0.0`,
		Args: noArgs,
		RunE: running(func(cmd *cobra.Command, _ []string) error {
			cfg, err := s.loadConfig(cmd.Flags())
			if err != nil {
				return err
			}
			return s.serve(cmd.Context(), cfg)
		}),
	}
	addConfigFlags(cmd.Flags())
	return cmd
}

func (s *shell) serve(ctx context.Context, cfg *config.Config) (err error) {
	if err := judge(cfg); err != nil {
		return err
	}
	metrics := telemetry.NewMetrics()
	log, err := telemetry.NewLogger(telemetry.LogConfig{
		Level: cfg.LogLevel, Dir: cfg.LogDir, Stderr: s.err,
		Development: cfg.Env == config.Development, NoColor: !s.colour(s.err),
		Metrics: metrics,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer serverSignals(func() { s.hangUp(log, cancel) })()
	version := currentBuild().Version
	metrics.SetVersion(version)
	log.Debug("settings", "config", cfg, telemetry.KeyVersion, version)

	opened := s.watchStop(ctx.Done(), cfg.ShutdownGrace+stopMargin, log)
	server, err := app.Open(ctx, cfg, log, metrics, version)
	opened()
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil // a stop before anything was started
		}
		return err
	}
	defer s.watchStop(server.Stopping(), cfg.ShutdownGrace+stopMargin, log)()
	defer func() { err = errors.Join(err, server.Close()) }()
	return server.Run(ctx)
}

// hangUp handles SIGHUP. If the server has a terminal, the terminal was closed and the
// server stops; otherwise the log files were moved away and are reopened.
func (s *shell) hangUp(log *telemetry.Log, stop func()) {
	if isTerminal(s.err) {
		stop()
		return
	}
	log.Reopen()
	log.Info("log files were reopened")
}
