package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
)

func eventsCommand(r *remote) *cobra.Command {
	var count int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Follow what goes on",
		Long: `Print once a second what goes on: fires a second, calls in flight and fires that wait, drift,
and what has ended since midnight UTC. A connection that breaks is made anew, also while the server,
or a proxy before it, answers that it cannot serve now. It ends when the server cannot be reached.

` + serverHelp,
		Example: "  belfry events --count 10",
		Args:    noArgs,
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.IntVar(&count, "count", 0, "end after so many; 0: do not end")
	fs.BoolVar(&asJSON, "json", false, "print NDJSON")
	addServerFlag(fs)
	cmd.RunE = running(func(cmd *cobra.Command, _ []string) error {
		c, err := r.connect(cmd.Flags())
		if err != nil {
			return err
		}
		defer c.Close()
		n := 0
		for e, err := range c.Events(cmd.Context()) {
			problem, answered := errors.AsType[*client.Problem](err)
			switch {
			case errors.Is(err, client.ErrSilent), errors.Is(err, io.ErrUnexpectedEOF):
				_, _ = fmt.Fprintf(r.err, "the stream of events has ended (%v): connecting again\n", err)
				continue
			case answered && problem.Temporary() && n > 0:
				_, _ = fmt.Fprintf(r.err, "the server does not answer now (%v): connecting again\n", err)
				continue
			case err != nil:
				return reach(c, err)
			case asJSON:
				err = json.NewEncoder(r.out).Encode(e)
			default:
				_, err = fmt.Fprintln(r.out, eventLine(&e))
			}
			if n++; err != nil || n == count {
				return err
			}
		}
		return nil
	})
	return cmd
}

// eventLine writes an event as a line.
func eventLine(e *client.Counters) string {
	line := fmt.Sprintf("%s  %s  %.1f/s  %d in flight  %d queued", auditInstant(e.At), e.Health, e.FiresPerSecond,
		e.InFlight, e.Queued)
	if e.DriftMs != nil {
		line += fmt.Sprintf("  drift %d/%d ms", e.DriftMs.P50, e.DriftMs.P99)
	}
	if x := e.Completed; x != nil {
		line += fmt.Sprintf("  today %d ok, %d failed, %d skipped, %d missed, %d unknown", x.Success, x.Failed,
			x.Skipped, x.Missed, x.Unknown)
	}
	if e.Partial {
		line += "  (a server has not told)"
	}
	return line
}
