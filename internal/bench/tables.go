package bench

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// tables returns the parts that were measured.
func (r *Report) tables() (all []table) {
	add := func(measured bool, of func() table) {
		if measured {
			all = append(all, of())
		}
	}
	add(r.Throughput != nil, r.throughputTable)
	add(len(r.Drift) > 0, r.driftTable)
	add(r.Lone != nil, r.loneTable)
	add(r.Traffic != nil, r.trafficTable)
	add(r.Pages != nil, r.pagesTable)
	add(len(r.Bulk) > 0, r.bulkTable)
	add(len(r.Create) > 0, r.createTable)
	add(len(r.InFlight) > 0, r.inFlightTable)
	add(r.DeadHost != nil, r.deadHostTable)
	add(len(r.Recovery) > 0, r.recoveryTable)
	add(len(r.Big) > 0, r.bigTable)
	all = append(all, r.clusterTables()...)
	all = append(all, r.hostsTables()...)
	for i := range r.History {
		all = append(all, r.History[i].tables()...)
	}
	if r.Growth != nil {
		all = append(all, r.Growth.tables()...)
	}
	return all
}

func (r *Report) throughputTable() table {
	p := r.Throughput
	t := table{title: "Throughput: jobs that are due at every second, every result durable"}
	t.add("", "per second", "p50 ms", "p99 ms", "CPU us each", "and of the receiver")
	step := func(name string, b Burst) {
		t.add(name, b.Jobs, b.Lateness.P50, b.Lateness.P99, b.CPUMicros, b.ReceiverMicros)
	}
	step("sustained", p.Sustained)
	if p.Failed.Jobs > 0 {
		step("not sustained", p.Failed)
	}
	t.add("bare loop", int(p.Bare.PerSecond), "", "", p.Bare.CPUMicros, p.Bare.ReceiverMicros)
	t.add("bare loop, a row each", int(p.Recorded.PerSecond), "", "", p.Recorded.CPUMicros, p.Recorded.ReceiverMicros)
	t.add("its slowest second", int(p.Slowest))
	t.add("sustained / bare", fmt.Sprintf("%.2f", p.Ratio))
	t.add("sustained / slowest second", fmt.Sprintf("%.2f", p.OfSlowest))
	t.add("sustained / bare with rows", fmt.Sprintf("%.2f", p.OfRecord))
	return t
}

func burstCells(b Burst) []any {
	l := b.Lateness
	return []any{l.P50, l.P90, l.P99, l.P999, l.Max, b.CPUMicros}
}

var burstColumns = []any{"p50", "p90", "p99", "p99.9", "max", "CPU us each"}

func (r *Report) driftTable() table {
	t := table{title: "Drift: from the instant to the receipt, ms"}
	t.add(slices.Concat([]any{"due each second", "spread"}, burstColumns,
		[]any{"last of a second", "x N / bare loop"})...)
	for _, d := range r.Drift {
		cells := append([]any{d.Jobs, time.Duration(d.JitterMs) * time.Millisecond}, burstCells(d)...)
		last, ofBare := any(""), any("")
		if d.BarePerSecond > 0 {
			last, ofBare = d.Lateness.LastOfSecond, fmt.Sprintf("%.2f", d.OfBare())
		}
		t.add(append(cells, last, ofBare)...)
	}
	return t
}

func (r *Report) loneTable() table {
	t := table{title: fmt.Sprintf("A lone job, %d seconds, beside a bare timer: from the instant to the receipt, ms",
		r.Lone.Seconds)}
	t.add("", "p50", "p90", "p99", "p99.9", "max")
	b, m := r.Lone.Belfry, r.Lone.Timer
	for _, row := range []struct {
		name string
		of   []float64
	}{{"belfry", []float64{b.P50, b.P90, b.P99, b.P999, b.Max}},
		{"timer", []float64{m.P50, m.P90, m.P99, m.P999, m.Max}}} {
		cells := []any{row.name}
		for _, ms := range row.of {
			cells = append(cells, fmt.Sprintf("%.2f", ms))
		}
		t.add(cells...)
	}
	return t
}

