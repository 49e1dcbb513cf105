package executor

import (
	"time"

	"github.com/belfry-scheduler/belfry/internal/executor/h2"
	"github.com/belfry-scheduler/belfry/internal/host"
)

// shared are the connections of a pool that carry several calls at a time: those of
// HTTP/2. A connection is in the list for as long as calls may begin on it, with or
// without some. All of it is under the pool's mu.
type shared struct {
	list     []*conn
	seen     bool // there has been one
	met      bool // a connection was opened, of either protocol
	protocol protocol
	calls    int       // that have ended since it was judged
	counted  time.Time // when the first of them had
	carries  int       // calls that the open connections carry at a time, as the host was told
}

// pick takes a stream of a connection that has one free. The first ones are filled
// first, so that the last ones become idle and are closed.
func (s *shared) pick(now time.Time) *conn {
	for i := 0; i < len(s.list); {
		c := s.list[i]
		switch {
		case c.tooOld(now):
			s.retire(c)
		case c.mux.Reserve():
			return c
		default:
			i++
		}
	}
	return nil
}

// retire has a connection carry no further calls. It closes when its last one has ended.
func (s *shared) retire(c *conn) {
	s.remove(c)
	c.mux.Drain()
}

func (s *shared) retireAll() {
	for len(s.list) > 0 {
		s.retire(s.list[0])
	}
}

func (s *shared) remove(c *conn) {
	for i, other := range s.list {
		if other == c {
			s.list = append(s.list[:i], s.list[i+1:]...)
			return
		}
	}
}

// retireUnused retires the connections that no call has used since the instant, or that
// are too old, and returns the others.
func (s *shared) retireUnused(before, now time.Time) []*conn {
	for i := 0; i < len(s.list); {
		c := s.list[i]
		if c.tooOld(now) || c.lastUse.Before(before) && c.mux.State().Busy == 0 {
			s.retire(c)
			continue
		}
		i++
	}
	return append([]*conn(nil), s.list...)
}

// unused counts the connections that have no call.
func (s *shared) unused() (n int) {
	for _, c := range s.list {
		if c.mux.State().Busy == 0 {
			n++
		}
	}
	return n
}

// wants returns how many connections the calls that wait need, beside those under way.
func (s *shared) wants(waiting, opening int) int {
	states := make([]h2.State, 0, 8)
	for _, c := range s.list {
		states = append(states, c.mux.State())
	}
	return connectionsFor(waiting, opening, s.seen, states)
}

// connectionsFor returns how many connections the calls that wait need, beside those under
// way: one for each call, unless the host is known for HTTP/2. What a connection carries
// follows from those that it has.
func connectionsFor(waiting, opening int, multiplexes bool, has []h2.State) int {
	if !multiplexes || waiting == 0 {
		return waiting
	}
	streams := 0
	for _, s := range has {
		if s.Usable && s.Limit == 0 {
			return 0 // the host takes no call now, nor would it on another connection
		}
		streams = max(streams, s.Limit)
	}
	if streams == 0 {
		return max(0, 1-opening) // it says how many
	}
	return max(0, (waiting+streams-1)/streams-opening)
}

// judge notes that a call by HTTP/2 has ended, and has the host called by HTTP/1.1 if that is
// cheaper.
func (s *shared) judge(now time.Time, cond *host.Condition) {
	if s.calls == 0 {
		s.counted = now
	}
	if s.calls++; s.calls < host.ManyCalls {
		return
	}
	s.calls = 0
	if next := s.protocol.judge(now.Sub(s.counted), cond); next.onlyHTTP1() {
		s.useHTTP1(next)
	}
}

// useHTTP1 has the host called by HTTP/1.1 from now on, and says why. Its connections carry no
// further calls.
func (s *shared) useHTTP1(why protocol) {
	s.protocol, s.seen = why, false
	s.retireAll()
}

// metWithin is for how long the first connection to a host is awaited, before more are opened.
const metWithin = 50 * time.Millisecond

// window returns how many connections may be under way, of so many that may be otherwise: one,
// until it shows which protocol the target chooses. By HTTP/2 the others would not be needed.
func (s *shared) window(most int, waited time.Duration) int {
	if !s.met && s.protocol == targetChooses && waited < metWithin {
		return min(most, 1)
	}
	return most
}

// takesNone reports whether the host allows no calls now.
func (s *shared) takesNone() bool {
	for _, c := range s.list {
		if state := c.mux.State(); state.Usable && state.Limit == 0 {
			return true
		}
	}
	return false
}

// hasFree reports whether a connection has a stream free.
func (s *shared) hasFree() bool {
	for _, c := range s.list {
		if c.mux.State().Available > 0 {
			return true
		}
	}
	return false
}

// freeAt returns how many streams are free on connections that may be used at the instant.
func (s *shared) freeAt(at time.Time) (n int) {
	for _, c := range s.list {
		if !c.tooOld(at) {
			n += c.mux.State().Available
		}
	}
	return n
}

// serve gives the free streams of the connection to calls that wait. used says that other
// calls were made on it before.
func (l *waitLine) serveShared(c *conn, used bool) {
	for {
		w := l.first
		if used {
			w = l.forUsed()
		}
		if w == nil || !c.mux.Reserve() {
			return
		}
		l.serve(w)
		w.ready <- supply{conn: c, look: used} // has room
	}
}
