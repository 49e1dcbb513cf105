package dispatch

import (
	"maps"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// Load returns the number of calls in flight and of runs that wait.
func (d *Dispatcher) Load() (calls, queued int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls.slots.Taken, d.queues.queued
}

// LastFull returns when all calls that there may be were in flight for the last time, in Unix
// milliseconds; zero: never.
func LastFull(d *Dispatcher) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls.full
}

// TakeBegun returns how many calls have begun since it was called last.
func (d *Dispatcher) TakeBegun() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls.takeBegun()
}

// InFlight calls fn with each run whose call has not ended, the oldest first, and
// returns how many there are. The dispatcher is locked meanwhile, and a call leaves this
// list before its outcome is handled. So whatever fn does for a call happens before the
// outcome is handled.
func (d *Dispatcher) InFlight(fn func(*run.Run)) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls.inFlight(fn)
}

// LongCalls is InFlight for calls that began before the instant and for which it
// was not called before, at most so many.
func (d *Dispatcher) LongCalls(before int64, most int, fn func(*run.Run)) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls.long(before, most, fn)
}

// BetweenCalls returns how many workers are not in a call: after Close, those that
// hand over a result and those that are about to end.
func (d *Dispatcher) BetweenCalls() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.workers.n - d.calls.slots.Taken
}

// Waiting returns the runs that are queued.
func (d *Dispatcher) Waiting() []*run.Run {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []*run.Run
	d.queues.all(func(r *run.Run) bool {
		out = append(out, r)
		return true
	})
	return out
}

// Remove takes the runs out of the queues of a dispatcher that match. Ranges of fires stay.
func Remove(d *Dispatcher, match func(*run.Run) bool) (out []*run.Run) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range d.queues.hosts {
		out = append(out, h.remove(match)...)
	}
	d.queues.queued -= len(out)
	return out
}

// Find returns the first run, queued or in flight, that matches.
func (d *Dispatcher) Find(match func(*run.Run) bool) (found *run.Run) {
	d.mu.Lock()
	defer d.mu.Unlock()
	look := func(r *run.Run) bool {
		if match(r) {
			found = r
		}
		return found == nil
	}
	if d.calls.all(look) {
		d.queues.all(look)
	}
	return found
}

// HostState is what a host is doing.
type HostState struct {
	Key          target.Host
	Calls, Limit int // calls in flight, and how many there may be
	Queued       int // runs that wait, one by one
	Overdue      int // of them, those that wait behind what came due later
	Spans        int // ranges of fires that found no room among them
	LateSpans    int // ranges of fires of a gap
}

// hostsAtATime is how many hosts are read while the lock is held: 50 us or so.
const hostsAtATime = 256

// Hosts returns what each host is doing that is known.
func (d *Dispatcher) Hosts() []HostState {
	hosts := hostQueues(d)
	out := make([]HostState, 0, len(hosts))
	for part := range slices.Chunk(hosts, hostsAtATime) {
		out = appendStates(d, out, part)
	}
	return out
}

// hostQueues returns that of each host. One may be dropped meanwhile: then it is empty.
func hostQueues(d *Dispatcher) []*hostQueue {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.AppendSeq(make([]*hostQueue, 0, len(d.queues.hosts)), maps.Values(d.queues.hosts))
}

func appendStates(d *Dispatcher, out []HostState, hosts []*hostQueue) []HostState {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range hosts {
		out = append(out, HostState{Key: h.key, Calls: h.taken.Taken, Limit: h.limit.Slots(), Queued: h.queued(),
			Overdue: h.overdue.queued(), Spans: len(h.overflow.heap) + h.overdue.ranges(),
			LateSpans: len(h.spans.heap)})
	}
	return out
}

// LongestSpan returns the number of fires that joined a range one by one, the largest there
// is.
func LongestSpan(d *Dispatcher) (longest int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range d.queues.hosts {
		for _, b := range append(slices.Clone(h.overdue), backlog{spans: h.overflow}) {
			for _, span := range b.spans.heap {
				longest = max(longest, span.Grown)
			}
		}
	}
	return longest
}

// LimitBacklogs chooses how many backlogs a host has; with none new fires never go before
// those that wait.
func LimitBacklogs(d *Dispatcher, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queues.backlogs = n
}

// LimitHostQueue chooses how many runs are queued for one host; more become spans.
func (d *Dispatcher) LimitHostQueue(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queues.maxHost = n
}
