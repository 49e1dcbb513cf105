package cli

import (
	"context"
	"fmt"
	"iter"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
)

func (r *remote) jobsCommand() *cobra.Command {
	var (
		filter client.JobFilter
		chosen jobFlags
		count  bool
		never  bool
	)
	l := &list[client.Job]{heading: "ID\tNAME\tNAMESPACE\tSTATE\tSCHEDULE\tNEXT FIRE\tLAST\tAPI", row: jobRow}
	cmd := &cobra.Command{
		Use:   "jobs",
		Short: "List, create and change jobs",
		Long: `List jobs in the order of their creation, unless --sort or --newest says otherwise. STATE is active, paused, or
broken if the job cannot be run. LAST is the outcome of the newest execution that has
ended, with --last.

` + serverHelp,
		Example: "  belfry jobs --failing --last\n  belfry jobs --sort nextFireAt --limit 5\n" +
			"  belfry jobs --host api.example.com --newest --limit 5\n" +
			"  belfry jobs --tag billing --count",
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	chosen.add(fs, &filter)
	fs.BoolVar(&filter.Newest, "newest", false, "the newest jobs first")
	fs.StringVar(&filter.Sort, "sort", "", "the order: id, -id, name, -name, -failures, nextFireAt or -lastFireAt")
	fs.BoolVar(&filter.LastExecution, "last", false, "with the newest execution of each that has ended")
	fs.StringVar(&filter.DueBefore, "due-before", "", "only those whose next fire is before this instant, Unix "+
		"milliseconds or RFC 3339")
	fs.BoolVar(&never, "never-ran", true, "only those of which no execution has ended, or with =false only the others")
	fs.Lookup("never-ran").DefValue = ""
	fs.BoolVar(&count, "count", false, "print only how many jobs there are")
	l.add(fs, "jobs")
	one := jobCommands{r}
	cmd.AddCommand(one.create(), one.edit())
	cmd.AddCommand(shown(r, "a job", "  belfry jobs show 0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b",
		func(ctx context.Context, c *client.Client, id string) (client.Job, error) { return c.Jobs.Get(ctx, id) }))
	cmd.AddCommand(bulkCommands{r}.all()...)
	cmd.AddCommand(r.versionsCommand(), r.restoreCommand(), r.jobPreviewCommand(), testCallCommand(r))
	return l.command(r, cmd, func(cmd *cobra.Command, c *client.Client) iter.Seq2[client.Job, error] {
		if chosen.into(cmd.Flags(), &filter); cmd.Flags().Changed("never-ran") {
			filter.NeverRan = &never
		}
		filter.PageSize = l.pageSize()
		if !count {
			return c.Jobs.List(cmd.Context(), filter)
		}
		n, err := c.Jobs.Count(cmd.Context(), filter)
		if err != nil {
			return func(yield func(client.Job, error) bool) { yield(client.Job{}, err) }
		}
		_, _ = fmt.Fprintln(r.out, n)
		return nil
	})
}

func jobRow(j *client.Job) string {
	state := "active"
	switch {
	case j.Error != "":
		state = "broken"
	case !j.IsActive:
		state = "paused"
	}
	last := ""
	if e := j.LastExecution; e != nil {
		last = e.Status + " " + auditInstant(e.ScheduledAt)
	}
	return columns(j.ID, j.Spec.Name, j.Spec.Namespace, state, j.Spec.Schedule, instantOf(j.NextFireAt), last,
		j.Spec.API)
}
