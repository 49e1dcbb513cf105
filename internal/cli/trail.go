package cli

import (
	"cmp"
	"fmt"
	"iter"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
)

func (r *remote) trailCommand() *cobra.Command {
	var filter client.TrailFilter
	l := &list[client.AuditEntry]{heading: "AT\tACTION\tBY\tADDRESS\tJOB\tVERSION\tDETAIL", row: trailRow}
	cmd := &cobra.Command{
		Use:   "trail",
		Short: "List who changed what",
		Long: `List the audit trail, newest first: who created, changed, deleted or triggered which job, and
imports, exports, keys and what was refused for a role or a namespace. --json has the
jobs before and after a change. It takes the key of an admin.

` + serverHelp,
		Example: "  belfry trail --from 2026-01-01T00:00:00Z\n" +
			"  belfry trail --job 0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b --json",
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&filter.JobID, "job", "", "only changes of the job with this id")
	fs.StringVar(&filter.RequestID, "request-id", "", "only what the request with this X-Request-Id asked for")
	fs.StringVar(&filter.Operation, "operation", "", "only what the operation on many jobs with this id has done")
	fs.StringVar(&filter.From, "from", "", "first instant, Unix milliseconds or RFC 3339 (default all that is kept)")
	fs.StringVar(&filter.To, "to", "", "last instant (default now)")
	l.add(fs, "entries")
	return l.command(r, cmd, func(cmd *cobra.Command, c *client.Client) iter.Seq2[client.AuditEntry, error] {
		filter.PageSize = l.pageSize()
		return c.Trail(cmd.Context(), filter)
	})
}

func trailRow(e *client.AuditEntry) string {
	version, detail := "", e.Detail
	if e.Version != 0 {
		version = fmt.Sprint(e.Version)
	}
	if e.Count != nil {
		detail += fmt.Sprintf(" (%d)", *e.Count)
	}
	if e.Times > 1 {
		detail += fmt.Sprintf(" %d times", e.Times)
	}
	return columns(auditInstant(e.At), e.Action, cmp.Or(e.By.Name, e.By.Key), e.By.Address, e.JobID, version, detail)
}
