package dispatch

import (
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// runQueue is a first-in first-out queue, linked through the fires.
type runQueue struct {
	head, tail *run.Run
	n          int
}

func (q *runQueue) push(r *run.Run) {
	r.QueueNext = nil
	if q.tail == nil {
		q.head = r
	} else {
		q.tail.QueueNext = r
	}
	q.tail = r
	q.n++
}

func (q *runQueue) pop() *run.Run {
	r := q.head
	if r == nil {
		return nil
	}
	q.head, r.QueueNext = r.QueueNext, nil
	if q.head == nil {
		q.tail = nil
	}
	q.n--
	return r
}

// all calls fn for each fire until it returns false.
func (q *runQueue) all(fn func(*run.Run) bool) bool {
	for r := q.head; r != nil; r = r.QueueNext {
		if !fn(r) {
			return false
		}
	}
	return true
}

// host is one target (scheme, host, port): the unit of fairness. All its
// fields are under the dispatcher's lock.
type host struct {
	key      target.Host
	live     runQueue  // due now
	overflow spanQueue // due now, and no room in live: it flows back as live drains
	late     runQueue  // recovered one by one
	spans    spanQueue // of a gap, as ranges

	calls, lateCalls int
	limit            hostLimit
	saturated        bool // in dispatcher.pressed
	saturatedLately  bool // since the last relax
	used             bool // since the last relax

	parked parking
}

// parking says why a host is not in the ring.
type parking uint8

const (
	parkedIdle parking = iota // nothing to send
	parkedRing                // in the ring
	parkedFull                // every slot is taken; the end of a call brings it back
	parkedLate                // only late fires, and their share is used up
)

func (h *host) hasLate() bool { return h.late.n > 0 || h.spans.first() != nil }

func (h *host) hasLive() bool { return h.live.n > 0 || h.overflow.first() != nil }

func (h *host) hasWork() bool { return h.hasLive() || h.hasLate() }

// lateLimit is the host's share for late fires: a quarter, at least one.
func (h *host) lateLimit() int { return max(1, h.limit.now/4) }

// idle reports whether nothing is known of the host that would be missed.
func (h *host) idle() bool { return h.calls == 0 && !h.hasWork() }
