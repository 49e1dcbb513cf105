package app

import (
	"slices"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/certs"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/engine"
	"github.com/belfry-scheduler/belfry/internal/executor"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/belfry-scheduler/belfry/internal/view"
)

const (
	// hostsKeptFor is how long what was read of all hosts is answered again. To read 10,000
	// hosts takes some 10 ms, whoever asks how often; and the metrics of one scrape agree.
	hostsKeptFor = 250 * time.Millisecond
	// busyHosts is how many hosts have series of their own: with five metrics, 50 series.
	busyHosts = 10
)

// hostWatch joins what dispatcher, executor and handshakes know of each host.
type hostWatch struct {
	table    *host.Table
	engine   *engine.Engine
	executor *executor.Executor
	clock    clock.Clock

	mu   sync.Mutex
	read clock.Mark // when all was read
	all  []view.Host
}

// Hosts implements view.Hosts.
func (w *hostWatch) Hosts() []view.Host { return slices.Clone(w.shared()) }

// shared returns the hosts, those with the most going on first. Nobody changes them.
func (w *hostWatch) shared() []view.Host {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil || w.clock.Elapsed(w.read) >= hostsKeptFor {
		all := w.join()
		w.all, _ = view.SelectHosts(all, view.HostQuery{Limit: len(all)})
		w.read = w.clock.Mark()
	}
	return w.all
}

func (w *hostWatch) join() []view.Host {
	j := joined{places: make(map[string]int)}
	now := clock.NowMs(w.clock)
	for _, c := range w.table.All() {
		describe(j.of(c.Key.String()), c, now)
	}
	for _, s := range w.engine.Hosts() {
		h := j.of(s.Key.String())
		h.Calls, h.Limit, h.Queued, h.Overdue, h.Spans = s.Calls, s.Limit, s.Queued, s.Overdue, s.Spans+s.LateSpans
	}
	for _, s := range w.executor.Hosts() {
		h := j.of(s.Key.String())
		h.Connections.Open, h.Connections.Idle, h.Connections.Opening = s.Open, s.Idle, s.Opening
		h.Connections.HTTP2, h.Connections.Streams = s.HTTP2, s.Streams
	}
	for _, fact := range w.executor.Certificates().All() {
		j.of(fact.Host.String()).Certificate = certificateOf(&fact)
	}
	for i := range j.all {
		h := &j.all[i]
		h.Worth = min(h.Worth, h.Limit) // what is left of the limit before says nothing
	}
	return j.all
}

// joined are hosts, each once.
type joined struct {
	all    []view.Host
	places map[string]int
}

// of returns the host. It is valid until the next call.
func (j *joined) of(name string) *view.Host {
	i, there := j.places[name]
	if !there {
		i = len(j.all)
		j.places[name], j.all = i, append(j.all, view.Host{Name: name, State: view.HostIdle})
	}
	return &j.all[i]
}

// describe sets what the condition of a host tells.
func describe(h *view.Host, c *host.Condition, now int64) {
	h.State = c.Shown().String()
	h.Worth = c.Worth()
	h.Unanswered, h.Refused = c.Dials.Unanswered()
	h.Recent = c.Times.Recent(now)
	h.QuickestMs, h.UsualMs = inMs(c.Times.Quickest()), inMs(c.Times.Usual())
	h.Connections.Waiting = max(0, c.Waiting())
	if last := c.Failures.Last(); last != nil {
		h.LastError = &view.HostError{Text: last.Text, At: last.At}
	}
	if c.Secure {
		n := c.Handshakes.Counts()
		h.Handshakes = &view.Handshakes{Full: n.Full, Resumed: n.Resumed, Failed: n.Failed,
			Window: c.Handshakes.Window()}
	}
}

// inMs returns milliseconds with two decimals.
func inMs(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond).Microseconds()) / 1000
}

const notVerified = "all jobs that called the host skip the verification"

func certificateOf(f *certs.Fact) *view.Certificate {
	c := &view.Certificate{
		Subject: f.Subject, Issuer: f.Issuer, Names: f.Names, MoreNames: f.MoreNames,
		NotBefore: f.NotBefore.UnixMilli(), NotAfter: f.NotAfter.UnixMilli(), Expires: f.Expires.UnixMilli(),
		SeenAt: f.SeenAt.UnixMilli(), Verified: f.Fault == "" && !f.Unchecked, Reason: f.Fault, Version: f.Version,
	}
	if f.Unchecked {
		c.Reason = notVerified
	}
	return c
}

// meter adds the metrics of hosts. The number of series is fixed, but for those of the
// busiest hosts: they are ten at a time.
func (w *hostWatch) meter(m *telemetry.Metrics) {
	m.SamplesFunc(telemetry.MetricHosts, "Hosts of which something is known.", "state", w.states)
	m.SamplesFunc(telemetry.MetricTargetConns, "Connections to targets.", "state", w.connections)
	m.GaugeFunc(telemetry.MetricCallsWaiting, "Calls that have a slot and wait for a connection.", func() (n float64) {
		for _, h := range w.shared() {
			n += float64(h.Connections.Waiting)
		}
		return n
	})
	for _, s := range []struct {
		name, help string
		value      func(*view.Host) float64
	}{
		{telemetry.MetricBusyCalls, "Calls in flight to the host.",
			func(h *view.Host) float64 { return float64(h.Calls) }},
		{telemetry.MetricBusyLimit, "Calls that the host may have at a time.",
			func(h *view.Host) float64 { return float64(h.Limit) }},
		{telemetry.MetricBusyQueued, "Fires that wait for a slot of the host.",
			func(h *view.Host) float64 { return float64(h.Queued) }},
		{telemetry.MetricBusyConns, "Open connections to the host.",
			func(h *view.Host) float64 { return float64(h.Connections.Open) }},
		{telemetry.MetricBusyTime, "Usual time of a call at the host.",
			func(h *view.Host) float64 { return h.UsualMs / 1000 }},
	} {
		m.SamplesFunc(s.name, s.help+" Only of the ten hosts with the most going on.", "host",
			func() []telemetry.Sample { return busiest(w.shared(), s.value) })
	}
}

// states counts hosts by state.
func (w *hostWatch) states() []telemetry.Sample {
	counts := make(map[string]float64)
	for _, h := range w.shared() {
		counts[h.State]++
	}
	out := []telemetry.Sample{{Label: view.HostIdle, Value: counts[view.HostIdle]}}
	for _, state := range host.States() {
		out = append(out, telemetry.Sample{Label: state.String(), Value: counts[state.String()]})
	}
	return out
}

func (w *hostWatch) connections() []telemetry.Sample {
	var all view.Connections
	for _, h := range w.shared() {
		all.Open += h.Connections.Open
		all.Idle += h.Connections.Idle
		all.Opening += h.Connections.Opening
	}
	return []telemetry.Sample{
		{Label: "in_use", Value: float64(max(0, all.Open-all.Idle))},
		{Label: "idle", Value: float64(all.Idle)}, {Label: "opening", Value: float64(all.Opening)},
	}
}

// busiest returns a value of each of the hosts with the most going on. One with nothing
// in flight and nothing queued is not among them.
func busiest(all []view.Host, value func(*view.Host) float64) (out []telemetry.Sample) {
	for i := range all[:min(len(all), busyHosts)] {
		if h := &all[i]; h.Calls+h.Queued+h.Spans > 0 {
			out = append(out, telemetry.Sample{Label: h.Name, Value: value(h)})
		}
	}
	return out
}
