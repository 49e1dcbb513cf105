package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
)

func (r *remote) auditCommand() *cobra.Command {
	var ask client.AuditRequest
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Check that a server has a record of every fire",
		Long: `Make a server recompute the fires of a time window and compare them with its
record. Exit code 0 means that no fire is lost, 2 that some are lost; these are
listed. Fires above the watermark, and days that retention has deleted, are not
checked.

` + serverHelp,
		Example: "  belfry audit\n  belfry audit --from 2026-01-01T00:00:00Z --to 2026-01-02T00:00:00Z --json",
		Args:    noArgs,
		RunE: r.speaking(func(ctx context.Context, c *client.Client, _ []string) error {
			got, err := c.Audit(ctx, ask)
			if err != nil {
				return err
			}
			if err := printAudit(r.out, &got, asJSON); err != nil {
				return err
			}
			if got.LostCount > 0 {
				return &failure{code: exitRefused}
			}
			return nil
		}),
	}
	cmd.Flags().StringVar(&ask.From, "from", "", "first instant, Unix milliseconds or RFC 3339 (default an "+
		"hour before --to)")
	cmd.Flags().StringVar(&ask.To, "to", "", "last instant (default now)")
	cmd.Flags().StringVar(&ask.JobID, "job", "", "check only the fires of the job with this id")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	addServerFlag(cmd.Flags())
	return cmd
}

func printAudit(w io.Writer, a *client.Audit, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(a)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(t, "from\t%s\nto\t%s\n", auditInstant(a.From), auditInstant(a.To))
	for _, row := range []struct {
		name  string
		count int64
	}{
		{"expected", a.Expected}, {"succeeded", a.Succeeded}, {"failed", a.Failed}, {"skipped", a.Skipped},
		{"missed", a.Missed}, {"unknown", a.Unknown}, {"pending", a.Pending}, {"late", a.Late},
		{"unexpected", a.Unexpected}, {"lost", a.LostCount},
	} {
		_, _ = fmt.Fprintf(t, "%s\t%d\n", row.name, row.count)
	}
	if len(a.Lost) > 0 {
		_, _ = fmt.Fprintln(t, "\nlost fire\tjob\texecution\tversion")
	}
	for _, l := range a.Lost {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%d\n", auditInstant(l.ScheduledAt), l.JobID, l.ExecutionID, l.Version)
	}
	return t.Flush()
}
