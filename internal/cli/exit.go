package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// Exit codes. Scripts build on them.
const (
	exitOK      = 0
	exitFailure = 1
	exitRefused = 2
	exitUsage   = 64 // EX_USAGE of sysexits.h
)

const exitCodes = `Exit codes:
  0   success
  1   failure: nothing was done, or only a part
  2   import: some items were refused, the others are imported; jobs: the action was
      refused for some; audit: fires are lost
  64  the command line cannot be parsed`

// failure ends a command with a code. A nil error has been printed already.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit code %d", f.code)
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// running wraps the work of a command in cobra's form. Its errors carry an exit code,
// which distinguishes them from errors of the command line.
func running(work func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := work(cmd, args)
		if err == nil {
			return nil
		}
		if f, ok := errors.AsType[*failure](err); ok {
			return f
		}
		return &failure{exitFailure, err}
	}
}
