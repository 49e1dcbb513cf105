package dispatch

import "github.com/belfry-scheduler/belfry/internal/host"

// turns decides which host is next. Hosts that have something to send and a free slot are
// in one of two rings: one of those that have live fires, and one of those that have others
// only, recovered or overdue, which has a turn when the first is empty and every otherTurn
// turns. The rest is parked with a reason, and comes back when an event ends it:
//
//	         add                next
//	idle ─────────────► rings ─────────────► the caller sends one run of the host, and then
//	  ▲                                      adds the host again or parks it
//	  │ readmit         parkFull: no slot is free, until a call ends or the limit rises
//	  ├──────────────── parkShare: no live fires, and the share of the others at this host
//	  │                 is used up, until such a call ends or the share rises
//	  └──────────────── parkLate: the same, of all slots
//
// A live fire brings a host of the last two back at once. So it does for one in the second
// ring. What a host has there and in lateWait is not searched for: it is dropped when its
// turn comes, and a host has one of each at most (listed).
//
// A quick host may have several calls in a turn (callsInTurn). The first is begun when the
// ring comes to it, and each further one when a call of the host ends, by the same worker: its
// connection and what is known of the host are still in the caches of the processor.
type turns struct {
	live, other ring
	lateWait    ring // parkedLate, the longest wait first
	liveTurns   int  // since a host of the second ring had its turn
}

const (
	// mostInTurn is how many calls a quick host begins in a turn at most. With 16, what a
	// call costs more that comes to a host after others did is a sixteenth.
	mostInTurn = 16
	// mostBeforeTurn is how many calls of others that begin in this way go before those of a
	// host in the ring: at 25 us each 13 ms. So with many hosts in the ring each has one call in
	// a turn.
	mostBeforeTurn = 512
)

// callsInTurn returns how many calls a quick host has in a turn while so many wait for theirs.
func callsInTurn(waiting int) int { return max(1, min(mostInTurn, mostBeforeTurn/max(1, waiting))) }

// ring is hosts, first in, first out.
type ring struct {
	hosts []*hostQueue // from first on
	first int          // the place of the next host
}

// push appends a host to the ring. Before the ring would grow, the hosts move to its
// start if at least half of it is free: a turn allocates nothing, and each host is moved
// once for each turn that it has had, at most.
func (t *ring) push(h *hostQueue) {
	if len(t.hosts) == cap(t.hosts) && t.first > len(t.hosts)/2 {
		n := copy(t.hosts, t.hosts[t.first:])
		clear(t.hosts[n:])
		t.hosts, t.first = t.hosts[:n], 0
	}
	t.hosts = append(t.hosts, h)
}

// waiting returns how many hosts are in the ring.
func (t *ring) waiting() int { return len(t.hosts) - t.first }

// pop removes the next host from the ring, which must not be empty.
func (t *ring) pop() *hostQueue {
	h := t.hosts[t.first]
	t.hosts[t.first] = nil
	if t.first++; t.first == len(t.hosts) {
		t.hosts, t.first = t.hosts[:0], 0
	}
	return h
}

// waiting returns how many hosts may have a turn, at most.
func (t *turns) waiting() int { return t.live.waiting() + t.other.waiting() }

// add puts a host that has something to send into a ring. One that waits for the share of
// other fires need not wait when it has live ones.
func (t *turns) add(h *hostQueue) {
	switch {
	case h.parked == parkedFull, h.parked == parkedRing:
	case h.hasLive():
		h.parked = parkedRing
		t.live.push(h)
	case h.parked == parkedIdle:
		h.parked = parkedOther
		if !h.listed.other {
			h.listed.other = true
			t.other.push(h)
		}
	}
}

// next removes the next host from the rings and returns it; nil: there is none. all are
// the slots of all hosts.
func (t *turns) next(all *shares) *hostQueue {
	for {
		if t.other.waiting() == 0 && t.lateWait.waiting() > 0 {
			t.readmitLate(all)
		}
		if t.waiting() == 0 {
			return nil
		}
		h := t.pop()
		if h == nil {
			continue
		}
		isOther := h.parked == parkedOther
		if h.parked = parkedIdle; !isOther && !h.hasLive() { // it has caught up meanwhile
			t.readmit(h)
			continue
		}
		if t.liveTurns++; isOther {
			t.liveTurns = 0
		}
		h.more = callsInTurn(t.live.waiting()) - 1
		return h
	}
}

// stays reports whether the host, of which a call has just ended, begins another one in the
// turn that it had. If others than live fires wait anywhere, turns have one call.
func (t *turns) stays(h *hostQueue) bool {
	if h.more <= 0 || h.parked != parkedRing || !h.hasLive() || h.hasOther() || t.other.waiting() > 0 {
		return false
	}
	h.more--
	return true
}

// pop removes a host from one of the rings. It returns nil for one that is not there any
// more.
func (t *turns) pop() *hostQueue {
	if t.live.waiting() > 0 && (t.liveTurns < otherTurn-1 || t.other.waiting() == 0) {
		return t.live.pop()
	}
	h := t.other.pop()
	if h.listed.other = false; h.parked != parkedOther {
		return nil
	}
	return h
}

// park parks a host with work that may not send it, for the reason.
func (t *turns) park(h *hostQueue, why parking) {
	if h.parked = why; why == parkedLate && !h.listed.late {
		h.listed.late = true
		t.lateWait.push(h)
	}
}

// readmit brings back a host that was parked, if it has work.
func (t *turns) readmit(h *hostQueue) {
	if h.parked = parkedIdle; h.hasWork() {
		t.add(h)
	}
}

// readmitLate brings back a host that waits for the share of other fires, if some of it is
// free: the host that was to have it may have found nothing to send.
func (t *turns) readmitLate(all *shares) {
	if !all.OthersFit() {
		return
	}
	for range min(4, t.lateWait.waiting()) { // one may wait for what is free, the next not
		h := t.popLate()
		if h == nil {
			continue
		}
		if h.otherMayBegin(all) != host.AwaitAnyLate {
			t.readmit(h)
			return
		}
		t.park(h, parkedLate)
	}
}

// popLate removes the next host from lateWait. It returns nil for one that does not wait
// any more.
func (t *turns) popLate() *hostQueue {
	h := t.lateWait.pop()
	if h.listed.late = false; h.parked != parkedLate {
		return nil
	}
	return h
}

// otherEnded brings back two hosts that wait for the share of other fires: the one whose
// call ended, and the one that has waited longest. Both are needed: if only the first
// came back, a host at its own share would take every turn of the hosts that wait for the
// share of all.
func (t *turns) otherEnded(h *hostQueue) {
	for t.lateWait.waiting() > 0 {
		if first := t.popLate(); first != nil {
			t.readmit(first)
			break
		}
	}
	if h.parked == parkedShare {
		t.readmit(h)
	}
}
