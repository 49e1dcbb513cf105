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

func forecastCommand(r *remote) *cobra.Command {
	var f client.ForecastRequest
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "forecast",
		Short: "Tell how many fires are due when",
		Long: `Tell how many fires of active jobs are due when: in the next hour by second, the next day by minute,
or the next week by hour. The table has the steps with fires.

` + serverHelp,
		Example: "  belfry forecast --step hour\n  belfry forecast --step second --host api.example.com --json",
		Args:    noArgs,
		RunE: r.speaking(func(ctx context.Context, c *client.Client, _ []string) error {
			got, err := c.Forecast(ctx, f)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(r.out).Encode(got)
			}
			return printForecast(r.out, &got)
		}),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.Step, "step", "minute", "second, minute or hour")
	fs.StringVar(&f.From, "from", "", "first instant, Unix milliseconds or RFC 3339 (default now)")
	fs.StringVar(&f.To, "to", "", "end (default an hour, a day or a week later, by the step)")
	fs.StringVar(&f.Namespace, "namespace", "", "only jobs of this namespace")
	fs.StringVar(&f.Tag, "tag", "", "only jobs with this tag")
	fs.StringVar(&f.Host, "host", "", "only jobs that call this host")
	fs.BoolVar(&asJSON, "json", false, "print the answer as JSON")
	addServerFlag(fs)
	return cmd
}

func printForecast(out io.Writer, f *client.Forecast) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "%d fires of %d jobs until %s\n", f.Total, f.Jobs, auditInstant(f.To))
	if f.Truncated {
		_, _ = fmt.Fprintln(w, "warning: there are too many different calendars or names, so not all were counted")
	}
	if f.Peak != nil {
		_, _ = fmt.Fprintf(w, "the most: %d in the %s of %s\n", f.Peak.Count, f.Step, auditInstant(f.Peak.At))
		for _, j := range f.Peak.Jobs {
			_, _ = fmt.Fprintf(w, "  %s\t%s\t%d\n", j.JobID, j.Name, j.Count)
		}
	}
	for _, part := range []struct {
		what   string
		shares []client.ForecastShare
	}{{"host", f.ByHost}, {"tag", f.ByTag}, {"namespace", f.ByNamespace}} {
		for _, s := range part.shares {
			_, _ = fmt.Fprintf(w, "%s %s\t%d\n", part.what, s.Name, s.Count)
		}
	}
	_, _ = fmt.Fprintln(w, "AT\tFIRES")
	for _, p := range f.Points {
		if p.Count > 0 {
			_, _ = fmt.Fprintf(w, "%s\t%d\n", auditInstant(p.At), p.Count)
		}
	}
	return w.Flush()
}
