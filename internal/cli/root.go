package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/spf13/cobra"
)

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
	r := s.remote()
	root.AddCommand(s.serveCommand(), r.importCommand(), r.exportCommand(), r.historyCommand(), s.previewCommand(),
		s.receiverCommand(),
		r.healthCommand(), r.auditCommand(), s.benchCommand(), s.keysCommand(), s.configCommand(), s.versionCommand())
	return root
}