func (r *Report) trafficTable() table {
	p := r.Traffic
	t := table{title: fmt.Sprintf("Drift under API traffic: %.0f reads a second, an import of %d jobs, %d exports of "+
		"the history (%d MB)",
		p.PerSec, p.Imported, p.Exports, p.ExportedMB)}
	t.add(append([]any{""}, burstColumns...)...)
	t.add(append([]any{"alone"}, burstCells(p.Alone)...)...)
	t.add(append([]any{"with traffic"}, burstCells(p.With)...)...)
	t.add("p99 factor", fmt.Sprintf("%.2f", p.Factor))
	return t
}

func (r *Report) pagesTable() table {
	p := r.Pages
	t := table{title: fmt.Sprintf("Drift beside %d open pages: %d events, %d answers (%d KB), ms", p.Pages, p.Events,
		p.Answers, p.Bytes>>10)}
	t.add(append([]any{""}, burstColumns...)...)
	t.add(append([]any{"alone"}, burstCells(p.Alone)...)...)
	t.add(append([]any{"with pages"}, burstCells(p.With)...)...)
	t.add("p99 factor", fmt.Sprintf("%.2f", p.Factor))
	return t
}

func (r *Report) createTable() table {
	t := table{title: "Creating jobs, each durable before its answer"}
	t.add("clients", "jobs", "per second")
	for _, c := range r.Create {
		clients := fmt.Sprint(c.Clients)
		if c.Clients == 0 {
			clients = "import"
		}
		t.add(clients, c.Jobs, int(c.PerSecond))
	}
	return t
}

func (r *Report) inFlightTable() table {
	t := table{title: "Calls that wait for a slow target"}
	t.add("delay", "in flight", "due each second", "answered a second", "bytes each", "p50 ms", "p99 ms", "CPU us each")
	for _, p := range r.InFlight {
		t.add(time.Duration(p.DelayMs)*time.Millisecond, p.InFlight, p.Burst.Jobs, int(p.PerSecond), p.BytesPerCall,
			p.Burst.Lateness.P50, p.Burst.Lateness.P99, p.Burst.CPUMicros)
	}
	return t
}

func (r *Report) deadHostTable() table {
	p := r.DeadHost
	t := table{title: fmt.Sprintf("A healthy host beside one that does not answer and has %d jobs due each second",
		p.Dead)}
	t.add(append([]any{""}, burstColumns...)...)
	t.add(append([]any{"alone"}, burstCells(p.Alone)...)...)
	t.add(append([]any{"never answers"}, burstCells(p.With)...)...)
	t.add(append([]any{"refuses"}, burstCells(p.Down)...)...)
	return t
}

func (r *Report) recoveryTable() table {
	t := table{title: "After a kill"}
	t.add("due each second", "down ms", "first request ms", "late fires", "caught up ms", "a second", "doubled")
	for _, p := range r.Recovery {
		t.add(p.Jobs, p.DownMs, p.FirstMs, p.Late, p.CaughtUpMs, int(p.PerSecond), p.Doubled)
	}
	return t
}

func (r *Report) bigTable() table {
	t := table{title: "Many jobs, each with a URL of its own"}
	t.add("jobs", "import/s", "memory MB", "bytes each", "disk each", "start to first fire ms", "POST/s empty",
		"POST/s full", "burst", "p99 ms")
	for _, p := range r.Big {
		t.add(p.Jobs, int(p.ImportPerSecond), p.MemoryMB, p.BytesPerJob, p.DiskPerJob, p.StartMs,
			int(p.CreateBefore), int(p.CreateAfter), p.Burst.Jobs, p.Burst.Lateness.P99)
	}
	return t
}

func (r *Report) bulkTable() table {
	t := table{title: "Operations on many jobs, and how late fires are beside them, ms"}
	t.add("action", "jobs", "seconds", "matched ms", "CPU us each", "p50", "p99", "max")
	for _, m := range r.Bulk {
		late := cmp.Or(m.Beside, new(Burst)).Lateness
		t.add(m.Action, m.Jobs, m.Seconds, int(m.MatchedMs), m.CPUMicros, late.P50, late.P99, late.Max)
	}
	return t
}
