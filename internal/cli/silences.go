package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func silencesCommand(r *remote) *cobra.Command {
	a := alertCommands{r}
	cmd := &cobra.Command{
		Use:   "silences",
		Short: "Manage silences: times in which people are not told of alerts",
		Long: "Manage silences: times in which people are not told of some alerts. What fails meanwhile and still\n" +
			"fails at the end is told then.\n\n" + serverHelp,
		Example: "  belfry silences create --host payments.example.com --for 2h --reason disks\n" +
			"  belfry silences list --active",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.silencesListCommand(), a.silencesCreateCommand(),
		showCommand(r, "silence", "  belfry silences show s-mzxw6ytboi", (*client.Alerting).Silence),
		deleteCommand(r, "delete ID", "Delete a silence; what still fails is told", "a silence",
			"  belfry silences delete s-mzxw6ytboi", (*client.Alerting).DeleteSilence))
	return cmd
}

func quietFlags(q *client.QuietQuery) func(*pflag.FlagSet) {
	return func(fs *pflag.FlagSet) {
		fs.BoolVar(&q.Active, "active", false, "only those that act now")
		fs.StringVar(&q.JobID, "job", "", "only those that are about this job")
	}
}

func (r alertCommands) silencesListCommand() *cobra.Command {
	var q client.QuietQuery
	return listCommand(r.remote, "silences", "  belfry silences list --active",
		"ID\tACTIVE\tSTARTS\tENDS\tWHICH JOBS\tBY\tREASON", quietFlags(&q),
		func(ctx context.Context, c *client.Client) ([]client.Silence, error) {
			return c.Alerting.Silences(ctx, q)
		},
		func(s *client.Silence) string {
			return columns(s.ID, yes(s.Active), auditInstant(s.StartsAt), auditInstant(s.EndsAt), matcherText(&s.Match),
				cmp.Or(s.By.Name, s.By.Key), s.Reason)
		})
}

func (r alertCommands) silencesCreateCommand() *cobra.Command {
	var s client.NewSilence
	var lasts spanFlag
	var from, until string
	var all bool
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make a silence",
		Long: "Make a silence: of some jobs, or of all with --all, for a time or until an instant. It ends by\n" +
			"itself.\n\n" + serverHelp,
		Example: "  belfry silences create --tag nightly --for 90m --reason upgrade\n" +
			"  belfry silences create --all --until 2027-01-01T06:00:00Z --reason move",
		Args: noArgs,
	}
	cmd.RunE = r.speaking(func(ctx context.Context, c *client.Client, _ []string) error {
		if err := checkMatcher(cmd.Flags()); err != nil {
			return err
		}
		if none := matcherText(&s.Match) == "all"; none != all {
			return errors.New("say which jobs are meant, by --job, --namespace, --tag or --host, or --all")
		}
		var err error
		if s.StartsAt, err = expiry(from, r.clock); err != nil {
			return err
		}
		if s.EndsAt, err = expiry(until, r.clock); err != nil {
			return err
		}
		s.DurationMs = lasts.ms
		made, err := c.Alerting.CreateSilence(ctx, s)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(r.out, "%s: %s until %s\n", made.ID, matcherText(&made.Match),
			auditInstant(made.EndsAt))
		return err
	})
	fs := cmd.Flags()
	fs.StringVar(&s.Reason, "reason", "", "why, for others")
	fs.Var(&lasts, "for", "how long, as in 90m")
	fs.StringVar(&until, "until", "", "until when: RFC 3339, or Unix milliseconds")
	fs.StringVar(&from, "from", "", "from when on: a duration from now, RFC 3339, or Unix milliseconds (default now)")
	fs.BoolVar(&all, "all", false, "of every job")
	matcherFlags(fs, &s.Match)
	addServerFlag(fs)
	return cmd
}

func windowsCommand(r *remote) *cobra.Command {
	a := alertCommands{r}
	cmd := &cobra.Command{
		Use:   "windows",
		Short: "Manage maintenance windows: silences that come again",
		Long: "Manage maintenance windows: silences that come again. A window begins at each instant of its\n" +
			"schedule, by the clock of its time zone.\n\n" + serverHelp,
		Example: "  belfry windows set backup --schedule @daily --lasts 2h --reason backup\n" +
			"  belfry windows list --active",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.windowsListCommand(), a.windowsSetCommand(),
		showCommand(r, "window", "  belfry windows show backup", (*client.Alerting).Window),
		deleteCommand(r, "delete ID", "Delete a window; what still fails is told", "a window",
			"  belfry windows delete backup", (*client.Alerting).DeleteWindow))
	return cmd
}

func (r alertCommands) windowsListCommand() *cobra.Command {
	var q client.QuietQuery
	return listCommand(r.remote, "windows", "  belfry windows list",
		"ID\tACTIVE UNTIL\tBEGINS NEXT\tLASTS\tSCHEDULE\tTIMEZONE\tWHICH JOBS\tREASON", quietFlags(&q),
		func(ctx context.Context, c *client.Client) ([]client.Window, error) {
			return c.Alerting.Windows(ctx, q)
		},
		func(w *client.Window) string {
			return columns(w.ID, instantOf(w.ActiveUntil), instantOf(w.NextAt), shortSpan(w.DurationMs), w.Schedule,
				w.Timezone, matcherText(&w.Match), w.Reason)
		})
}

func (r alertCommands) windowsSetCommand() *cobra.Command {
	var w client.NewWindow
	var lasts spanFlag
	cmd := &cobra.Command{
		Use:   "set ID",
		Short: "Make a maintenance window, or replace it",
		Long: "Make a maintenance window, or replace it. Without --job, --namespace, --tag and --host it is about\n" +
			"every job.\n\n" + serverHelp,
		Example: "  belfry windows set backup --schedule @daily --lasts 2h --reason backup",
		Args:    oneArg("the id of a window"),
	}
	cmd.RunE = r.speaking(func(ctx context.Context, c *client.Client, args []string) error {
		if err := checkMatcher(cmd.Flags()); err != nil {
			return err
		}
		w.DurationMs = lasts.ms
		kept, err := c.Alerting.PutWindow(ctx, args[0], w)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(r.out, "%s: %s, next at %s for %s\n", kept.ID, matcherText(&kept.Match),
			cmp.Or(instantOf(kept.NextAt), "no time"), shortSpan(kept.DurationMs))
		return err
	})
	fs := cmd.Flags()
	fs.StringVar(&w.Schedule, "schedule", "", "when it begins: a schedule as of jobs")
	fs.StringVar(&w.Timezone, "timezone", "", "by whose clock (default UTC)")
	fs.Var(&lasts, "lasts", "how long, as in 2h")
	fs.StringVar(&w.Reason, "reason", "", "why, for others")
	fs.BoolVar(&w.Disabled, "disabled", false, "it does not act")
	matcherFlags(fs, &w.Match)
	addServerFlag(fs)
	return cmd
}
