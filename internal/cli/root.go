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

// untilSignal returns a context that SIGINT or SIGTERM ends. The default disposition is
// restored before the context ends, so that a second signal ends the process at once as
// soon as the stop has begun.
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
	// Every other error comes from cobra, which could not parse the command line.
	first, rest, _ := strings.Cut(err.Error(), "\n")
	_, _ = fmt.Fprintf(s.err, "belfry: %s\n", strings.TrimSpace(first))
	if hint := strings.TrimSpace(rest); hint != "" {
		_, _ = fmt.Fprintln(s.err, hint)
	}
	_, _ = fmt.Fprintln(s.err, "Run belfry --help or belfry COMMAND --help for the usage.")
	return exitUsage
}

func (s *shell) root() *cobra.Command {
	var show, also bool // --version or -v; -V
	root := &cobra.Command{
		Use:   "belfry",
		Short: "Belfry sends HTTP requests on a schedule",
		Long: "Belfry sends HTTP requests on a schedule: each on time, each at least once, each on record.\n\n" +
			"`belfry serve` is the server. `belfry preview` explains a schedule. Most other commands\ncall a " +
			"running server.\n\n" + exitCodes,
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
	root.Flags().BoolVarP(&show, "version", "v", false, "print the version, like the command version")
	root.Flags().BoolVarP(&also, "print-version", "V", false, "")
	root.Flags().Lookup("print-version").Hidden = true
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.CompletionOptions.HiddenDefaultCmd = true
	r := s.remote()
	root.AddCommand(s.serveCommand(), r.importCommand(), r.exportCommand(), s.operationsCommand(),
		r.historyCommand(), s.previewCommand(),
		s.receiverCommand(),
		withList(r.jobsCommand()), withList(r.executionsCommand()), r.healthCommand(), withList(r.hostsCommand()),
		r.clusterCommand(),
		forecastCommand(r),
		withList(alertsCommand(r)), failingCommand(r),
		r.auditCommand(), withList(r.trailCommand()), seriesCommand(r), eventsCommand(r), groupsCommand(r),
		notificationsCommand(r),
		rulesCommand(r), silencesCommand(r), windowsCommand(r),
		s.benchCommand(), s.keysCommand(), r.meCommand(), settingsCommand(r),
		channelsCommand(r),
		s.configCommand(), s.copyCommand(), s.migrateCommand(),
		s.signingSecretCommand(),
		s.versionCommand())
	return root
}
