package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/spelling"
	"github.com/mattn/go-isatty"
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
  0   done
  1   failed: nothing was done, or not all of it
  2   import: some items were refused, the others are imported; audit: fires are lost
  64  the command line cannot be understood`

// failure ends a command with a code. A nil error has been told already.
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

// shell is what surrounds a command.
type shell struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
	clock    clock.Clock
	exit     func(code int) // ends the process at once
}

// Main runs the command line of the process and returns its exit code.
func Main() int {
	ctx, cancel := untilSignal()
	defer cancel()
	s := &shell{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ(),
		clock: clock.System{}, exit: os.Exit}
	return s.run(ctx, os.Args[1:])
}

// untilSignal returns a context that SIGINT or SIGTERM ends. Before it ends the
// usual disposition is back, so that whoever sees the stop begin can end it at
// once with a second signal.
func untilSignal() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	came := make(chan os.Signal, 1)
	signal.Notify(came, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-came:
		case <-ctx.Done():
		}
		signal.Stop(came)
		cancel()
	}()
	return ctx, cancel
}

// run executes one command line.
func (s *shell) run(ctx context.Context, args []string) int {
	root := s.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if f, ok := errors.AsType[*failure](err); ok {
		if f.err != nil {
			within(tellGrace, func() { s.tell(f.err) })
		}
		return f.code
	}
	// Everything that does not come from a command itself comes from cobra,
	// which could not make out what to run.
	first, rest, _ := strings.Cut(err.Error(), "\n")
	_, _ = fmt.Fprintf(s.err, "belfry: %s\n", strings.TrimSpace(first))
	if hint := strings.TrimSpace(rest); hint != "" {
		_, _ = fmt.Fprintln(s.err, hint)
	}
	_, _ = fmt.Fprintln(s.err, "Run belfry --help, or belfry COMMAND --help, for what there is.")
	return exitUsage
}

// tell prints an error: one line, or a heading and a line per fault.
func (s *shell) tell(err error) {
	if faults, ok := errors.AsType[config.Errors](err); ok && len(faults) > 1 {
		_, _ = fmt.Fprintf(s.err, "belfry: %d settings are wrong:\n", len(faults))
		for _, f := range faults {
			_, _ = fmt.Fprintf(s.err, "  %v\n", f)
		}
		return
	}
	_, _ = fmt.Fprintf(s.err, "belfry: %s\n", strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
	if p, ok := errors.AsType[*pointed](err); ok {
		_, _ = fmt.Fprintln(s.err, p.mark())
	}
}

func (s *shell) root() *cobra.Command {
	var show, also bool // --version or -v; -V
	root := &cobra.Command{
		Use:   "belfry",
		Short: "Belfry fires HTTP requests on schedule",
		Long: "Belfry fires HTTP requests on schedule: each on time, each at least once, each on record.\n\n" +
			"`belfry serve` is the server. `belfry preview` explains a schedule. The other commands\nspeak to a " +
			"server that runs.\n\n" + exitCodes,
		Example: `  belfry serve
  belfry preview '0 30 9 * * MON-FRI' --timezone Europe/Berlin
  belfry import jobs.json`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if show || also {
				return running(func(*cobra.Command, []string) error {
					_, err := fmt.Fprintln(s.out, currentBuild())
					return err
				})(cmd, nil)
			}
			return cmd.Help()
		},
	}
	root.Flags().BoolVarP(&show, "version", "v", false, "print the version, as the command of that name does")
	root.Flags().BoolVarP(&also, "print-version", "V", false, "")
	root.Flags().Lookup("print-version").Hidden = true
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(s.serveCommand(), s.importCommand(), s.exportCommand(), s.historyCommand(), s.previewCommand(),
		s.receiverCommand(),
		s.healthCommand(), s.auditCommand(), s.benchCommand(), s.keysCommand(), s.configCommand(), s.versionCommand())
	return root
}

// running makes the work of a command into cobra's form. Its errors carry an
// exit code, by which they are told from errors of the command line.
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

// noArgs takes no arguments. A group of commands is told one that it does not
// have, and which it might be.
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

// oneArg takes exactly one argument and says what it is.
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

// isTerminal reports whether somebody looks at what is written.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// colour reports whether text for w may be coloured (https://no-color.org).
func (s *shell) colour(w io.Writer) bool {
	return isTerminal(w) && !slices.ContainsFunc(s.environ, func(v string) bool {
		return strings.HasPrefix(v, "NO_COLOR=") && v != "NO_COLOR=" || v == "TERM=dumb"
	})
}
