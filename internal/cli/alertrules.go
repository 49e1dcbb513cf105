package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// alertCommands are those about rules, silences and maintenance windows.
type alertCommands struct{ *remote }

func rulesCommand(r *remote) *cobra.Command {
	a := alertCommands{r}
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Manage the rules of alerts",
		Long: "Manage the rules of alerts: of what people are told, by which channels, and when. Two are there\n" +
			"without being made: default tells of every final failure, and undeliverable of messages that did\n" +
			"not reach a channel. One that is set under such an id takes its place; with --disabled nobody is\n" +
			"told by it.\n\n" + serverHelp,
		Example: "  belfry rules list\n" +
			"  belfry rules set payments --tag payments --kind FAILED_OF_LAST --count 3 --of 10\n" +
			"  belfry rules set slow --kind DURATION --threshold 5s --window 10m --level WARNING\n" +
			"  belfry rules set undeliverable --channel pager",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.rulesListCommand(), a.rulesSetCommand(),
		showCommand(r, "rule", "  belfry rules show payments", (*client.Alerting).AlertRule),
		deleteCommand(r, "delete ID", "Delete a rule", "a rule", "  belfry rules delete payments",
			(*client.Alerting).DeleteAlertRule))
	return cmd
}

func (r alertCommands) rulesListCommand() *cobra.Command {
	return listCommand(r.remote, "rules", "  belfry rules list",
		"ID\tWHEN\tWHICH JOBS\tCHANNELS\tLEVEL\tGROUPED BY\tDISABLED\tNAME", nil,
		func(ctx context.Context, c *client.Client) ([]client.AlertRule, error) {
			return c.Alerting.AlertRules(ctx)
		},
		func(r *client.AlertRule) string {
			channels := strings.Join(r.Channels, ",")
			if channels == "" {
				channels = "default"
			}
			return columns(r.ID, conditionText(&r.When), matcherText(&r.Match), channels, r.Level, r.GroupBy,
				yes(r.Disabled), cmp.Or(r.Error, r.Name))
		})
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// conditionText says when people are told.
func conditionText(c *client.Condition) string {
	n := max(c.Count, 1)
	window := ""
	if c.WindowMs != 0 {
		window = " in " + shortSpan(c.WindowMs)
	}
	switch c.Kind {
	case "FAILURES":
		return fmt.Sprintf("%d failed in a row", n)
	case "FAILED_OF_LAST":
		return fmt.Sprintf("%d of the last %d failed", n, c.Of)
	case "SUCCESS_RATE":
		return fmt.Sprintf("under %d %% succeeded%s", c.Percent, window)
	case "DURATION":
		return fmt.Sprintf("%d took over %s%s", n, shortSpan(c.ThresholdMs), window)
	case "DRIFT":
		return fmt.Sprintf("%d started over %s late%s", n, shortSpan(c.ThresholdMs), window)
	case "MISSED", "SKIPPED":
		return fmt.Sprintf("%d %s%s", n, strings.ToLower(c.Kind), window)
	case "LOST":
		return "fires lost"
	case "NOT_RUN":
		return "not run for " + shortSpan(c.ThresholdMs)
	case "SERVER":
		return "servers have a fault for " + shortSpan(c.ThresholdMs)
	case "UNDELIVERABLE":
		return "messages not delivered"
	}
	return c.Kind
}

func shortSpan(ms int64) string {
	text := (time.Duration(ms) * time.Millisecond).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// matcherText says which jobs are meant.
func matcherText(m *client.Matcher) string {
	var parts []string
	for _, p := range []struct{ name, value string }{{"namespace", m.Namespace}, {"tag", m.Tag}, {"host", m.Host}} {
		if p.value != "" {
			parts = append(parts, p.name+" "+p.value)
		}
	}
	if n := len(m.Jobs); n == 1 {
		parts = append(parts, "job "+m.Jobs[0])
	} else if n > 1 {
		parts = append(parts, fmt.Sprintf("%d jobs", n))
	}
	if len(parts) == 0 {
		return "all"
	}
	return strings.Join(parts, ", ")
}

// matcherFlags select jobs.
func matcherFlags(fs *pflag.FlagSet, m *client.Matcher) {
	fs.StringSliceVar(&m.Jobs, "job", nil, "only these jobs, by id")
	fs.StringVar(&m.Namespace, "namespace", "", "only jobs of this namespace")
	fs.StringVar(&m.Tag, "tag", "", "only jobs with this tag")
	fs.StringVar(&m.Host, "host", "", "only jobs that call this host")
}

// checkMatcher refuses a flag that is there and empty: a script whose variable is empty would mean every job.
func checkMatcher(fs *pflag.FlagSet) (err error) {
	fs.Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "job", "namespace", "tag", "host":
			if v := strings.Trim(f.Value.String(), "[] "); v == "" {
				err = fmt.Errorf("--%s is empty: leave it out for every job", f.Name)
			}
		}
	})
	return err
}

// spanFlag is a duration as the settings have it, in milliseconds.
type spanFlag struct {
	ms  int64
	set bool
}

func (s *spanFlag) String() string { return shortSpan(s.ms) }
func (s *spanFlag) Type() string   { return "duration" }
func (s *spanFlag) Set(text string) error {
	d, ok := config.ParseDuration(text)
	if !ok || d < 0 {
		return fmt.Errorf("must be a duration, as in 90s, 10m or 2h")
	}
	s.ms, s.set = d.Milliseconds(), true
	return nil
}

func (s *spanFlag) orNil() *int64 {
	if !s.set {
		return nil
	}
	return &s.ms
}

