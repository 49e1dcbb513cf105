package cli

import (
	"fmt"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/spelling"
	"github.com/spf13/cobra"
)

// noArgs accepts no arguments. For a group of commands an argument is an unknown
// command, and the error suggests a similar one.
func noArgs(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case !cmd.HasSubCommands():
		return fmt.Errorf("%s takes no arguments, not %q", nameOf(cmd), args[0])
	}
	var known []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			known = append(known, c.Name())
		}
	}
	if near := spelling.Nearest(args[0], known, nil); near != nil {
		return fmt.Errorf("there is no command %q; did you mean %s?", args[0], near[0])
	}
	return fmt.Errorf("there is no command %q", args[0])
}

// oneArg accepts exactly one argument; the error says what it is.
func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return fmt.Errorf("%s takes one argument, %s, not %d", nameOf(cmd), what, len(args))
	}
}

// nameOf returns what the user types after belfry.
func nameOf(cmd *cobra.Command) string { return strings.TrimPrefix(cmd.CommandPath(), "belfry ") }
