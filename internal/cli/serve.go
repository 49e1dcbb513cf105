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
nothing is lost then either: what was cut off is made up for at the next start.`,
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
	log, files, err := telemetry.NewLogger(telemetry.LogConfig{
		Level: cfg.LogLevel, Dir: cfg.LogDir, Stderr: s.err,
		Development: cfg.Env == config.Development, NoColor: !s.colour(s.err),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	version := currentBuild().Version
	metrics := telemetry.NewMetrics()
	metrics.SetVersion(version)
	log.Debug("settings", "config", cfg, telemetry.KeyVersion, version)

	server, err := app.Open(ctx, cfg, log, metrics, version)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	return server.Run(ctx)
}
