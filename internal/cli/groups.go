package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
)

func groupsCommand(r *remote) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "groups",
		Short: "Show and acknowledge groups of alerts",
		Long: `Show groups of alerts that have one cause, as far as is known, of which people are told
together, and say that somebody looks after one. The states are:

  WAITING        nobody was told yet
  OPEN           the channels know of it
  ACKNOWLEDGED   somebody looks after it
  FLAPPING       it recovers and fails in turn
  RECOVERED      no alert of it is open
  CLOSED         it does not change any more

` + serverHelp,
		Example: "  belfry groups list --open\n  belfry groups acknowledge 019b76da-a811-8696-9fd2-ecffa5bae4f6",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(groupsListCommand(r),
		groupCommand(r, "show ID", "Show a group of alerts", "Show a group of alerts, with the jobs that failed first.",
			func(ctx context.Context, c *client.Client, id string) (client.AlertGroup, error) {
				return c.AlertGroup(ctx, id)
			}),
		groupCommand(r, "acknowledge ID", "Say that somebody looks after a group of alerts",
			"Say that somebody looks after a group of alerts: nothing is repeated until more jobs fail,\n"+
				"or until it is over. One of which no alert is open is refused.",
			func(ctx context.Context, c *client.Client, id string) (client.AlertGroup, error) {
				return c.AcknowledgeAlertGroup(ctx, id)
			}))
	return cmd
}

func groupsListCommand(r *remote) *cobra.Command {
	var open bool
	l := &list[client.AlertGroup]{heading: "FIRST\tSTATE\tLEVEL\tJOBS\tFAILURES\tLAST\tTOLD\tKEY\tID", row: groupRow}
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List groups of alerts, newest first",
		Long:    "List groups of alerts, newest first. JOBS are those that fail now.\n\n" + serverHelp,
		Example: "  belfry groups list --open\n  belfry groups list --json",
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.BoolVar(&open, "open", false, "only groups that are not closed")
	l.add(fs, "groups")
	return l.command(r, cmd, func(cmd *cobra.Command, c *client.Client) iter.Seq2[client.AlertGroup, error] {
		return c.AlertGroups(cmd.Context(), open, l.pageSize())
	})
}

func groupRow(g *client.AlertGroup) string {
	return columns(auditInstant(g.FirstAt), g.State, g.Level, strconv.Itoa(g.Jobs), strconv.FormatInt(g.Failures, 10),
		auditInstant(g.LastAt), instantOf(g.ToldAt), g.Key, g.ID)
}

// groupCommand returns a command about one group, which it prints.
func groupCommand(r *remote, use, short, long string,
	ask func(ctx context.Context, c *client.Client, id string) (client.AlertGroup, error)) *cobra.Command {
	var asJSON bool
	name, _, _ := strings.Cut(use, " ")
	cmd := &cobra.Command{
		Use:     use,
		Short:   short,
		Long:    long + "\n\n" + serverHelp,
		Example: "  belfry groups " + name + " 019b76da-a811-8696-9fd2-ecffa5bae4f6",
		Args:    oneArg("the id of a group"),
		RunE: r.speaking(func(ctx context.Context, c *client.Client, args []string) error {
			g, err := ask(ctx, c, args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(r.out).Encode(g)
			}
			return printGroup(r.out, &g)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the group as JSON")
	addServerFlag(cmd.Flags())
	return cmd
}

func printGroup(out io.Writer, g *client.AlertGroup) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "%s\t%s %s\n", g.Key, g.Level, g.State)
	_, _ = fmt.Fprintf(w, "jobs\t%d fail now, %d have failed\n", g.Jobs, g.AllJobs)
	_, _ = fmt.Fprintf(w, "failures\t%d, from %s to %s\n", g.Failures,
		auditInstant(g.FirstAt), auditInstant(g.LastAt))
	if g.ToldAt != nil {
		_, _ = fmt.Fprintf(w, "told\t%s\n", auditInstant(*g.ToldAt))
	}
	if a := g.Acknowledged; a != nil {
		_, _ = fmt.Fprintf(w, "acknowledged\t%s by %s %s\n", auditInstant(a.At), a.By.Key, a.By.Name)
	}
	if g.RecoveredAt != nil {
		_, _ = fmt.Fprintf(w, "recovered\t%s\n", auditInstant(*g.RecoveredAt))
	}
	if len(g.Samples) > 0 {
		_, _ = fmt.Fprintln(w, "\nJOB\tNAME\tTARGET\tFAILURES\tLAST\tERROR")
	}
	for i := range g.Samples {
		s := &g.Samples[i]
		_, _ = fmt.Fprintln(w, columns(s.JobID, s.Name, s.Target, strconv.FormatInt(s.Count, 10),
			auditInstant(s.LastAt), short(s.Error)))
	}
	return w.Flush()
}
