package dispatch

import "github.com/belfry-scheduler/belfry/internal/host"

// turns decides which host is next. Hosts that have something to send and a free slot are
// in a ring. The others are parked with a reason, and come back when an event ends it:
//
//	         add                 next
//	idle ─────────────► ring ─────────────► the caller sends one run of the host, and then
//	  ▲                                     adds the host again or parks it
//	  │ readmit         parkFull: no slot is free, until a call ends or the limit rises
//	  └──────────────── parkLate: the share of late fires is used up, until a late call ends
type turns struct {
	ring     []*hostQueue // first in, first out, from first on
	first    int          // the place of the next host in the ring
	lateWait []*hostQueue // parkedLate, the longest wait first
}

// add puts a host that has something to send into the ring. One that waits for the
// share of late fires need not wait when it has others.
func (t *turns) add(h *hostQueue) {
	if h.parked == parkedIdle || (h.parked == parkedLate && h.hasLive()) {
		if h.parked == parkedLate {
			t.lateWait = without(t.lateWait, h)
		}
		h.parked = parkedRing
		t.push(h)
	}
}

// push appends a host to the ring. Before the ring would grow, the hosts move to its
// start if at least half of it is free: a turn allocates nothing, and each host is moved
// once for each turn that it has had, at most.
func (t *turns) push(h *hostQueue) {
	if len(t.ring) == cap(t.ring) && t.first > len(t.ring)/2 {
		n := copy(t.ring, t.ring[t.first:])
		clear(t.ring[n:])
		t.ring, t.first = t.ring[:n], 0
	}
	t.ring = append(t.ring, h)
}

// waiting returns how many hosts are in the ring.
func (t *turns) waiting() int { return len(t.ring) - t.first }

// pop removes the next host from the ring, which must not be empty.
func (t *turns) pop() *hostQueue {
	h := t.ring[t.first]
	t.ring[t.first] = nil
	if t.first++; t.first == len(t.ring) {
		t.ring, t.first = t.ring[:0], 0
	}
	return h
}

// next removes the next host from the ring and returns it; nil: there is none. If the
// ring is empty, it takes a host that waits for the share of late fires, if there is
// room in that share. all are the slots of all hosts.
func (t *turns) next(all host.Slots) *hostQueue {
	if t.waiting() == 0 && len(t.lateWait) > 0 {
		t.readmitLate(all)
	}
	if t.waiting() == 0 {
		return nil
	}
	h := t.pop()
	h.parked = parkedIdle
	return h
}

// parkFull parks a host with work and no slots left.
func (t *turns) parkFull(h *hostQueue) { h.parked = parkedFull }

// parkLate parks a host that has late fires only, and whose share is used up.
func (t *turns) parkLate(h *hostQueue) {
	h.parked = parkedLate
	t.lateWait = append(t.lateWait, h)
}

// readmit brings back a host that was parked, if it has work.
func (t *turns) readmit(h *hostQueue) {
	if h.parked == parkedLate {
		t.lateWait = without(t.lateWait, h)
	}
	h.parked = parkedIdle
	if h.hasWork() {
		t.add(h)
	}
}

// readmitLate brings back a host that waits for the share of late fires while some
// of it is free: the host that was to have it may have found nothing to send.
func (t *turns) readmitLate(all host.Slots) {
	for _, h := range t.lateWait {
		if host.LateFree(h.slots(), all) {
			t.readmit(h)
			return
		}
	}
}

// lateEnded brings back two hosts that wait for the share of late fires: the one whose
// call ended, and the one that has waited longest. Both are needed: if only the first
// came back, a host at its own share would take every turn of the hosts that wait for the
// share of all.
func (t *turns) lateEnded(h *hostQueue) {
	if len(t.lateWait) > 0 && t.lateWait[0] != h {
		t.readmit(t.lateWait[0])
	}
	if h.parked == parkedLate {
		t.readmit(h)
	}
}

func without(hosts []*hostQueue, h *hostQueue) []*hostQueue {
	for i := range hosts {
		if hosts[i] == h {
			return append(hosts[:i], hosts[i+1:]...)
		}
	}
	return hosts
}
