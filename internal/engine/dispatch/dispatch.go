package dispatch

import (
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/engine/lock"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/target"
)

const (
	maxIdle       = 1024      // workers kept without work; more end
	maxHostQueue  = 50_000    // fires queued for one host; more become spans
	maxTotalQueue = 1_000_000 // fires queued in all: about 200 MB
	refillPart    = 64        // fires that flow back at a time: a lock is held
)

// Config is what a dispatcher is made of.
type Config struct {
	MaxCalls   int // calls in flight at a time
	MaxPerHost int // the same, of one host

	// Work runs one worker: it takes runs and calls until Take returns nil.
	Work func()
	// FromSpan takes the next fire off a span, or returns nil when it has none to
	// send. It is called with the dispatcher's lock held.
	FromSpan func(*run.Span) *run.Run
	// Trim gives up the oldest fires of a span that has grown too long, and reports
	// whether it did. It is called with the dispatcher's lock held.
	Trim func(*run.Span) bool
	Now  func() int64 // wall clock, Unix milliseconds
}

// Dispatcher decides which fire is sent next. Hosts take turns; inside a host
// fires that are on time go before late ones.
//
//	push ─► host.live ─┐
//	        host.late ─┼─► ring of hosts ─► take ─► worker ─► done
//	        host.spans ┘    (round robin)
//
// Workers are goroutines that take, call and take again. One that finds more
// work wakes the next, so a burst wakes as many as can be used and no more.
type Dispatcher struct {
	cfg       Config
	maxLate   int
	hostQueue int // runs queued for one host

	mu        lock.Dispatcher
	cond      *sync.Cond
	hosts     map[target.Host]*host
	ring      []*host // first in, first out; a slice that is compacted
	lateWait  []*host // parkedLate
	saturated []*host // hosts at their limit with fires waiting
	adapting  chan struct{}
	calls     int
	begun     int // calls, since TakeBegun was asked last
	lateCalls int
	queued    int
	workers   int
	idle      int
	suspended bool
	ending    bool // see end
	closed    bool
	Drained   chan struct{} // closed when the last worker ends after close

	running callList // calls in flight, in the order of their start
	ended   callList // calls that have ended, until they are known to be elsewhere: see swap
}

// callList is a list of fires, linked through themselves. A fire is in one at
// most.
type callList struct{ first, last *run.Run }

func (l *callList) add(r *run.Run) {
	r.CallPrev, r.CallNext = l.last, nil
	if l.last != nil {
		l.last.CallNext = r
	} else {
		l.first = r
	}
	l.last = r
}

func (l *callList) remove(r *run.Run) {
	if r.CallPrev != nil {
		r.CallPrev.CallNext = r.CallNext
	} else {
		l.first = r.CallNext
	}
	if r.CallNext != nil {
		r.CallNext.CallPrev = r.CallPrev
	} else {
		l.last = r.CallPrev
	}
	r.CallNext, r.CallPrev = nil, nil
}

// New makes a dispatcher that is suspended until the first beat.
func New(cfg Config) *Dispatcher {
	d := &Dispatcher{
		cfg: cfg, maxLate: max(1, cfg.MaxCalls/4), hostQueue: maxHostQueue,
		hosts:    make(map[target.Host]*host),
		adapting: make(chan struct{}, 1),
		Drained:  make(chan struct{}),

		suspended: true, // until the first beat
	}
	d.cond = sync.NewCond(&d.mu)
	return d
}

func (d *Dispatcher) host(key target.Host) *host {
	h := d.hosts[key]
	if h == nil {
		h = &host{key: key, limit: newHostLimit(d.cfg.MaxPerHost)}
		d.hosts[key] = h
	}
	return h
}

