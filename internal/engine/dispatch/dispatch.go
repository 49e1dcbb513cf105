package dispatch

import (
	"context"
	"runtime"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/engine/lock"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/host"
)

// Dispatcher decides which run is sent next. It is the one lock over its parts,
// and what leads from one to the next.
type Dispatcher struct {
	now     func() int64
	Drained <-chan struct{} // closed when the last worker ends after Close

	mu        lock.Dispatcher
	queues    queues
	turns     turns
	calls     calls
	adapter   adapter
	workers   workers
	waits     schedWaits
	suspended bool
}

// New makes a dispatcher that is suspended until the first beat.
func New(cfg Config) *Dispatcher {
	d := &Dispatcher{
		now:    cfg.Now,
		queues: newQueues(&cfg),
		calls: calls{
			slots: shares{Slots: host.Slots{Most: cfg.MaxCalls}, mostBrief: briefPerCore * runtime.GOMAXPROCS(0)},
			quick: quickCalls{crowd: host.NewCrowd(runtime.GOMAXPROCS(0))},
		},
		adapter:   adapter{ceiling: cfg.MaxPerHost, begun: make(chan struct{}, 1)},
		suspended: true,
	}
	d.workers = newWorkers(&d.mu, cfg.MaxCalls, cfg.Work)
	d.Drained = d.workers.drained
	return d
}

// Push queues runs that are due. It returns those that the caller is to keep as
// spans: see queues.push.
func (d *Dispatcher) Push(runs []*run.Run) (refused []*run.Run) {
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range runs {
		h := d.queues.of(r.Ver.Host)
		if d.queues.push(h, r, now) {
			refused = append(refused, r)
			continue
		}
		d.turns.add(h)
	}
	d.wake()
	return refused
}

// PushSpans queues ranges of fires. It returns those that became part of a
// range that was there.
func (d *Dispatcher) PushSpans(spans []*run.Span) (merged []*run.Span) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range spans {
		h := d.queues.of(s.Ver.Host)
		if d.queues.pushSpan(h, s) {
			merged = append(merged, s)
		}
		d.turns.add(h)
	}
	d.wake()
	return merged
}

// mayBegin reports whether a call may begin, as far as hosts do not decide it. Quick calls
// that end let the next ones begin; should none of them end, time does.
func (d *Dispatcher) mayBegin() bool {
	switch {
	case d.suspended, d.workers.closed, d.calls.slots.Taken >= d.calls.slots.Most:
		return false
	case d.calls.quick.full(d.now()):
		tellBusy(d)
		d.workers.wakeAfter(d.calls.quick.crowd.CountsFor() + time.Millisecond)
		return false
	}
	return true
}

// wake lets one more worker look for work, if there is any.
func (d *Dispatcher) wake() {
	if d.turns.waiting() > 0 && d.mayBegin() {
		d.workers.wake()
	}
}

// Take waits for the next run to send and returns it; nil means that the worker must end.
// before is the worker's last run, which was handed on; nil: none.
func (d *Dispatcher) Take(before *run.Run) *run.Run {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls.release(before)
	for {
		if r := d.pickNow(nil); r != nil {
			return r
		}
		if !d.workers.await() {
			return nil
		}
	}
}

// Swap ends the call of last, which took so long at its target and ended at the instant
// (Unix milliseconds), and returns the next run to send, or nil if there is none
// now. The caller hands last on only after this. Until its next call of Swap or Take,
// with last as before, Find still returns last. So an execution can always be found: here
// or where it was handed on to.
func (d *Dispatcher) Swap(last, before *run.Run, took time.Duration, now int64) *run.Run {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls.release(before)
	return d.pickNow(d.finish(last, took, now))
}

// pickNow takes the next run, of the host of which a call has just ended if that has its turn
// still; nil: no call has.
func (d *Dispatcher) pickNow(ended *hostQueue) *run.Run {
	if !d.mayBegin() {
		return nil
	}
	r := stay(d, ended)
	if r == nil {
		r = d.pick()
	}
	if r != nil {
		d.wake()
	}
	return r
}

// stay takes the next run of a quick host of which a call has just ended, if that has its turn
// still. The host remains in the ring.
func stay(d *Dispatcher, h *hostQueue) *run.Run {
	if h == nil || !h.limit.Quick() || !d.turns.stays(h) {
		return nil
	}
	r, _ := d.queues.take(h, &d.calls.slots)
	if r != nil {
		begin(d, h, r)
	}
	return r
}

