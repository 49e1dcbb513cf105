package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/receiver"
)

// lead is the time between the import and the first fire, so that the server is idle by
// then. drainTime is how long after the last instant requests may still arrive; those
// that arrive later count as missing.
const (
	lead      = 3 * time.Second
	drainTime = 10 * time.Second
)

// Burst is the result of N jobs that were due every second.
type Burst struct {
	Jobs    int `json:"jobs"` // due each second
	Seconds int `json:"seconds"`
	// the fires of a second are spread over so many milliseconds
	JitterMs       int64             `json:"jitterMs,omitempty"`
	Complete       bool              `json:"complete"` // every fire arrived, once
	Missing        int64             `json:"missing,omitempty"`
	Lateness       receiver.Lateness `json:"latenessMs"`
	CPUMicros      float64           `json:"serverCpuMicros"` // for each execution
	ReceiverMicros float64           `json:"receiverCpuMicros"`
	DatabaseMicros float64           `json:"databaseCpuMicros,omitempty"` // of the PostgreSQL server
	MemoryMB       int64             `json:"serverMemoryMb"`              // at the end
	PathMeasured   string            `json:"path"`                        // of the receiver: how it answered
	// of the bare loop right before, where that was measured
	BarePerSecond float64 `json:"barePerSecond,omitempty"`
	// seconds before those that were measured, with the same fires
	WarmSeconds int                  `json:"warmSeconds,omitempty"`
	Connections receiver.Connections `json:"connections"`
	Handshakes  receiver.Handshakes  `json:"handshakes"`
	HTTP2       int64                `json:"http2,omitempty"` // requests that came by it

	atRest, peak int64         // bytes of the server's memory, after the import and at most
	took         time.Duration // from the first instant until all had arrived
}

// OfBare is the time until the last request of a second arrived, divided by the time that
// the bare loop would need for all of them. Zero means that the loop was not measured.
func (b Burst) OfBare() float64 {
	return b.Lateness.LastOfSecond / 1000 * b.BarePerSecond / float64(b.Jobs)
}

// burst describes a measurement to make.
type burst struct {
	jobs, seconds int
	jitter        time.Duration
	path          string
	drainTime     time.Duration // more of it, for targets that are slow
	lead          time.Duration // instead of the usual one
	warm          int           // seconds before those whose lateness is measured
	skipVerify    bool          // certificates of the targets are not verified

	targets   []string                    // URLs of hosts that share the jobs; none: the receiver's
	meanwhile func(context.Context) error // runs from the first instant on, until its context ends
	imported  func(context.Context) error // runs before it
}

// burst creates N jobs that fire in the same few seconds and never again, and measures
// what arrives. Each burst has its own server, so that the data of others have no
// influence.
func (e *environment) burst(ctx context.Context, m burst) (out Burst, err error) {
	w, err := e.world(ctx, worldConfig{})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	return w.burst(ctx, m)
}

