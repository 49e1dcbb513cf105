package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func (s *shell) healthCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a server whether it does its work",
		Long: "Ask a server whether it does its work: exit code 0 if it does, otherwise 1 with the\n" +
			"checks that fail. Needs no API key: made for the health check of a container.\n\n" + serverHelp,
		Example: "  belfry health\n  belfry health --server http://10.0.0.5:3000",
		Args:    noArgs,
		RunE: running(func(cmd *cobra.Command, _ []string) error {
			c, err := s.connect(cmd.Flags())
			if err != nil {
				return err
			}
			defer c.Close()
			ready, err := c.Ready(cmd.Context())
			if err != nil {
				return reach(c, err)
			}
			if !ready.Ready() {
				told := fmt.Sprintf("the server at %s is not ready", c.Base())
				if len(ready.Failing) > 0 {
					told += ": " + strings.Join(ready.Failing, ", ")
				}
				return errors.New(told)
			}
			_, err = fmt.Fprintln(s.out, "ready")
			return err
		}),
	}
	addServerFlag(cmd.Flags())
	return cmd
}
