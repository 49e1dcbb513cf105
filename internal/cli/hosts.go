package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
)

func (r *remote) hostsCommand() *cobra.Command {
	var ask client.HostsRequest
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "hosts",
		Short: "List the hosts that jobs call",
		Long: `List what a server knows of the hosts that its jobs call: whether they answer, their
calls, connections and certificates. The states are:

  answering    nothing is wrong
  connecting   calls wait for connections
  hanging      all slots are taken, and no call has ended for longer than usual
  silent       the same for two seconds, or connections are not answered
  refusing     connections fail at once
  idle         not called for a minute or more

CALLS is calls in flight of those that may be, CONNS is connections in use of those that
are open, STREAMS is calls on connections of HTTP/2, and TIME is the quickest and the usual
time of a call in milliseconds. LAST ERROR is why the last call that failed did, at its
beginning; --json has all of it.

` + serverHelp,
		Example: "  belfry hosts\n  belfry hosts --sort certificate --limit 5\n  belfry hosts --host " +
			"https://example.com --json",
		Args: noArgs,
		RunE: running(func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("limit") && ask.Limit == 0 {
				ask.Limit = -1 // for the server to refuse
			}
			c, err := r.connect(cmd.Flags())
			if err != nil {
				return err
			}
			defer c.Close()
			got, err := c.Hosts(cmd.Context(), ask)
			if err != nil {
				return reach(c, err)
			}
			return printHosts(r.out, &got, asJSON)
		}),
	}
	cmd.Flags().StringVar(&ask.Host, "host", "", "list only the host of this URL")
	cmd.Flags().StringVar(&ask.Sort, "sort", "", "activity (most going on first) or certificate (first to expire "+
		"first) (default activity)")
	cmd.Flags().IntVar(&ask.Limit, "limit", 0, "largest number of hosts (default 20)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the hosts as JSON")
	addServerFlag(cmd.Flags())
	return cmd
}

func printHosts(w io.Writer, list *client.Hosts, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(list)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "HOST\tSTATE\tCALLS\tQUEUED\tCONNS\tWAITING\tSTREAMS\tTIME\tCERTIFICATE UNTIL\tLAST ERROR")
	for i := range list.Hosts {
		h := &list.Hosts[i]
		_, _ = fmt.Fprintf(t, "%s\t%s\t%d/%s\t%d\t%d/%d\t%d\t%s\t%s\t%s\t%s\n", h.Host, h.State, h.Calls,
			orDash(h.Limit),
			h.Queued, h.Connections.Open-h.Connections.Idle, h.Connections.Open, h.Connections.Waiting, streamsOf(h),
			timesOf(h), untilOf(h.Certificate), lastErrorOf(h.LastError))
	}
	if more := list.Total - len(list.Hosts); more > 0 {
		_, _ = fmt.Fprintf(t, "and %d more\n", more)
	}
	return t.Flush()
}

func orDash(n *int) string {
	if n == nil {
		return "-"
	}
	return strconv.Itoa(*n)
}

// streamsOf returns the calls on connections of HTTP/2, if there are such.
func streamsOf(h *client.Host) string {
	if h.Connections.HTTP2 == 0 {
		return "-"
	}
	return strconv.Itoa(h.Connections.Streams)
}

func lastErrorOf(e *client.HostError) string {
	if e == nil {
		return "-"
	}
	return auditInstant(e.At) + " " + short(&e.Error)
}

func timesOf(h *client.Host) string {
	if h.QuickestMs == nil || h.UsualMs == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f/%.1f", *h.QuickestMs, *h.UsualMs)
}

func untilOf(c *client.Certificate) string {
	switch {
	case c == nil:
		return "-"
	case !c.Verified:
		return auditInstant(c.ExpiresAt) + " (not verified)"
	}
	return auditInstant(c.ExpiresAt)
}
