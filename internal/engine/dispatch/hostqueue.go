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
	overflow spanQueue // due now, and no room in live: it flows back as live drains
	late     runQueue  // recovered one by one
	spans    spanQueue // of a gap, as ranges

	calls, lateCalls int             // slots that are taken
	cond             *host.Condition // is held
	limit            host.Limit
	parked           parking

	saturated       bool // in adapter.saturated
	saturatedLately bool // since the last relax
	used            bool // since the last relax
}

// parking says why a host is not in the ring.
type parking uint8

const (
	parkedIdle parking = iota // nothing to send
	parkedRing                // in the ring
	parkedFull                // every slot is taken; the end of a call brings it back
	parkedLate                // only late fires, and their share is used up
)

func (h *hostQueue) hasLate() bool { return h.late.n > 0 || h.spans.first() != nil }

func (h *hostQueue) hasLive() bool { return h.live.n > 0 || h.overflow.first() != nil }

func (h *hostQueue) hasWork() bool { return h.hasLive() || h.hasLate() }

// queued returns how many runs wait one by one.
func (h *hostQueue) queued() int { return h.live.n + h.late.n }

// slots returns those of the host.
func (h *hostQueue) slots() host.Slots {
	return host.Slots{Most: h.limit.Slots(), Taken: h.calls, Late: h.lateCalls}
}

// idle reports whether nothing is known of the host that would be missed.
func (h *hostQueue) idle() bool { return h.calls == 0 && !h.hasWork() }

// begin takes a slot for a run.
func (h *hostQueue) begin(r *run.Run) {
	h.calls++
	if r.Lane == run.LaneLate {
		h.lateCalls++
	}
}

// end gives the slot of a run back, whose call took so long and ended at the instant.
func (h *hostQueue) end(r *run.Run, took time.Duration, now int64) {
	h.calls--
	if r.Lane == run.LaneLate {
		h.lateCalls--
	}
	if took != NotCalled {
		h.limit.Ended(took, now)
	}
	h.used = true
}

// spansOf returns the ranges that fires of the lane are kept in.
func (h *hostQueue) spansOf(l run.Lane) *spanQueue {
	if l == run.LaneLive {
		return &h.overflow
	}
	return &h.spans
}

// all calls fn for each run that waits one by one until it returns false.
func (h *hostQueue) all(fn func(*run.Run) bool) bool { return h.live.all(fn) && h.late.all(fn) }
