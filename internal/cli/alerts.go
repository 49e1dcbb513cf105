package cli

import (
	"iter"
	"strconv"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
)

func alertsCommand(r *remote) *cobra.Command {
	var filter client.AlertFilter
	l := &list[client.Alert]{heading: "LAST AT\tKIND\tSTATE\tJOB\tCOUNT\tFIRST AT\tHTTP\tERROR", row: alertRow}
	cmd := &cobra.Command{
		Use:   "alerts",
		Short: "List alerts",
		Long: `List alerts, newest failure first: runs of final failures of one job, and fires of which an audit
has found no record (LOST). STATE is open until the job recovers. ERROR is the beginning of what
went wrong at the latest failure; --json has all of it.

` + serverHelp,
		Example: "  belfry alerts --open\n  belfry alerts --job 0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b --json",
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&filter.JobID, "job", "", "only those of the job with this id")
	fs.BoolVar(&filter.OpenOnly, "open", false, "only those of jobs that have not recovered")
	l.add(fs, "alerts")
	return l.command(r, cmd, func(cmd *cobra.Command, c *client.Client) iter.Seq2[client.Alert, error] {
		filter.PageSize = l.pageSize()
		return c.Failures.Alerts(cmd.Context(), filter)
	})
}

func alertRow(a *client.Alert) string {
	state, status := "recovered", ""
	if a.Open {
		state = "open"
	}
	if a.HTTPStatus != nil {
		status = strconv.Itoa(*a.HTTPStatus)
	}
	return columns(auditInstant(a.LastAt), a.Kind, state, a.JobID, strconv.FormatInt(a.Count, 10),
		auditInstant(a.FirstAt), status, short(a.Error))
}