// begin begins the call of a run.
func begin(d *Dispatcher, h *hostQueue, r *run.Run) {
	h.begin(r)
	d.calls.begin(r, h.limit.Quick(), d.now())
	d.adapter.run()
}

// pick takes the next run off the first host that may send one.
func (d *Dispatcher) pick() *run.Run {
	for {
		d.calls.expireBrief(d.now)
		h := d.turns.next(&d.calls.slots)
		if h == nil {
			return nil
		}
		r, why := d.queues.take(h, &d.calls.slots)
		switch {
		case r != nil:
			begin(d, h, r)
			d.placeAfterBegin(h)
			return r
		case why == parkedFull:
			d.turns.park(h, why)
			d.adapter.note(h)
		case why != parkedIdle:
			d.turns.park(h, why)
		}
	}
}

// placeAfterBegin puts a host that has just begun a call back into the ring, or parks it
// if its limit is used up. In the ring it would wake a worker in vain with each call.
func (d *Dispatcher) placeAfterBegin(h *hostQueue) {
	switch {
	case !h.hasWork():
	case h.taken.Taken >= h.limit.MayHave(h.taken.Taken):
		d.turns.park(h, parkedFull)
		d.adapter.note(h)
	default:
		d.turns.add(h)
	}
}

// finish ends the call of a run and returns its host.
func (d *Dispatcher) finish(r *run.Run, took time.Duration, now int64) *hostQueue {
	h := d.queues.hosts[r.Ver.Host]
	h.end(r, took, now)
	d.calls.end(r, took, now)
	if r.Lane != run.LaneLive {
		d.turns.otherEnded(h)
	}
	if r.Lane == run.LaneOverdue {
		r.Lane = run.LaneLive // a retry of it is due like any other
	}
	if h.parked == parkedFull {
		d.turns.readmit(h)
	}
	return h
}

// Adapt moves the limits of hosts that are saturated, a window at a time, and finds out
// whether calls wait for a processor, while there are any.
func (d *Dispatcher) Adapt(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.adapter.begun:
		}
		tick := time.NewTicker(host.Window / host.Steps)
		lag := time.Duration(0)
		for n, more := 1, true; more; n++ {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case at := <-tick.C:
				lag = max(lag, clock.System{}.Now().Sub(at))
			}
			last := n%host.Steps == 0
			more = d.adaptStep(last, host.Busy(lag))
			if last {
				lag = 0
			}
		}
		tick.Stop()
	}
}

// adaptStep does a step of a window, which is its last or one before it. busy says that
// this process had to wait for a processor. It reports whether there is more to do: hosts
// are saturated, or calls are in flight.
func (d *Dispatcher) adaptStep(last, busy bool) (more bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	more = true
	if last {
		saturated := d.adapter.window(busy, d.turns.readmit)
		more = saturated || d.calls.slots.Taken > 0
		d.adapter.runs = more
		tellBusy(d)
	} else {
		d.adapter.step(d.turns.readmit)
	}
	d.wake()
	return more
}

// Relax lowers every limit towards what is in use, lets new fires of hosts that catch up
// go before those that waited, and drops hosts that have nothing to do. Call it once a
// second.
func (d *Dispatcher) Relax() {
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	crowd := &d.calls.quick.crowd
	busy := d.adapter.takeBusy()
	d.queues.table.SetWaited(d.waits.mean())
	d.calls.slots.Relax()
	d.queues.relax(busy || crowd.Crowded(), now, &d.calls.slots, d.turns.readmit)
	d.turns.readmitLate(&d.calls.slots)
	crowd.EndSecond()
	tellBusy(d)
	d.wake()
}

// tellBusy tells all who decide by it whether calls wait for a processor.
func tellBusy(d *Dispatcher) {
	d.queues.table.SetBusy(d.calls.quick.crowd.Crowded() || d.adapter.busy)
}

// Suspend stops new calls, or allows them again.
func (d *Dispatcher) Suspend(stop bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.suspended = stop
	d.wake()
}

// End stops what the calendar would name again: ranges of fires are sent no
// more, only what is queued one by one.
func (d *Dispatcher) End() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queues.ending = true
}

// Close ends idle workers; the others end after their call.
func (d *Dispatcher) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.workers.close()
}
