package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"text/tabwriter"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
)

func failingCommand(r *remote) *cobra.Command {
	var filter client.FailingFilter
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "failing",
		Short: "Show what fails most",
		Long: `Show the jobs with the most failures, or the hosts that they call: those with a failure in the last
24 hours, unless --from and --to say otherwise. Of a run of failures that began before, all are
counted. OPEN is how many of the jobs have not recovered.

` + serverHelp,
		Example: "  belfry failing\n  belfry failing --by host --from 2026-01-01T00:00:00Z",
		Args:    noArgs,
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&filter.By, "by", "job", "job or host")
	fs.StringVar(&filter.From, "from", "", "first instant, Unix milliseconds or RFC 3339 (default 24 hours "+
		"before --to)")
	fs.StringVar(&filter.To, "to", "", "end before this instant (default now)")
	fs.IntVar(&filter.Limit, "limit", 10, "largest number of jobs or hosts")
	fs.BoolVar(&asJSON, "json", false, "print the answer of the server")
	addServerFlag(fs)
	cmd.RunE = r.speaking(func(ctx context.Context, c *client.Client, _ []string) error {
		most, err := c.Failures.Most(ctx, filter)
		switch {
		case err != nil:
			return err
		case asJSON:
			return json.NewEncoder(r.out).Encode(most)
		}
		t := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(t, "FAILURES\tJOBS\tOPEN\tLAST AT\tHOST\tJOB\tNAME\tERROR")
		for i := range most.Failing {
			_, _ = fmt.Fprintln(t, failingRow(&most.Failing[i]))
		}
		if !most.Complete {
			_, _ = fmt.Fprintln(t, "and more: only the 2,000 alerts with the latest failures were added up")
		}
		return t.Flush()
	})
	return cmd
}

func failingRow(f *client.Failing) string {
	return columns(strconv.FormatInt(f.Failures, 10), strconv.Itoa(f.Jobs), strconv.Itoa(f.Open),
		auditInstant(f.LastAt), f.Host, f.JobID, f.Name, short(f.Error))
}
