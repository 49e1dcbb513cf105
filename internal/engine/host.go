package engine

// fireQueue is a first-in first-out queue, linked through the fires.
type fireQueue struct {
	head, tail *fire
	n          int
}

func (q *fireQueue) push(f *fire) {
	f.queueNext = nil
	if q.tail == nil {
		q.head = f
	} else {
		q.tail.queueNext = f
	}
	q.tail = f
	q.n++
}

func (q *fireQueue) pop() *fire {
	f := q.head
	if f == nil {
		return nil
	}
	q.head, f.queueNext = f.queueNext, nil
	if q.head == nil {
		q.tail = nil
	}
	q.n--
	return f
}

// all calls fn for each fire until it returns false.
func (q *fireQueue) all(fn func(*fire) bool) bool {
	for f := q.head; f != nil; f = f.queueNext {
		if !fn(f) {
			return false
		}
	}
	return true
}

// host is one target (scheme, host, port): the unit of fairness. All its
// fields are under dispatcher.mu.
type host struct {
	key   hostKey
	live  fireQueue // due now
	spill spanQueue // due now, and no room in live: it flows back as live drains
	late  fireQueue // recovered one by one
	spans spanQueue // of a gap, as ranges

	calls, lateCalls int
	limit            hostLimit
	pressed          bool // in dispatcher.pressed
	pressedLately    bool // since the last relax
	used             bool // since the last relax

	parked parking
}

// parking says where a host stands that is not in the ring.
type parking uint8

const (
	parkedIdle parking = iota // nothing to send
	parkedRing                // in the ring
	parkedFull                // every slot is taken; the end of a call brings it back
	parkedLate                // only late fires, and their share is used up
)

func (h *host) hasLate() bool { return h.late.n > 0 || h.spans.first() != nil }

func (h *host) hasLive() bool { return h.live.n > 0 || h.spill.first() != nil }

func (h *host) hasWork() bool { return h.hasLive() || h.hasLate() }

// lateLimit is the host's share for late fires: a quarter, at least one.
func (h *host) lateLimit() int { return max(1, h.limit.now/4) }

// idle reports whether nothing is known of the host that would be missed.
func (h *host) idle() bool { return h.calls == 0 && !h.hasWork() }
