package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/belfry-scheduler/belfry/internal/client"
)

func (r *remote) healthCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a server whether it does its work",
		Long: "Ask a server whether it does its work: exit code 0 if it does, otherwise 1 with the\n" +
			"checks that fail. Warnings go to stderr and change no exit code. Needs no API key, made\n" +
			"for the health check of a container; with one the warnings are told in full.\n\n" + serverHelp,
		Example: "  belfry health\n  belfry health --server http://10.0.0.5:3000",
		Args:    noArgs,
		RunE: running(func(cmd *cobra.Command, _ []string) error {
			c, err := r.connect(cmd.Flags())
			if err != nil {
				return err
			}
			defer c.Close()
			ready, err := c.Ready(cmd.Context())
			if err != nil {
				return reach(c, err)
			}
			r.warnOf(cmd.Context(), c, ready.Warning)
			if !ready.Ready() {
				told := fmt.Sprintf("the server at %s is not ready", c.Base())
				if len(ready.Failing) > 0 {
					told += ": " + strings.Join(ready.Failing, ", ")
				}
				return errors.New(told)
			}
			_, err = fmt.Fprintln(r.out, "ready")
			return err
		}),
	}
	addServerFlag(cmd.Flags())
	return cmd
}

// warnOf tells the warnings of checks, or their names alone where the server asks
// for a key that is not set. What goes wrong here is no fault of the health: the
// server has answered the question.
func (r *remote) warnOf(ctx context.Context, c *client.Client, names []string) {
	if len(names) == 0 {
		return
	}
	health, err := c.Health(ctx)
	for _, name := range names {
		told := health.Checks[name].Warning
		switch {
		case err != nil:
			told = "GET /observability/health says what, with an API key"
		case told == "": // it is over
			continue
		}
		_, _ = fmt.Fprintf(r.err, "warning: %s: %s\n", name, told)
	}
}
