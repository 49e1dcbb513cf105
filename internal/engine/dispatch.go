package engine

import (
	"sync"
	"time"
)

const (
	maxIdle       = 1024      // workers kept without work; more end
	maxHostQueue  = 50_000    // fires queued for one host; more become spans
	maxTotalQueue = 1_000_000 // fires queued in all: about 200 MB
	refillPart    = 64        // fires that flow back at a time: a lock is held
)

// dispatcher decides which fire is sent next. Hosts take turns; inside a host
// fires that are on time go before late ones.
//
//	push ─► host.live ─┐
//	        host.late ─┼─► ring of hosts ─► take ─► worker ─► done
//	        host.spans ┘    (round robin)
//
// Workers are goroutines that take, call and take again. One that finds more
// work wakes the next, so a burst wakes as many as can be used and no more.
type dispatcher struct {
	maxCalls, maxPerHost, maxLate int
	hostQueue                     int // fires queued for one host

	work     func()            // runs one worker until take returns nil
	fromSpan func(*span) *fire // the next fire of a span, or nil when it has none to send
	trim     func(*span) bool  // gives up the oldest of a backlog that is too long
	now      func() int64      // wall clock, Unix milliseconds

	mu        sync.Mutex
	cond      *sync.Cond
	hosts     map[hostKey]*host
	ring      []*host // first in, first out; a slice that is compacted
	lateWait  []*host // parkedLate
	pressed   []*host // hosts at their limit with fires waiting
	adapting  chan struct{}
	calls     int
	begun     int // calls, since takeBegun was asked last
	lateCalls int
	queued    int
	workers   int
	idle      int
	suspended bool
	ending    bool // see end
	closed    bool
	drained   chan struct{} // closed when the last worker ends after close

	running callList // calls in flight, in the order of their start
	left    callList // calls that have ended, until they are known to be elsewhere: see swap
}

// callList is a list of fires, linked through themselves. A fire is in one at
// most.
type callList struct{ first, last *fire }

func (l *callList) add(f *fire) {
	f.callPrev, f.callNext = l.last, nil
	if l.last != nil {
		l.last.callNext = f
	} else {
		l.first = f
	}
	l.last = f
}

func (l *callList) remove(f *fire) {
	if f.callPrev != nil {
		f.callPrev.callNext = f.callNext
	} else {
		l.first = f.callNext
	}
	if f.callNext != nil {
		f.callNext.callPrev = f.callPrev
	} else {
		l.last = f.callPrev
	}
	f.callNext, f.callPrev = nil, nil
}

func newDispatcher(maxCalls, maxPerHost int) *dispatcher {
	d := &dispatcher{
		maxCalls: maxCalls, maxPerHost: maxPerHost, maxLate: max(1, maxCalls/4), hostQueue: maxHostQueue,
		hosts:    make(map[hostKey]*host),
		adapting: make(chan struct{}, 1),
		drained:  make(chan struct{}),

		suspended: true, // until the first beat
	}
	d.cond = sync.NewCond(&d.mu)
	return d
}

func (d *dispatcher) host(key hostKey) *host {
	h := d.hosts[key]
	if h == nil {
		h = &host{key: key, limit: newHostLimit(d.maxPerHost)}
		d.hosts[key] = h
	}
	return h
}

// push queues fires that are due. It returns those for which there is no room,
// and those whose job has fires that found none before: one span of a job takes
// them all, where fires that slip past it would leave a hole each. The caller
// keeps them as spans.
func (d *dispatcher) push(fires []*fire) (refused []*fire) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range fires {
		h := d.host(f.ver.host)
		full := h.live.n >= d.hostQueue || (d.queued >= maxTotalQueue && h.live.n > 0)
		switch {
		case f.lane == laneLate:
			h.late.push(f)
		case (full || h.spill.follows(f) || f.job.crowded(f.ver, h.live.n)) && f.mayBeSpan():
			refused = append(refused, f)
			continue
		default:
			h.live.push(f)
		}
		d.queued++
		d.enlist(h)
	}
	d.wake()
	return refused
}

