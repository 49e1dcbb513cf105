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
	Lone       *Lone       `json:"lone,omitempty"`
	Traffic    *Traffic    `json:"traffic,omitempty"`
	Pages      *Pages      `json:"pages,omitempty"`
	Bulk       []Bulk      `json:"bulk,omitempty"`
	Create     []Create    `json:"create,omitempty"`
	InFlight   []InFlight  `json:"inflight,omitempty"`
	DeadHost   *DeadHost   `json:"deadHost,omitempty"`
	Recovery   []Recovery  `json:"recovery,omitempty"`
	Big        []Big       `json:"big,omitempty"`
	TLS        []HostsRun  `json:"tls,omitempty"`
	History    []History   `json:"history,omitempty"`
	Growth     *Growth     `json:"growth,omitempty"`
	Cluster    *Cluster    `json:"cluster,omitempty"`
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
	_, err := fmt.Fprintf(out, "belfry %s, %s, %d cores (%s), %s/%s; client, server and receiver share them\n",
		r.Version, r.At.Format(time.DateTime), r.Machine.Cores, r.Machine.CPU, r.Machine.OS, r.Machine.Arch)
	for _, t := range r.tables() {
		_, _ = fmt.Fprintln(out, "\n"+t.title)
		w := tabwriter.NewWriter(out, 0, 4, 2, ' ', tabwriter.AlignRight)
		for _, row := range t.rows {
			for _, c := range row {
				if f, ok := c.(float64); ok {
					c = fmt.Sprintf("%.1f", f)
				}
				_, _ = fmt.Fprintf(w, "%v\t", c)
			}
			_, _ = fmt.Fprintln(w)
		}
		err = w.Flush()
	}
	return err
}
