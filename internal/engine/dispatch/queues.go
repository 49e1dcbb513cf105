package dispatch

import (
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/target"
)

const (
	maxHostQueue  = 50_000    // runs queued for one host; more become spans
	maxTotalQueue = 1_000_000 // runs queued in all: about 200 MB
	refillPart    = 64        // runs that flow back at a time: a lock is held
)

// queues are what waits, by host. They are bounded: what finds no room is kept as
// spans.
type queues struct {
	slots    int // the most that one host may have
	maxHost  int // runs queued for one host
	fromSpan func(*run.Span) *run.Run
	trim     func(*run.Span) bool

	table  *host.Table
	hosts  map[target.Host]*hostQueue
	queued int  // runs, over all hosts
	ending bool // spans are not sent any more: see Dispatcher.End
}

func newQueues(cfg *Config) queues {
	return queues{
		slots: cfg.MaxPerHost, maxHost: maxHostQueue, fromSpan: cfg.FromSpan, trim: cfg.Trim,
		table: cfg.Hosts, hosts: make(map[target.Host]*hostQueue),
	}
}

func (q *queues) of(key target.Host) *hostQueue {
	h := q.hosts[key]
	if h == nil {
		cond := q.table.Hold(key)
		h = &hostQueue{key: key, cond: cond, limit: host.NewLimit(cond, q.slots)}
		q.hosts[key] = h
	}
	return h
}

// push queues a run that is due. It refuses one that is to be kept as a span: because
// there is no room, or because its job already has fires in a span. Then one span holds
// all of them; fires that were queued in between would split it.
func (q *queues) push(h *hostQueue, r *run.Run) (refused bool) {
	full := h.live.n >= q.maxHost || (q.queued >= maxTotalQueue && h.live.n > 0)
	switch {
	case r.Lane == run.LaneLate:
		h.late.push(r)
	case (full || h.overflow.follows(r) || r.Job.Crowded(r.Ver, h.live.n)) && r.MayBeSpan():
		return true
	default:
		h.live.push(r)
	}
	q.queued++
	return false
}

// pushSpan queues a range of fires, and reports whether it became part of a range
// that was there.
func (q *queues) pushSpan(h *hostQueue, s *run.Span) (merged bool) {
	spans := h.spansOf(s.Lane)
	if !spans.add(s) {
		return false
	}
	if q.trim(spans.last[s.Job]) {
		spans.moved(s.Job)
	}
	return true
}

// take takes the next run that the host may send, or says what the host waits for.
// all are the slots of all hosts, of which one is free.
func (q *queues) take(h *hostQueue, all host.Slots) (*run.Run, parking) {
	if host.MayBegin(false, h.slots(), all) != host.Begin {
		return nil, parkedFull
	}
	q.refill(h)
	if r := h.live.pop(); r != nil {
		q.queued--
		return r, parkedIdle
	}
	for h.hasLate() {
		if host.MayBegin(true, h.slots(), all) != host.Begin {
			return nil, parkedLate
		}
		if r := h.late.pop(); r != nil {
			q.queued--
			return r, parkedIdle
		}
		if q.ending {
			break
		}
		r := q.fromSpan(h.spans.first())
		h.spans.advanced()
		if r != nil {
			return r, parkedIdle
		}
	}
	return nil, parkedIdle
}

// refill lets what found no room flow back into the queue, oldest first.
func (q *queues) refill(h *hostQueue) {
	if h.live.n > q.maxHost/2 || q.ending {
		return
	}
	for n := 0; n < refillPart && q.mayRefill(h); {
		r := q.fromSpan(h.overflow.first())
		h.overflow.advanced()
		if r != nil {
			h.live.push(r)
			q.queued++
			n++
		}
	}
}

// mayRefill reports whether the oldest fire that found no room has some now. An
// empty queue always takes one, so that the host goes on.
func (q *queues) mayRefill(h *hostQueue) bool {
	s := h.overflow.first()
	return s != nil && (h.live.n == 0 || (q.queued < maxTotalQueue && !s.Job.Crowded(s.Ver, h.live.n)))
}

// relax lowers every limit towards what is in use and drops hosts that have nothing
// to do. busy says that calls had to wait for this process.
func (q *queues) relax(busy bool) {
	for key, h := range q.hosts {
		h.limit.ShrinkIdle(h.calls, h.saturatedLately, busy)
		if h.idle() && !h.used && h.parked == parkedIdle && !h.saturated {
			delete(q.hosts, key)
			q.table.Release(h.cond)
		}
		h.used, h.saturatedLately = false, h.saturated
	}
}

// all calls fn for each run that waits one by one until it returns false.
func (q *queues) all(fn func(*run.Run) bool) {
	for _, h := range q.hosts {
		if !h.all(fn) {
			return
		}
	}
}