// mayBeSpan reports whether the fire can be kept as a range: it comes from the
// calendar, nothing was sent, and no order among the job's fires is promised.
func (f *fire) mayBeSpan() bool {
	return f.fresh() && !f.open && f.ver.plan.Value().overlap == "ALLOW"
}

// crowded reports whether as many fires of the job as it wants to catch up on
// have not ended. queued is the length of the queue that a further one would
// join: a short one cannot hold so many, and is not worth a lock.
func (j *job) crowded(v *version, queued int) bool {
	most := v.plan.Value().misfire.MaxRuns
	if queued < most {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.busy > most
}

// pushSpans queues ranges of fires. It returns those that became part of a
// range that was there.
func (d *dispatcher) pushSpans(spans []*span) (merged []*span) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range spans {
		h := d.host(s.ver.host)
		q := &h.spans
		if s.lane == laneLive {
			q = &h.spill
		}
		if q.add(s) {
			merged = append(merged, s)
			if d.trim(q.last[s.job]) {
				q.moved(s.job)
			}
		}
		d.enlist(h)
	}
	d.wake()
	return merged
}

// enlist puts a host that has something to send into the ring.
func (d *dispatcher) enlist(h *host) {
	if h.parked == parkedIdle || (h.parked == parkedLate && h.hasLive()) {
		if h.parked == parkedLate {
			d.lateWait = without(d.lateWait, h)
		}
		h.parked = parkedRing
		d.ring = append(d.ring, h)
	}
}

func without(hosts []*host, h *host) []*host {
	for i := range hosts {
		if hosts[i] == h {
			return append(hosts[:i], hosts[i+1:]...)
		}
	}
	return hosts
}

// wake lets one more worker look for work, if there is any.
func (d *dispatcher) wake() {
	if len(d.ring) == 0 || d.suspended || d.closed || d.calls >= d.maxCalls {
		return
	}
	if d.idle > 0 {
		d.cond.Signal()
		return
	}
	if d.workers < d.maxCalls {
		d.workers++
		go d.work()
	}
}

// take returns the next fire to send. It waits for one; nil tells the worker
// to end. before is the worker's last fire, which was handed on; nil: none.
func (d *dispatcher) take(before *fire) *fire {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(before)
	for {
		if f := d.pickNow(); f != nil {
			return f
		}
		if d.closed || d.idle >= maxIdle {
			d.workers--
			if d.closed && d.workers == 0 {
				close(d.drained)
			}
			return nil
		}
		d.idle++
		d.cond.Wait()
		d.idle--
	}
}

// swap ends a call and returns the next fire to send, or nil when there is
// none now. The fire that ended may be handed on only after this, and is found
// here until the worker comes again: before is the one that it had before, which
// was handed on. So whoever looks for an execution finds it on its way.
func (d *dispatcher) swap(last, before *fire, begun, now int64) *fire {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(before)
	d.finish(last, begun, now)
	return d.pickNow()
}

func (d *dispatcher) pickNow() *fire {
	if d.suspended || d.closed || d.calls >= d.maxCalls {
		return nil
	}
	f := d.pick()
	if f != nil {
		d.wake()
	}
	return f
}

// pick takes the next fire off the first host that may send one.
func (d *dispatcher) pick() *fire {
	for len(d.ring) > 0 || d.spareLate() {
		h := d.ring[0]
		d.ring = d.ring[1:]
		h.parked = parkedIdle
		f, why := d.pickFrom(h)
		switch {
		case f != nil:
			d.begin(h, f)
			d.stand(h)
			return f
		case why == parkedFull:
			d.full(h)
		case why == parkedLate:
			h.parked = parkedLate
			d.lateWait = append(d.lateWait, h)
		}
	}
	return nil
}

// stand finds the place of a host that has just begun a call. One that has used
// up its limit is not put into the ring: a worker would be woken for nothing
// with each call.
func (d *dispatcher) stand(h *host) {
	switch {
	case !h.hasWork():
	case h.calls >= h.limit.now:
		d.full(h)
	default:
		d.enlist(h)
	}
}

// full parks a host with fires and no slots left.
func (d *dispatcher) full(h *host) {
	h.parked = parkedFull
	d.press(h)
}