// Push queues fires that are due. It returns those for which there is no room,
// and those whose job has fires that found none before: one span of a job takes
// them all, where fires that slip past it would leave a hole each. The caller
// keeps them as spans.
func (d *Dispatcher) Push(fires []*run.Run) (refused []*run.Run) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range fires {
		h := d.host(r.Ver.Host)
		full := h.live.n >= d.hostQueue || (d.queued >= maxTotalQueue && h.live.n > 0)
		switch {
		case r.Lane == run.LaneLate:
			h.late.push(r)
		case (full || h.overflow.follows(r) || r.Job.Crowded(r.Ver, h.live.n)) && r.MayBeSpan():
			refused = append(refused, r)
			continue
		default:
			h.live.push(r)
		}
		d.queued++
		d.addToRing(h)
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
		h := d.host(s.Ver.Host)
		q := &h.spans
		if s.Lane == run.LaneLive {
			q = &h.overflow
		}
		if q.add(s) {
			merged = append(merged, s)
			if d.cfg.Trim(q.last[s.Job]) {
				q.moved(s.Job)
			}
		}
		d.addToRing(h)
	}
	d.wake()
	return merged
}

// addToRing puts a host that has something to send into the ring.
func (d *Dispatcher) addToRing(h *host) {
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
func (d *Dispatcher) wake() {
	if len(d.ring) == 0 || d.suspended || d.closed || d.calls >= d.cfg.MaxCalls {
		return
	}
	if d.idle > 0 {
		d.cond.Signal()
		return
	}
	if d.workers < d.cfg.MaxCalls {
		d.workers++
		go d.cfg.Work()
	}
}

// Take returns the next fire to send. It waits for one; nil tells the worker
// to end. before is the worker's last fire, which was handed on; nil: none.
func (d *Dispatcher) Take(before *run.Run) *run.Run {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.release(before)
	for {
		if r := d.pickNow(); r != nil {
			return r
		}
		if d.closed || d.idle >= maxIdle {
			d.workers--
			if d.closed && d.workers == 0 {
				close(d.Drained)
			}
			return nil
		}
		d.idle++
		d.cond.Wait()
		d.idle--
	}
}

// Swap ends a call and returns the next fire to send, or nil when there is
// none now. The fire that ended may be handed on only after this, and is found
// here until the worker comes again: before is the one that it had before, which
// was handed on. So whoever looks for an execution finds it on its way.
func (d *Dispatcher) Swap(last, before *run.Run, begun, now int64) *run.Run {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.release(before)
	d.finish(last, begun, now)
	return d.pickNow()
}

func (d *Dispatcher) pickNow() *run.Run {
	if d.suspended || d.closed || d.calls >= d.cfg.MaxCalls {
		return nil
	}
	r := d.pick()
	if r != nil {
		d.wake()
	}
	return r
}

// pick takes the next fire off the first host that may send one.
func (d *Dispatcher) pick() *run.Run {
	for len(d.ring) > 0 || d.spareLate() {
		h := d.ring[0]
		d.ring = d.ring[1:]
		h.parked = parkedIdle
		r, why := d.pickFrom(h)
		switch {
		case r != nil:
			d.begin(h, r)
			d.placeAfterBegin(h)
			return r
		case why == parkedFull:
			d.full(h)
		case why == parkedLate:
			h.parked = parkedLate
			d.lateWait = append(d.lateWait, h)
		}
	}
	return nil
}

// placeAfterBegin finds the place of a host that has just begun a call. One that has used
// up its limit is not put into the ring: a worker would be woken for nothing
// with each call.
func (d *Dispatcher) placeAfterBegin(h *host) {
	switch {
	case !h.hasWork():
	case h.calls >= h.limit.now:
		d.full(h)
	default:
		d.addToRing(h)
	}
}

// full parks a host with fires and no slots left.
func (d *Dispatcher) full(h *host) {
	h.parked = parkedFull
	d.noteSaturated(h)
}

// spareLate brings back a host that waits for the share of late fires while some
// of it is free: the host that was to have it may have found nothing to send.
func (d *Dispatcher) spareLate() bool {
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

func (d *Dispatcher) addToRingIf(h *host) {
	if h.hasWork() {
		d.addToRing(h)
	}
}

func (d *Dispatcher) pickFrom(h *host) (*run.Run, parking) {
	if h.calls >= h.limit.now {
		return nil, parkedFull
	}
	d.refill(h)
	if r := h.live.pop(); r != nil {
		d.queued--
		return r, parkedIdle
	}
	for h.hasLate() {
		if d.lateCalls >= d.maxLate || h.lateCalls >= h.lateLimit() {
			return nil, parkedLate
		}
		if r := h.late.pop(); r != nil {
			d.queued--
			return r, parkedIdle
		}
		if d.ending {
			break
		}
		r := d.cfg.FromSpan(h.spans.first())
		h.spans.advanced()
		if r != nil {
			return r, parkedIdle
		}
	}
	return nil, parkedIdle
}

// refill lets what found no room flow back into the queue, oldest first.
func (d *Dispatcher) refill(h *host) {
	if h.live.n > d.hostQueue/2 || d.ending {
		return
	}
	for n := 0; n < refillPart && d.mayRefill(h); {
		r := d.cfg.FromSpan(h.overflow.first())
		h.overflow.advanced()
		if r != nil {
			h.live.push(r)
			d.queued++
			n++
		}
	}
}

// mayRefill reports whether the oldest fire that found no room has some now. An
// empty queue always takes one, so that the host goes on.
func (d *Dispatcher) mayRefill(h *host) bool {
	s := h.overflow.first()
	return s != nil && (h.live.n == 0 || (d.queued < maxTotalQueue && !s.Job.Crowded(s.Ver, h.live.n)))
}

// End stops what the calendar would name again: ranges of fires are sent no
// more, only what is queued one by one.
func (d *Dispatcher) End() {
	d.mu.Lock()
	d.ending = true
	d.mu.Unlock()
}

func (d *Dispatcher) begin(h *host, r *run.Run) {
	d.release(r)
	d.calls++
	d.begun++
	h.calls++
	if r.Lane == run.LaneLate {
		d.lateCalls++
		h.lateCalls++
	}
	r.Since = d.cfg.Now()
	d.running.add(r)
}

func (d *Dispatcher) finish(r *run.Run, begun, now int64) {
	h := d.hosts[r.Ver.Host]
	d.calls--
	h.calls--
	h.limit.ended(time.Duration(now-begun) * time.Millisecond)
	h.used = true
	d.running.remove(r)
	d.ended.add(r)
	r.InEnded, r.Opening = true, false
	if r.Lane == run.LaneLate {
		d.lateCalls--
		h.lateCalls--
		d.wakeLate(h)
	}
	if h.parked == parkedFull {
		h.parked = parkedIdle
		d.addToRingIf(h)
	}
}

// release lets go of a fire whose call has ended and that is elsewhere.
func (d *Dispatcher) release(r *run.Run) {
	if r != nil && r.InEnded {
		r.InEnded = false
		d.ended.remove(r)
	}
}

// wakeLate brings back hosts that waited for the share of late fires: the one
// whose call ended, and the one that has waited longest. One alone would not
// do: a host at its own share would take every turn of those that wait for the
// share of all.
func (d *Dispatcher) wakeLate(h *host) {
	if len(d.lateWait) > 0 && d.lateWait[0] != h {
		d.unpark(d.lateWait[0])
	}
	if h.parked == parkedLate {
		d.unpark(h)
	}
}

func (d *Dispatcher) unpark(h *host) {
	d.lateWait = without(d.lateWait, h)
	h.parked = parkedIdle
	d.addToRingIf(h)
}

// Suspend stops new calls, or allows them again.
func (d *Dispatcher) Suspend(stop bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.suspended = stop
	d.wake()
}

// Close tells idle workers to end; the others end after their call.
func (d *Dispatcher) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	d.closed = true
	if d.workers == 0 {
		close(d.Drained)
	}
	d.cond.Broadcast()
}
