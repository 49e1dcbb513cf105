package dispatch

import (
	"time"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// hostQueue is what waits for one host (scheme, host, port: the unit of fairness),
// and the slots that the host has and uses.
type hostQueue struct {
	key      target.Host
	live     runQueue  // due now
	keep     runQueue  // due now as well, and never overdue: see queues.push
	overflow spanQueue // due now, and no room in live: it flows back as live drains
	overdue  overdue   // what waited when the host caught up
	late     runQueue  // recovered one by one
	spans    spanQueue // of a gap, as ranges

	taken  host.Slots      // see slots
	cond   *host.Condition // is held
	limit  host.Limit
	pace   pace
	parked parking
	listed listed

	liveTurns       int  // since one that was not live had its turn
	more            int  // calls that it begins in its turn still: see turns.stays
	short           bool // fires waited for the share of their lane since the last relax
	saturated       bool // in adapter.saturated
	saturatedLately bool // since the last relax
	used            bool // since the last relax
}

// parking says why a host is not in the ring.
type parking uint8

const (
	parkedIdle  parking = iota // nothing to send
	parkedRing                 // in the ring of those with live fires
	parkedOther                // in the ring of those with other fires only
	parkedFull                 // every slot is taken; the end of a call brings it back
	parkedShare                // no live fires, and the share of the others is used up, at this host
	parkedLate                 // the same, of all slots
)

// listed says in which lists of turns a host is, as far as they are not taken out when the
// host is parked elsewhere.
type listed struct{ other, late bool }

func (h *hostQueue) hasLate() bool { return h.late.n > 0 || h.spans.first() != nil }

func (h *hostQueue) hasLive() bool { return h.live.n > 0 || h.keep.n > 0 || h.overflow.first() != nil }

func (h *hostQueue) hasOther() bool { return len(h.overdue) > 0 || h.hasLate() }

func (h *hostQueue) hasWork() bool { return h.hasLive() || h.hasOther() }

// liveRuns returns how many live runs wait one by one.
func (h *hostQueue) liveRuns() int { return h.live.n + h.keep.n }

// queued returns how many runs wait one by one.
func (h *hostQueue) queued() int { return h.liveRuns() + h.overdue.queued() + h.late.n }

// slots returns those of the host.
func (h *hostQueue) slots() *host.Slots {
	h.taken.Most = h.limit.MayHave(h.taken.Taken)
	return &h.taken
}

// idle reports whether nothing is known of the host that would be missed.
func (h *hostQueue) idle() bool { return h.taken.Taken == 0 && !h.hasWork() }

// begin takes a slot for a run.
func (h *hostQueue) begin(r *run.Run) { h.taken.Begin(r.Lane) }

// end gives the slot of a run back, whose call took so long and ended at the instant.
func (h *hostQueue) end(r *run.Run, took time.Duration, now int64) {
	h.taken.End(r.Lane)
	if r.Lane == run.LaneLive {
		h.pace.ended++
	}
	if took != NotCalled {
		h.limit.Ended(took, now)
	}
	h.used = true
}

// popLive takes the live run that has waited longest, or returns nil.
func (h *hostQueue) popLive() *run.Run {
	if h.live.n == 0 || (h.keep.n > 0 && h.keep.head.Since < h.live.head.Since) {
		return h.keep.pop()
	}
	return h.live.pop()
}

// spansOf returns the ranges that fires of the lane are kept in.
func (h *hostQueue) spansOf(l run.Lane) *spanQueue {
	if l == run.LaneLive {
		return &h.overflow
	}
	return &h.spans
}

// remove takes the runs out that match.
func (h *hostQueue) remove(match func(*run.Run) bool) []*run.Run {
	out := append(h.live.remove(match), h.keep.remove(match)...)
	return append(append(out, h.overdue.remove(match)...), h.late.remove(match)...)
}

// all calls fn for each run that waits one by one until it returns false.
func (h *hostQueue) all(fn func(*run.Run) bool) bool {
	return h.live.all(fn) && h.keep.all(fn) && h.overdue.all(fn) && h.late.all(fn)
}