// spareLate brings back a host that waits for the share of late fires while some
// of it is free: the host that was to have it may have found nothing to send.
func (d *dispatcher) spareLate() bool {
	if d.lateCalls >= d.maxLate {
		return false
	}
	for _, h := range d.lateWait {
		if h.lateCalls < h.lateLimit() {
			d.unpark(h)
			return true
		}
	}
	return false
}

func (d *dispatcher) enlistIf(h *host) {
	if h.hasWork() {
		d.enlist(h)
	}
}

func (d *dispatcher) pickFrom(h *host) (*fire, parking) {
	if h.calls >= h.limit.now {
		return nil, parkedFull
	}
	d.refill(h)
	if f := h.live.pop(); f != nil {
		d.queued--
		return f, parkedIdle
	}
	for h.hasLate() {
		if d.lateCalls >= d.maxLate || h.lateCalls >= h.lateLimit() {
			return nil, parkedLate
		}
		if f := h.late.pop(); f != nil {
			d.queued--
			return f, parkedIdle
		}
		if d.ending {
			break
		}
		f := d.fromSpan(h.spans.first())
		h.spans.settle()
		if f != nil {
			return f, parkedIdle
		}
	}
	return nil, parkedIdle
}

// refill lets what found no room flow back into the queue, oldest first.
func (d *dispatcher) refill(h *host) {
	if h.live.n > d.hostQueue/2 || d.ending {
		return
	}
	for n := 0; n < refillPart && d.mayRefill(h); {
		f := d.fromSpan(h.spill.first())
		h.spill.settle()
		if f != nil {
			h.live.push(f)
			d.queued++
			n++
		}
	}
}

// mayRefill reports whether the oldest fire that found no room has some now. An
// empty queue always takes one, so that the host goes on.
func (d *dispatcher) mayRefill(h *host) bool {
	s := h.spill.first()
	return s != nil && (h.live.n == 0 || (d.queued < maxTotalQueue && !s.job.crowded(s.ver, h.live.n)))
}

// end stops what the calendar would name again: ranges of fires are sent no
// more, only what is queued one by one.
func (d *dispatcher) end() {
	d.mu.Lock()
	d.ending = true
	d.mu.Unlock()
}

func (d *dispatcher) begin(h *host, f *fire) {
	d.forget(f)
	d.calls++
	d.begun++
	h.calls++
	if f.lane == laneLate {
		d.lateCalls++
		h.lateCalls++
	}
	f.since = d.now()
	d.running.add(f)
}

func (d *dispatcher) finish(f *fire, begun, now int64) {
	h := d.hosts[f.ver.host]
	d.calls--
	h.calls--
	h.limit.ended(time.Duration(now-begun) * time.Millisecond)
	h.used = true
	d.running.remove(f)
	d.left.add(f)
	f.leaving, f.opening = true, false
	if f.lane == laneLate {
		d.lateCalls--
		h.lateCalls--
		d.wakeLate(h)
	}
	if h.parked == parkedFull {
		h.parked = parkedIdle
		d.enlistIf(h)
	}
}

// forget lets go of a fire whose call has ended and that is elsewhere.
func (d *dispatcher) forget(f *fire) {
	if f != nil && f.leaving {
		f.leaving = false
		d.left.remove(f)
	}
}

// wakeLate brings back hosts that waited for the share of late fires: the one
// whose call ended, and the one that has waited longest. One alone would not
// do: a host at its own share would take every turn of those that wait for the
// share of all.
func (d *dispatcher) wakeLate(h *host) {
	if len(d.lateWait) > 0 && d.lateWait[0] != h {
		d.unpark(d.lateWait[0])
	}
	if h.parked == parkedLate {
		d.unpark(h)
	}
}

func (d *dispatcher) unpark(h *host) {
	d.lateWait = without(d.lateWait, h)
	h.parked = parkedIdle
	d.enlistIf(h)
}

// suspend stops new calls, or lets them go on.
func (d *dispatcher) suspend(stop bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.suspended = stop
	d.wake()
}

// close tells idle workers to end; the others end after their call.
func (d *dispatcher) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	d.closed = true
	if d.workers == 0 {
		close(d.drained)
	}
	d.cond.Broadcast()
}
