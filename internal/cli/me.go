package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
)

func (r *remote) meCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "me",
		Aliases: []string{"whoami"},
		Short:   "Show who you are to a server",
		Long: "Show what a server takes you for: which key you use, what it may do, and when it\n" +
			"expires. Where no key is set, you are anonymous.\n\n" + serverHelp,
		Example: "  belfry me\n  belfry me --json",
		Args:    noArgs,
		RunE: r.speaking(func(ctx context.Context, c *client.Client, _ []string) error {
			me, err := c.Me(ctx)
			if err != nil {
				return err
			}
			return printMe(r.out, &me, asJSON)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the answer as JSON")
	addServerFlag(cmd.Flags())
	return cmd
}

func printMe(w io.Writer, me *client.Me, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(me)
	}
	expires := "never"
	if me.ExpiresAt != nil {
		expires = auditInstant(*me.ExpiresAt)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(t, "KIND\t%s\nKEY\t%s\nNAME\t%s\nROLE\t%s\nNAMESPACES\t%s\nEXPIRES\t%s\n", me.Kind,
		cmp.Or(me.KeyID, "-"), cmp.Or(me.Name, "-"), me.Role, cmp.Or(strings.Join(me.Namespaces, ", "), "all"), expires)
	return t.Flush()
}
