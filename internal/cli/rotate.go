package cli

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/app"
	"github.com/spf13/cobra"
)

func (s *shell) rotateCommand() *cobra.Command {
	var keepOld bool
	cmd := &cobra.Command{
		Use:   "rotate-encryption",
		Short: "Seal the stored secrets with a new key",
		Long: `Seal the secrets of all jobs with a new key and compact the database, so that
nothing remains of what was stored before. The server must be stopped. If the command
is killed, everything stays readable; run it again.

In a PostgreSQL database the secrets are sealed while servers run. All of them must
have the new key first in BELFRY_ENCRYPTION_KEY; the command names one that has not.

Without BELFRY_ENCRYPTION_KEY the command creates a new key and writes it to the file
encryption.key beside the database. At the end it removes the old key from the file:
older copies of the database need a copy of the old file. With BELFRY_ENCRYPTION_KEY,
put the new key first and the old one after a comma; when the command is done, remove
the old one.

The command takes the settings of serve.`,
		Example: `  belfry keys rotate-encryption --db-path /var/lib/belfry/jobs.db
  BELFRY_ENCRYPTION_KEY=NEW,OLD belfry keys rotate-encryption`,
		Args: noArgs,
		RunE: running(func(cmd *cobra.Command, _ []string) error {
			cfg, err := s.loadConfig(cmd.Flags())
			if err != nil {
				return err
			}
			log := slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
			done, err := app.RotateEncryption(cmd.Context(), cfg, log, keepOld)
			if err != nil {
				return err
			}
			return printRotation(s.out, done, keepOld)
		}),
	}
	addConfigFlags(cmd.Flags())
	cmd.Flags().BoolVar(&keepOld, "keep-old-keys", false,
		"retain the old keys in the key file, for older copies of the database")
	return cmd
}

func printRotation(w io.Writer, r app.Rotation, keepOld bool) error {
	if _, err := fmt.Fprintf(w, "sealed the secrets of %d versions with key %s\n", r.Versions, r.KeyID); err != nil {
		return err
	}
	if r.Settings > 0 {
		if _, err := fmt.Fprintf(w, "and those of %d channels of alerts\n", r.Settings); err != nil {
			return err
		}
	}
	if r.Unread > 0 {
		_, err := fmt.Fprintf(w, "unchanged: the secrets of %d versions or channels, which cannot be read; all keys "+
			"are retained until these are repaired or replaced\n", r.Unread)
		return err
	}
	old := strings.Join(r.Retired, ", ")
	var err error
	switch {
	case old == "":
	case r.KeyFile == "":
		_, err = fmt.Fprintf(w, "no longer needed: key %s\n", old)
	case keepOld:
		_, err = fmt.Fprintf(w, "retained in %s: key %s\n", r.KeyFile, old)
	default:
		_, err = fmt.Fprintf(w, "removed from %s: key %s\n", r.KeyFile, old)
	}
	return err
}
