package dispatch

import (
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/target"
)

const (
	maxHostQueue  = 50_000    // live runs queued for one host; more become spans
	maxTotalQueue = 1_000_000 // runs queued in all: about 200 MB
	refillPart    = 64        // runs that flow back at a time: a lock is held
)

// queues are what waits, by host. They are bounded: what finds no room is kept as
// spans.
type queues struct {
	slots    int // the most that one host may have
	maxHost  int // live runs queued for one host
	backlogs int // mostBacklogs
	fromSpan func(*run.Span) *run.Run
	trim     func(s *run.Span, others int) bool

	table  *host.Table
	hosts  map[target.Host]*hostQueue
	queued int  // runs, over all hosts
	ending bool // spans are not sent any more: see Dispatcher.End
}

func newQueues(cfg *Config) queues {
	return queues{
		slots: cfg.MaxPerHost, maxHost: maxHostQueue, backlogs: mostBacklogs, fromSpan: cfg.FromSpan, trim: cfg.Trim,
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

// push queues a run that is due at the instant. It refuses one that is to be kept as a
// span: because there is no room, or because its job already has fires in a span. Then one
// span holds all of them; fires that were queued in between would split it.
//
// A run that may not be kept as a span keeps its place when the host catches up: a retry,
// a trigger, and a run of a job that allows no overlap, of which one waits at a time, and
// with it all that the job has to do.
func (q *queues) push(h *hostQueue, r *run.Run, now int64) (refused bool) {
	if r.Since = now; r.Lane == run.LaneLate {
		q.queued++
		h.late.push(r)
		return false
	}
	h.pace.due++
	live := h.liveRuns()
	full := live >= q.maxHost || (q.queued >= maxTotalQueue && live > 0)
	switch mayBeSpan := r.MayBeSpan(); {
	case mayBeSpan && (full || h.overflow.follows(r) || r.Job.Crowded(r.Ver, live+h.overdue.queued())):
		return true
	case mayBeSpan:
		h.live.push(r)
	default:
		h.keep.push(r)
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
	if s.Lane == run.LaneLate || !h.overdue.trim(s.Job, spans, q.trim) {
		q.trimLast(spans, s.Job)
	}
	return true
}

func (q *queues) trimLast(spans *spanQueue, j *run.Job) {
	if q.trim(spans.last[j], 0) {
		spans.moved(j)
	}
}

// take takes the next run that the host may send, or says what the host waits for.
// all are the slots of all hosts, of which one is free.
func (q *queues) take(h *hostQueue, all *shares) (r *run.Run, why parking) {
	if h.mayBegin(run.LaneLive, all) != host.Begin {
		return nil, parkedFull
	}
	if h.otherFirst() {
		r, _ = q.takeOther(h, all, true)
	}
	if r == nil {
		if r = q.takeLive(h); r != nil {
			h.liveTurns++
			return r, parkedIdle
		}
		r, why = q.takeOther(h, all, false)
	}
	h.liveTurns = 0
	return r, why
}

func (q *queues) takeLive(h *hostQueue) *run.Run {
	q.refill(h)
	r := h.popLive()
	if r != nil {
		q.queued--
	}
	return r
}

// takeOther takes the next run that is not live: a recovered one while their share has
// room, otherwise an overdue one. Both shares are at least a quarter, but that of overdue
// ones is for both.
func (q *queues) takeOther(h *hostQueue, all *shares, oldest bool) (*run.Run, parking) {
	for h.hasOther() {
		switch h.otherMayBegin(all) {
		case host.Begin:
		case host.AwaitAnyLate:
			return nil, parkedLate
		default:
			h.short = true
			return nil, parkedShare
		}
		r, more := q.popOther(h, all, oldest)
		if r != nil || !more {
			return r, parkedIdle
		}
	}
	return nil, parkedIdle
}

// popOther takes the next run that is not live. Without one, more reports whether there
// may be others: the fires of a range were not to be sent.
func (q *queues) popOther(h *hostQueue, all *shares, oldest bool) (r *run.Run, more bool) {
	fromSpan, wasQueued := q.fromSpan, true
	if q.ending {
		fromSpan = nil
	}
	late := h.hasLate() && h.mayBegin(run.LaneLate, all) == host.Begin
	switch {
	case late && h.late.n > 0:
		r = h.late.pop()
	case late && fromSpan != nil:
		r, wasQueued = fromSpan(h.spans.first()), false
		h.spans.advanced()
	case len(h.overdue) > 0 && h.mayBegin(run.LaneOverdue, all) == host.Begin:
		if r, wasQueued = h.overdue.pop(oldest, fromSpan); r != nil {
			r.Lane = run.LaneOverdue
		}
	}
	if r != nil && wasQueued {
		q.queued--
	}
	return r, !q.ending
}

// refill lets what found no room flow back into the queue, oldest first.
func (q *queues) refill(h *hostQueue) {
	if h.liveRuns() > q.maxHost/2 || q.ending {
		return
	}
	for n := 0; n < refillPart && q.mayRefill(h); {
		r := q.fromSpan(h.overflow.first())
		h.overflow.advanced()
		if r != nil {
			r.Since = r.At
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
	live := h.liveRuns()
	return s != nil && (live == 0 || (q.queued < maxTotalQueue && !s.Job.Crowded(s.Ver, live+h.overdue.queued())))
}

// relax lowers every limit towards what is in use, puts what a host has been behind with
// behind what comes due, and drops hosts that have nothing to do. busy says that calls had
// to wait for this process. readmit is called for hosts whose other fires may be sent again.
func (q *queues) relax(busy bool, now int64, all *shares, readmit func(*hostQueue)) {
	for key, h := range q.hosts {
		h.catchUp(now, q.backlogs)
		inUse := h.taken.Taken
		if h.short { // of a limit that was found when live fires used it
			inUse = h.limit.Slots()
		}
		h.limit.ShrinkIdle(inUse, h.saturatedLately, busy)
		if h.idle() && !h.used && h.parked == parkedIdle && !h.saturated {
			delete(q.hosts, key)
			q.table.Release(h.cond)
		}
		h.used, h.saturatedLately, h.short = false, h.saturated, h.parked == parkedShare
		if h.taken.Relax(); h.parked == parkedShare && h.otherMayBegin(all) == host.Begin {
			readmit(h)
		}
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
