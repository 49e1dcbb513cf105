package bench

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// Report is everything that was measured, and on what.
type Report struct {
	Version    string      `json:"version"`
	At         time.Time   `json:"at"`
	Machine    Machine     `json:"machine"`
	Throughput *Throughput `json:"throughput,omitempty"`
	Drift      []Burst     `json:"drift,omitempty"`
	Create     []Create    `json:"create,omitempty"`
	History    []History   `json:"history,omitempty"`
}

// Machine is what the figures come from.
type Machine struct {
	OS    string `json:"os"`
	Arch  string `json:"arch"`
	CPU   string `json:"cpu,omitempty"`
	Cores int    `json:"cores"`
}

// NewReport returns a report without figures.
func NewReport(clk clock.Clock, version string) *Report {
	return &Report{Version: version, At: clk.Now().UTC().Truncate(time.Second), Machine: machine()}
}

func machine() Machine {
	m := Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU()}
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return m
	}
	defer f.Close() //nolint:errcheck // read only
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "model name"); ok {
			m.CPU = strings.TrimLeft(name, " \t:")
			break
		}
	}
	return m
}

// Text writes the report as tables.
func (r *Report) Text(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', tabwriter.AlignRight)
	line := func(cells ...any) {
		for _, c := range cells {
			_, _ = fmt.Fprintf(w, "%v\t", c)
		}
		_, _ = fmt.Fprintln(w)
	}
	_, _ = fmt.Fprintf(out, "belfry %s, %s, %d cores (%s), %s/%s; client, server and receiver share them\n",
		r.Version, r.At.Format(time.DateTime), r.Machine.Cores, r.Machine.CPU, r.Machine.OS, r.Machine.Arch)
	if t := r.Throughput; t != nil {
		_, _ = fmt.Fprintln(out, "\nThroughput: jobs that are due at every second, every result durable")
		line("", "per second", "p99 ms", "CPU us each")
		line("sustained", t.Sustained.Jobs, tenth(t.Sustained.Lateness.P99), tenth(t.Sustained.CPUMicros))
		if t.Failed.Jobs > 0 {
			line("not sustained", t.Failed.Jobs, tenth(t.Failed.Lateness.P99), tenth(t.Failed.CPUMicros))
		}
		line("bare loop", int(t.Bare.PerSecond), "", tenth(t.Bare.CPUMicros))
		line("ratio", fmt.Sprintf("%.2f", t.Ratio), "", "")
		if err := w.Flush(); err != nil {
			return err
		}
	}
	if len(r.Drift) > 0 {
		_, _ = fmt.Fprintln(out, "\nDrift: from the instant to the receipt, ms")
		line("due each second", "spread", "p50", "p90", "p99", "p99.9", "max", "CPU us each")
		for _, d := range r.Drift {
			l := d.Lateness
			line(d.Jobs, time.Duration(d.JitterMs)*time.Millisecond, tenth(l.P50), tenth(l.P90), tenth(l.P99), tenth(l.P999), tenth(l.Max), tenth(d.CPUMicros))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	if len(r.Create) > 0 {
		_, _ = fmt.Fprintln(out, "\nCreating jobs, each durable before its answer")
		line("clients", "jobs", "per second")
		for _, c := range r.Create {
			clients := fmt.Sprint(c.Clients)
			if c.Clients == 0 {
				clients = "import"
			}
			line(clients, c.Jobs, int(c.PerSecond))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	for i := range r.History {
		if err := r.History[i].text(out, w); err != nil {
			return err
		}
	}
	return nil
}

func tenth(v float64) string { return fmt.Sprintf("%.1f", v) }