func (r alertCommands) rulesSetCommand() *cobra.Command {
	var rule client.NewAlertRule
	var when client.Condition
	var threshold, window, wait, update, repeat spanFlag
	var silentEnd bool
	cmd := &cobra.Command{
		Use:   "set ID",
		Short: "Make a rule, or replace it",
		Long: "Make a rule, or replace it: what is not given has its default. --kind says when people are told:\n\n" +
			"  FAILURES         --count executions in a row have failed for good (default 1)\n" +
			"  FAILED_OF_LAST   --count of the last --of executions have failed\n" +
			"  SUCCESS_RATE     fewer than --percent of at least --count executions in --window have succeeded\n" +
			"  DURATION         --count executions in --window have taken longer than --threshold\n" +
			"  DRIFT            --count executions in --window were started later than --threshold\n" +
			"  MISSED, SKIPPED  --count fires in --window were dropped by the policy of the job\n" +
			"  LOST             an audit has found fires without a record\n" +
			"  NOT_RUN          a fire was due longer than --threshold ago, and none was sent since\n" +
			"  SERVER           a check of the servers fails for longer than --threshold\n" +
			"  UNDELIVERABLE    the last message to a channel could not be delivered\n\n" + serverHelp,
		Example: "  belfry rules set payments --host payments.example.com --count 3 --channel ops\n" +
			"  belfry rules set late --kind DRIFT --threshold 5s --count 10 --window 10m",
		Args: oneArg("the id of a rule"),
	}
	cmd.RunE = r.speaking(func(ctx context.Context, c *client.Client, args []string) error {
		if err := checkMatcher(cmd.Flags()); err != nil {
			return err
		}
		if when.ThresholdMs, when.WindowMs = threshold.ms, window.ms; when != (client.Condition{}) {
			if when.Kind == "" {
				when.Kind = "FAILURES"
			}
			rule.When = &when
		}
		rule.WaitMs, rule.UpdateMs, rule.RepeatMs = wait.orNil(), update.orNil(), repeat.orNil()
		if silentEnd {
			rule.Recovery = new(false)
		}
		kept, err := c.Alerting.PutAlertRule(ctx, args[0], rule)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(r.out, "%s: %s, of %s\n", kept.ID, conditionText(&kept.When), matcherText(&kept.Match))
		return err
	})
	fs := cmd.Flags()
	fs.StringVar(&rule.Name, "name", "", "what people call it")
	fs.StringVar(&when.Kind, "kind", "", "when people are told (default FAILURES)")
	fs.IntVar(&when.Count, "count", 0, "how many (default 1)")
	fs.IntVar(&when.Of, "of", 0, "of how many of the last executions")
	fs.IntVar(&when.Percent, "percent", 0, "of the executions")
	fs.Var(&threshold, "threshold", "what is longer counts, as in 5s")
	fs.Var(&window, "window", "how long before now, as in 10m (default 1h)")
	fs.StringSliceVar(&rule.Channels, "channel", nil, "ids of channels (default those that are a default)")
	fs.StringVar(&rule.Level, "level", "", "INFO, WARNING or CRITICAL (default CRITICAL)")
	fs.StringVar(&rule.GroupBy, "group-by", "", "HOST, NAMESPACE or JOB (default HOST)")
	fs.Var(&wait, "wait", "from the first alert to the first message (default 10s)")
	fs.Var(&update, "update", "from a message to the next one that says that it is worse (default 5m)")
	fs.Var(&repeat, "repeat", "from a message to one that says that it is still so; 0s: never (default 4h)")
	fs.BoolVar(&silentEnd, "no-recovery", false, "nobody is told that it is over")
	fs.BoolVar(&rule.Disabled, "disabled", false, "nobody is told by it")
	matcherFlags(fs, &rule.Match)
	addServerFlag(fs)
	return cmd
}

// listCommand returns a command that prints what is configured.
func listCommand[T any](r *remote, what, example, heading string, flags func(*pflag.FlagSet),
	ask func(context.Context, *client.Client) ([]T, error), row func(*T) string) *cobra.Command {
	l := &list[T]{heading: heading, row: row}
	cmd := &cobra.Command{
		Use: "list", Short: "List the " + what, Long: "List the " + what + ", by their ids.\n\n" + serverHelp,
		Example: example, Args: noArgs,
	}
	cmd.RunE = r.speaking(func(ctx context.Context, c *client.Client, _ []string) error {
		found, err := ask(ctx, c)
		if err != nil {
			return err
		}
		return l.print(r.out, func(yield func(T, error) bool) {
			for _, one := range found {
				if !yield(one, nil) {
					return
				}
			}
		})
	})
	cmd.Flags().BoolVar(&l.asJSON, "json", false, "print NDJSON, one of the "+what+" a line")
	if flags != nil {
		flags(cmd.Flags())
	}
	addServerFlag(cmd.Flags())
	return cmd
}

// showCommand returns a command that prints one of what is configured, as JSON.
func showCommand[T any](r *remote, what, example string, ask func(*client.Alerting, context.Context, string) (T, error),
) *cobra.Command {
	return shown(r, "a "+what, example, func(ctx context.Context, c *client.Client, id string) (T, error) {
		return ask(c.Alerting, ctx, id)
	})
}

// deleteCommand returns a command that deletes one of what is configured.
func deleteCommand(r *remote, use, short, what, example string,
	del func(*client.Alerting, context.Context, string) error) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Long: short + ".\n\n" + serverHelp, Example: example, Args: oneArg("the id of " + what),
		RunE: r.speaking(func(ctx context.Context, c *client.Client, args []string) error {
			if err := del(c.Alerting, ctx, args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(r.out, "%s is deleted\n", args[0])
			return err
		}),
	}
	addServerFlag(cmd.Flags())
	return cmd
}
