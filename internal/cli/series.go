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

func seriesCommand(r *remote) *cobra.Command {
	var filter client.SeriesFilter
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "series",
		Short: "Show executions, drift and durations over time",
		Long: `Show what the fires of each minute, hour or day add up to, by the time at which they were
scheduled: how they ended, retries, and percentiles of drift and duration in milliseconds. Steps
without fires are left out. Of one job its latest 3,000 executions are added up at most.

` + serverHelp,
		Example: "  belfry series\n  belfry series --step day --from 2026-01-01T00:00:00Z",
		Args:    noArgs,
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&filter.Step, "step", "minute", "minute, hour or day")
	fs.StringVar(&filter.JobID, "job", "", "only the job with this id")
	fs.StringVar(&filter.From, "from", "", "first scheduled instant, Unix milliseconds or RFC 3339 "+
		"(default 60 minutes, 24 hours, 30 days)")
	fs.StringVar(&filter.To, "to", "", "end before this instant (default now)")
	fs.BoolVar(&asJSON, "json", false, "print the answer of the server")
	addServerFlag(fs)
	cmd.RunE = r.speaking(func(ctx context.Context, c *client.Client, _ []string) error {
		s, err := c.Series(ctx, filter)
		switch {
		case err != nil:
			return err
		case asJSON:
			return json.NewEncoder(r.out).Encode(s)
		}
		t := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(t, "AT\tSUCCESS\tFAILED\tSKIPPED\tMISSED\tUNKNOWN\tRETRIES\t"+
			"DRIFT P50/P99/MAX\tMS P50/P99/MAX")
		for i := range s.Points {
			_, _ = fmt.Fprintln(t, pointRow(&s.Points[i]))
		}
		return t.Flush()
	})
	return cmd
}

func pointRow(p *client.Point) string {
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	of := func(d *client.Distribution) string {
		if d == nil {
			return ""
		}
		return fmt.Sprintf("%d/%d/%d", d.P50, d.P99, d.Max)
	}
	x := &p.Executions
	return columns(auditInstant(p.At), n(x.Success), n(x.Failed), n(x.Skipped), n(x.Missed), n(x.Unknown), n(p.Retries),
		of(p.DriftMs), of(p.DurationMs))
}
