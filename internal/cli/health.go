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
	plugin := false
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Check whether a server is ready",
		Long: "Check whether a server is ready: exit code 0 if it is, otherwise 1 with the checks that\n" +
			"fail. Warnings go to stderr and do not change the exit code. The command is meant for\n" +
			"the health check of a container and needs no API key; with a key the warnings are\n" +
			"printed in full.\n\n" +
			"With --check it is a plugin for Nagios, Icinga or Checkmk: one line with performance\n" +
			"data, and exit code 0 (OK), 1 (WARNING) or 2 (CRITICAL).\n\n" + serverHelp,
		Example: "  belfry health\n  belfry health --server http://10.0.0.5:3000\n  belfry health --check",
		Args:    noArgs,
		RunE: r.speaking(func(ctx context.Context, c *client.Client, _ []string) error {
			if plugin {
				return printPlugin(ctx, r.out, c)
			}
			ready, err := c.Ready(ctx)
			if err != nil {
				return err
			}
			r.warnOf(ctx, c, ready.Warning)
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
	cmd.Flags().BoolVar(&plugin, "check", false, "answer as a plugin for Nagios and others")
	return cmd
}

// warnOf prints the warnings of checks, or only the names of the checks if the server
// requires a key that is not set. An error here does not change the result: the server
// has already reported its health.
func (r *remote) warnOf(ctx context.Context, c *client.Client, names []string) {
	if len(names) == 0 {
		return
	}
	health, err := c.Health(ctx)
	for _, name := range names {
		told := health.Checks[name].Warning
		switch {
		case err != nil:
			told = "GET /observability/health has the details, with an API key"
		case told == "": // the warning has ended meanwhile
			continue
		}
		_, _ = fmt.Fprintf(r.err, "warning: %s: %s\n", name, told)
	}
}
