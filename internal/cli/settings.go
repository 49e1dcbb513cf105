package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
)

func settingsCommand(r *remote) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "settings",
		Short: "Show the settings of a running server",
		Long: "Show the settings that a server was started with, and where each is from. Secrets are\n" +
			"masked. `belfry config check` reads the settings of this machine instead.\n\n" + serverHelp,
		Example: "  belfry settings\n  belfry settings --json",
		Args:    noArgs,
		RunE: r.speaking(func(ctx context.Context, c *client.Client, _ []string) error {
			settings, err := c.Settings(ctx)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(r.out).Encode(settings)
			}
			t := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
			_, _ = fmt.Fprintln(t, "SETTING\tVALUE\tFROM")
			for i := range settings {
				s := &settings[i]
				_, _ = fmt.Fprintf(t, "%s\t%s\t%s\n", s.Key, cmp.Or(s.Value, "-"), s.From)
			}
			return t.Flush()
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the settings as JSON")
	addServerFlag(cmd.Flags())
	return cmd
}