func (w *world) burst(ctx context.Context, m burst) (out Burst, err error) {
	e := w.env
	// The import must be over before the first instant. 10,000 jobs a second are far
	// fewer than any machine imports.
	first := clock.NowMs(e.cfg.Clock) + (cmp.Or(m.lead, lead) +
		time.Duration(m.jobs)*100*time.Microsecond).Milliseconds()
	first = (first/1000 + 1) * 1000
	_, err = w.importEach(ctx, m.jobs, m.over(client.Spec{
		Schedule: "* * * * * *", API: e.receiver.url + m.path, Type: "ATLEAST_ONCE",
		StartAt: first, EndAt: first + int64(m.warm+m.seconds)*1000, JitterMs: m.jitter.Milliseconds(),
		TLSSkipVerify: m.skipVerify,
	}))
	if err != nil {
		return out, err
	}
	if m.imported != nil {
		if err := m.imported(ctx); err != nil {
			return out, err
		}
	}
	if late := clock.NowMs(e.cfg.Clock) - first; late >= 0 {
		return out, fmt.Errorf("what comes before the first of %d jobs took %d ms too long", m.jobs, late)
	}
	if err := e.receiver.reset(ctx); err != nil {
		return out, err
	}
	before, received, stored := w.usage(), e.receiver.usage().cpu, w.databaseCPU(ctx)
	want := int64(m.jobs) * int64(m.warm+m.seconds)
	if err := until(ctx, e.cfg.Clock, first); err != nil {
		return out, err
	}
	mark := e.cfg.Clock.Mark()
	got, peak, err := w.arrive(ctx, m, first, want)
	if err != nil {
		return out, err
	}
	took := e.cfg.Clock.Elapsed(mark)
	after, storedAfter := w.usage(), w.databaseCPU(ctx)
	if got.Early > 0 || got.Executions > want {
		return out, fmt.Errorf("%d requests came early and %d executions where %d were due: that must not be",
			got.Early, got.Executions, want)
	}
	return Burst{
		Jobs: m.jobs, Seconds: m.seconds, JitterMs: m.jitter.Milliseconds(), PathMeasured: m.path,
		Complete: got.Executions == want && got.Duplicates == 0, Missing: want - got.Executions, Lateness: got.Lateness,
		CPUMicros: microsEach(after.cpu-before.cpu, got.Executions), MemoryMB: after.rss >> 20,
		ReceiverMicros: microsEach(e.receiver.usage().cpu-received, got.Executions),
		DatabaseMicros: microsEach(storedAfter-stored, got.Executions),
		WarmSeconds:    m.warm, Connections: got.Connections, Handshakes: got.Handshakes, HTTP2: got.HTTP2,
		atRest: before.rss, peak: peak, took: took,
	}, nil
}

// warmEnds is how long before an instant the measurement of the lateness begins, so that
// the receiver answers the query before the next fires arrive.
const warmEnds = 200 * time.Millisecond

// arrive waits until want executions have been received, or until the drain time after
// the last instant is over. Before the last instant it does not query the receiver, which
// is busy, except once at the end of the warm seconds. peak is the largest memory of the
// server that was seen.
func (w *world) arrive(ctx context.Context, m burst, first, want int64) (got receiver.Stats, peak int64, err error) {
	if m.meanwhile != nil {
		meanwhile, stop := context.WithCancel(ctx)
		faults := make(chan error, 1)
		go func() { faults <- m.meanwhile(meanwhile) }()
		defer func() { stop(); err = errors.Join(err, <-faults) }()
	}
	clk := w.env.cfg.Clock
	warm := first + int64(m.warm)*1000
	last := warm + int64(m.seconds-1)*1000 + m.jitter.Milliseconds()
	var before receiver.Stats
	for begun := m.warm == 0; ; {
		now := clock.NowMs(clk)
		peak = max(peak, w.usage().rss)
		if !begun && now >= warm-warmEnds.Milliseconds() {
			if before, err = w.env.receiver.histogram(ctx); err != nil {
				return got, peak, err
			}
			begun = true
		}
		if now >= last {
			got, err = w.env.receiver.received(ctx)
			if err != nil || got.Executions >= want || now > last+(drainTime+m.drainTime).Milliseconds() {
				break
			}
		}
		if !clock.Wait(ctx, 50*time.Millisecond) {
			return got, peak, ctx.Err()
		}
	}
	if err == nil && m.warm > 0 {
		got, err = w.env.receiver.histogram(ctx)
		got.Lateness = lateSince(before, got)
	}
	return got, peak, err
}

// lateSince returns the lateness of what arrived between two queries.
func lateSince(before, now receiver.Stats) receiver.Lateness {
	l := receiver.Summarize(subtract(now.Buckets, before.Buckets))
	l.LastOfSecond = now.Lateness.LastOfSecond
	return l
}

// subtract returns the difference of two histograms. The first may be longer.
func subtract(now, before []int64) []int64 {
	diff := slices.Clone(now)
	for i := range min(len(diff), len(before)) {
		diff[i] -= before[i]
	}
	return diff
}

// over returns the jobs of a burst, which use its targets alternately.
func (m *burst) over(spec client.Spec) func(i int) client.Spec {
	return func(i int) client.Spec {
		if len(m.targets) > 0 {
			spec.API = m.targets[i%len(m.targets)] + m.path
		}
		return spec
	}
}
