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

Every setting is a flag, a variable in the environment or in a .env file in the
working directory (named in brackets), or a key of the file of --config (the
flag with _ for -). Flags go over the environment, that over .env, that over
the file. BELFRY_API_KEYS holds the keys that open the API, separated by commas;
it is no flag, since arguments are seen by all users of a machine. Without a key
the server listens on loopback only. NODE_ENV is read where APP_ENV is not set.

SIGINT or SIGTERM: no new fires are sent, calls in flight end within the grace
time, everything is recorded, exit code 0. A second signal ends it at once;
nothing is lost then either: what was cut off is made up for at the next start.
A stop that hangs is cut off 5 seconds after the grace time, exit code 1, and
so is a start that hangs and is to stop.
SIGHUP opens the log files anew (and stops a server that has a terminal).`,
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
	if err := useZones(cfg.Zoneinfo); err != nil {
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

// hangUp follows SIGHUP: the end of a terminal stops the server, and otherwise
// somebody has moved the log files away.
func (s *shell) hangUp(log *telemetry.Log, stop func()) {
	if isTerminal(s.err) {
		stop()
		return
	}
	log.Reopen()
	log.Info("log files are opened anew")
}
