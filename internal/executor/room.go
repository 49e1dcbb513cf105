package executor

import (
	"container/heap"
	"sync"
	"time"
)

const (
	// roomLook is for how long a look at all pools serves to choose what is closed. The order
	// becomes wrong as hosts get further idle connections; those that have fewer by then are
	// found when their turn comes.
	roomLook = time.Second
	// roomVisit is what a look at a pool may cost in the long run, when there is less to
	// close than there are pools: ten times what it takes. So all looks take a tenth of a core at
	// most, and a hundredth of that while each of them serves for roomLook.
	roomVisit = time.Microsecond
	// roomCorrections is how often the order is put right for one connection.
	roomCorrections = 16
)

// spares are the idle connections of a pool, as they were when it was looked at.
type spares struct {
	pool   *pool
	idle   int
	oldest time.Time // when the one that has rested for longest was used
}

// before reports whether a connection of s is closed sooner than one of o. The host that
// has more idle connections is supplied better, and loses least with one of them. Of two
// that are supplied equally, the one whose oldest connection has rested longer comes first:
// it is called less often.
func (s spares) before(o spares) bool {
	if s.idle != o.idle {
		return s.idle > o.idle
	}
	return s.oldest.Before(o.oldest)
}

// sparesHeap has the spares first that come before all others.
type sparesHeap []spares

func (h sparesHeap) Len() int           { return len(h) }
func (h sparesHeap) Less(i, j int) bool { return h[i].before(h[j]) }
func (h sparesHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *sparesHeap) Push(x any)        { *h = append(*h, x.(spares)) }

func (h *sparesHeap) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	(*h)[last] = spares{}
	*h = (*h)[:last]
	return s
}

// room closes idle connections where more are open than there may be: the oldest of the host
// that is supplied best. It looks at all pools once, and then takes from that order, so that
// one close costs O(log n). Calls that find an idle connection do nothing for it.
type room struct {
	limits *limits
	pools  func() []*pool
	noRoom func(error) // see Metrics.NoRoom; may be nil

	mu     sync.Mutex
	order  sparesHeap
	looked time.Time     // when all pools were looked at
	again  time.Duration // after which they may be looked at again
}

// make closes idle connections until there are no more than there may be, or none is idle.
func (r *room) make(now time.Time) {
	if r.limits.open.Load() <= r.limits.maxOpen {
		return
	}
	r.tell(nil)
	r.mu.Lock()
	noRoom := false
	var cut []*conn
	for !noRoom && r.limits.open.Load() > r.limits.maxOpen {
		c := r.take(now)
		if noRoom = c == nil; !noRoom {
			cut = append(cut, c)
		}
	}
	r.limits.noRoom.Store(noRoom)
	r.mu.Unlock()
	for _, c := range cut {
		closeCut(c)
	}
}

// tell notes why there is too little room.
func (r *room) tell(err error) {
	if r.noRoom != nil {
		r.noRoom(err)
	}
}

// makeFor closes one idle connection, however many there may be, after another one could not
// be opened for want of files. It reports whether there was one.
func (r *room) makeFor(err error, now time.Time) bool {
	r.tell(err)
	r.mu.Lock()
	c := r.take(now)
	r.mu.Unlock()
	if c != nil {
		closeCut(c)
	}
	return c != nil
}

// closeCut closes a connection that was idle. One of HTTP/2 was retired, and closes itself.
func closeCut(c *conn) {
	if c.mux == nil {
		_ = c.Close()
	}
}

// take takes the connection out of its pool that is closed next; nil: none is idle. r.mu is
// held.
func (r *room) take(now time.Time) *conn {
	if now.Sub(r.looked) >= max(roomLook, r.again) {
		r.look(now)
	}
	c := r.takeFirst()
	if c == nil && now.Sub(r.looked) >= r.again {
		r.look(now)
		c = r.takeFirst()
	}
	return c
}

// takeFirst is take by the order as it is, which it puts right where it has become wrong.
func (r *room) takeFirst() *conn {
	for corrected := 0; len(r.order) > 0; corrected++ {
		is := sparesOf(r.order[0].pool)
		if is.idle == 0 {
			heap.Pop(&r.order)
			continue
		}
		r.order[0] = is
		heap.Fix(&r.order, 0)
		if r.order[0].pool != is.pool && corrected < roomCorrections {
			continue
		}
		if c := cutOldest(r.order[0].pool); c != nil {
			r.order[0].idle-- // the next one of it is seen when its turn comes
			heap.Fix(&r.order, 0)
			return c
		}
	}
	return nil
}

// look orders all pools that have idle connections; r.mu is held.
func (r *room) look(now time.Time) {
	all := r.pools()
	r.looked, r.again = now, time.Duration(len(all))*roomVisit
	clear(r.order)
	r.order = r.order[:0]
	for _, p := range all {
		if s := sparesOf(p); s.idle > 0 {
			r.order = append(r.order, s)
		}
	}
	heap.Init(&r.order)
}

// sparesOf returns the idle connections of the pool.
func sparesOf(p *pool) spares {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := spares{pool: p, idle: len(p.idle)}
	if s.idle > 0 {
		s.oldest = p.idle[0].lastUse
	}
	unused, oldest := p.shared.oldestUnused()
	if s.idle += unused; oldest != nil && (len(p.idle) == 0 || oldest.lastUse.Before(s.oldest)) {
		s.oldest = oldest.lastUse
	}
	return s
}

// cutOldest removes the idle connection that has rested for longest, which the caller closes;
// nil: none is idle.
func cutOldest(p *pool) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, oldest := p.shared.oldestUnused()
	if len(p.idle) > 0 && (oldest == nil || p.idle[0].lastUse.Before(oldest.lastUse)) {
		addOpen(p, -1)
		return p.cutIdle(1)[0]
	}
	if oldest != nil {
		oldest.ended = true // from now on it does not count
		addOpen(p, -1)
		p.shared.retire(oldest)
	}
	return oldest
}

// oldestUnused counts the connections that have no call, and returns the one that has rested
// for longest.
func (s *shared) oldestUnused() (n int, oldest *conn) {
	for _, c := range s.list {
		if c.mux.State().Busy > 0 {
			continue
		}
		if n++; oldest == nil || c.lastUse.Before(oldest.lastUse) {
			oldest = c
		}
	}
	return n, oldest
}
