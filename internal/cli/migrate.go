package cli

import (
	"fmt"
	"log/slog"

	"github.com/belfry-scheduler/belfry/internal/app"
	"github.com/spf13/cobra"
)

func (s *shell) migrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Make the tables of a database, or change them for this version",
		Long: `Make the tables of a database, or change them to those that this version needs, and
exit. A start of the server does the same: the command is for deployments that want it
done, or refused, before they replace the first server.

Servers may run on a PostgreSQL database meanwhile. A database of files must not be in
use. A database of a later version is refused. The command can be repeated.

The command takes the settings of serve.`,
		Example: `  belfry migrate
  DATABASE_URL_FILE=/etc/belfry/database_url belfry migrate`,
		Args: noArgs,
		RunE: running(func(cmd *cobra.Command, _ []string) error {
			cfg, err := s.loadConfig(cmd.Flags())
			if err != nil {
				return err
			}
			log := slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
			done, err := app.Migrate(cmd.Context(), cfg, log)
			if err != nil {
				return err
			}
			if done.MadeKey != "" {
				_, err = fmt.Fprintf(s.out, "created an encryption key: store a copy of %s apart from copies of the "+
					"database\n", done.MadeKey)
			}
			if err == nil {
				_, err = fmt.Fprintf(s.out, "the tables of %s are those of this version\n", done.Database)
			}
			return err
		}),
	}
	addConfigFlags(cmd.Flags())
	return cmd
}
