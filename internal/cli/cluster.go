package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/spf13/cobra"
)

const watchEvery = 2 * time.Second

func (r *remote) clusterCommand() *cobra.Command {
	var asJSON, watch bool
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Show the servers on the database",
		Long: `Show the servers that share the database and its jobs, as the server that is asked has seen
them last. SHARDS is how many of the parts of the jobs a server fires, SEEN for how long it
has not been seen, and LAG how far its record is behind. FIRES/S is of the last ten seconds,
DRIFT how late half and 99 % of the fires of the last minute were, CALLS how many are under
way, and QUEUED how many fires wait for a slot; a server that does not answer has none of
these. The server that answers has a star.
The states are:

  active     it is there
  draining   it gives its shards to others and fires no jobs: it stops, was asked to, or
             something bars it, which its health tells
  gone       it was not seen for 7 s; others take its shards over

` + serverHelp,
		Example: "  belfry cluster\n  belfry cluster --watch\n  belfry cluster --json",
		Args:    noArgs,
		RunE: running(func(cmd *cobra.Command, _ []string) error {
			c, err := r.connect(cmd.Flags())
			if err != nil {
				return err
			}
			defer c.Close()
			for {
				got, err := c.Cluster(cmd.Context())
				if err != nil {
					return reach(c, err)
				}
				err = printCluster(r.out, &got, asJSON)
				if err != nil || !watch || !clock.Wait(cmd.Context(), watchEvery) {
					return err
				}
			}
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the servers as JSON")
	cmd.Flags().BoolVar(&watch, "watch", false, "print them again every two seconds, until you stop it")
	addServerFlag(cmd.Flags())
	cmd.AddCommand(r.drainCommand(), r.resumeCommand())
	return cmd
}

func printCluster(w io.Writer, c *client.Cluster, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(c)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t,
		"NODE\tSTATE\tROLE\tSHARDS\tSEEN\tLAG\tFIRES/S\tDRIFT\tCALLS\tQUEUED\tVERSION\tPROTOCOL\tADDRESS")
	for i := range c.Nodes {
		n := &c.Nodes[i]
		name, lag := n.Name, "-"
		if n.Self {
			name += " *"
		}
		if n.WatermarkLagMs != nil {
			lag = seconds(*n.WatermarkLagMs)
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", name, n.State, n.Role, n.Shards,
			seconds(n.SeenAgoMs), lag, loadText(n.Load), n.Version, protocolText(n.Protocol), n.Address)
	}
	for i := range c.Nodes {
		if n := &c.Nodes[i]; len(n.DifferingSettings) > 0 {
			_, _ = fmt.Fprintf(t, "\nsettings of %s are not those of this server: %s", n.Name,
				strings.Join(n.DifferingSettings, ", "))
		}
	}
	s, d := &c.Shards, &c.Database
	_, _ = fmt.Fprintf(t, "\n%d of %d shards have a server; %d are free, %d are taken over\n", s.Owned, s.Total, s.Free,
		s.Moving)
	_, _ = fmt.Fprintf(t, "database: %s", d.Kind)
	if d.LatencyMs != nil && d.ClockAheadMs != nil {
		_, _ = fmt.Fprintf(t, ", answers in %.1f ms, clock of this server %+.1f ms", *d.LatencyMs, *d.ClockAheadMs)
	}
	if d.Protocol != nil {
		_, _ = fmt.Fprintf(t, ", protocol %d", *d.Protocol)
	}
	if d.Replication != nil {
		_, _ = fmt.Fprintf(t, ", replication %s", *d.Replication)
	}
	_, _ = fmt.Fprintln(t)
	return t.Flush()
}

// loadText returns the columns of what a server does.
func loadText(l *client.Load) string {
	if l == nil {
		return "-\t-\t-\t-"
	}
	drift := "-"
	if l.DriftMs != nil {
		drift = fmt.Sprintf("%d/%dms", l.DriftMs.P50, l.DriftMs.P99)
	}
	return fmt.Sprintf("%.1f\t%s\t%d\t%d", l.FiresPerSecond, drift, l.InFlight, l.Queued)
}

func protocolText(p *int) string {
	if p == nil {
		return "-"
	}
	return strconv.Itoa(*p)
}

// seconds writes milliseconds as seconds.
func seconds(ms int64) string { return strconv.FormatFloat(float64(ms)/1000, 'f', 1, 64) + "s" }
