package cli

import (
	"context"
	"iter"
	"strconv"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
)

func (r *remote) executionsCommand() *cobra.Command {
	var filter client.ExecutionFilter
	var manual bool
	l := &list[client.Execution]{heading: "SCHEDULED AT\tSTATUS\tJOB\tMS\tHTTP\tRETRIES\tERROR\tID", row: executionRow}
	cmd := &cobra.Command{
		Use:   "executions",
		Short: "List and show executions",
		Long: `List the executions of all jobs or of one, newest scheduled first, with those that have not
ended (PENDING, RUNNING). MS is the time from the first attempt to the end. ERROR is the
beginning of what went wrong; --json has all of it.

` + serverHelp,
		Example: "  belfry executions --status FAILED,UNKNOWN --from 2026-01-01T00:00:00Z\n" +
			"  belfry executions --job 0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b --manual --json",
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&filter.JobID, "job", "", "only those of the job with this id")
	fs.StringVar(&filter.Host, "host", "", "only those that call this host: NAME, NAME:PORT or https://NAME")
	fs.StringSliceVar(&filter.Statuses, "status", nil, "only those with one of these statuses: PENDING, RUNNING, "+
		"SUCCESS, FAILED, SKIPPED, MISSED, UNKNOWN")
	fs.StringVar(&filter.From, "from", "", "first scheduled instant, Unix milliseconds or RFC 3339 "+
		"(default the oldest)")
	fs.StringVar(&filter.To, "to", "", "end before this scheduled instant (default none)")
	fs.BoolVar(&manual, "manual", true, "only those triggered by hand, or with =false only those of schedules")
	fs.Lookup("manual").DefValue = ""
	l.add(fs, "executions")
	cmd.AddCommand(runningCommand(r), shown(r, "an execution",
		"  belfry executions show 0192f0c1-4b20-8a6c-9d31-0c5e7a91b2d4",
		func(ctx context.Context, c *client.Client, id string) (client.Execution, error) {
			return c.Executions.Get(ctx, id)
		}))
	return l.command(r, cmd, func(cmd *cobra.Command, c *client.Client) iter.Seq2[client.Execution, error] {
		if cmd.Flags().Changed("manual") {
			filter.Manual = &manual
		}
		filter.PageSize = l.pageSize()
		return c.Executions.List(cmd.Context(), filter)
	})
}

func runningCommand(r *remote) *cobra.Command {
	var filter client.RunningFilter
	l := &list[client.Running]{heading: "SCHEDULED AT\tSTATE\tJOB\tELAPSED MS\tRETRY AT\tRETRIES\tERROR\tID",
		row: runningRow}
	cmd := &cobra.Command{
		Use:   "running",
		Short: "List what runs now",
		Long: `List the executions that have not ended, of all servers on the database, newest scheduled
first. STATE is inFlight, queued (it waits for its host) or retrying (until RETRY AT). ELAPSED MS
counts from the first attempt, or from the scheduled instant while nothing was sent. ERROR is
the beginning of what went wrong in the last attempt.

` + serverHelp,
		Example: "  belfry executions running --state retrying\n  belfry executions running --json",
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&filter.JobID, "job", "", "only those of the job with this id")
	fs.StringVar(&filter.Host, "host", "", "only those that call this host: NAME, NAME:PORT or https://NAME")
	fs.StringVar(&filter.State, "state", "", "only those in this state: inFlight, queued or retrying")
	l.add(fs, "executions")
	return l.command(r, cmd, func(cmd *cobra.Command, c *client.Client) iter.Seq2[client.Running, error] {
		filter.PageSize = l.pageSize()
		return c.Executions.Running(cmd.Context(), filter)
	})
}

func runningRow(e *client.Running) string {
	return columns(auditInstant(e.ScheduledAt), e.State, e.JobID, strconv.FormatInt(e.ElapsedMs, 10),
		instantOf(e.RetryAt), strconv.Itoa(e.RetryCount), short(e.Error), e.ID)
}

func executionRow(e *client.Execution) string {
	ms, status := "", ""
	if e.Duration != nil {
		ms = strconv.FormatInt(*e.Duration, 10)
	}
	if e.HTTPStatus != nil {
		status = strconv.Itoa(*e.HTTPStatus)
	}
	return columns(auditInstant(e.ScheduledAt), e.Status, e.JobID, ms, status, strconv.Itoa(e.RetryCount),
		short(e.Error), e.ID)
}
