package front

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// DefaultMaxConnections is how many clients are connected at a time. One that
// waits takes about 10 KiB and an open file.
const DefaultMaxConnections = 1_000

// connections bounds the number of connections of a server. At the bound a new one
// replaces the one that has gone longest without an answered request. So an attacker who
// opens connections and sends nothing, or a byte now and then, loses his own connections,
// and clients that send requests keep theirs. A connection whose request is being handled
// is never closed; when all are being handled, the new one is closed.
//
// A limit in front of Accept would do the opposite: a client that uses all of it keeps
// all other clients out.
type connections struct {
	limit   int
	dropped prometheus.Counter
	full    func() // may be nil

	mu      sync.Mutex
	byConn  map[net.Conn]*connection
	waiting list.List // of *connection, those without a handler, the longest first
}

// connection is one of them.
type connection struct {
	conn net.Conn
	wait *list.Element // nil: a handler has its request
}

type connectionKey struct{}

// watch counts the connections of a server; before it serves.
func (cs *connections) watch(s *http.Server) {
	cs.byConn = map[net.Conn]*connection{}
	inner := s.Handler
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, _ := r.Context().Value(connectionKey{}).(*connection)
		if v == nil {
			inner.ServeHTTP(w, r)
			return
		}
		setHandled(v.conn, true)
		cs.begin(v)
		defer cs.end(v)
		inner.ServeHTTP(w, r)
	})
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, cs.enter(c))
	}
	s.ConnState = func(c net.Conn, state http.ConnState) {
		switch state {
		case http.StateClosed, http.StateHijacked:
			cs.leave(c)
		case http.StateIdle: // the answer is written
			setHandled(c, false)
		case http.StateNew, http.StateActive:
		}
	}
}

// enter counts a connection, and closes one if it is one too many.
func (cs *connections) enter(c net.Conn) *connection {
	cs.mu.Lock()
	v := &connection{conn: c}
	var out net.Conn
	if len(cs.byConn) >= cs.limit {
		out = c // unless another one waits
		if longest := cs.waiting.Front(); longest != nil {
			gone := longest.Value.(*connection)
			out = gone.conn
			cs.remove(gone)
		}
	}
	if out != c {
		cs.byConn[c] = v
		v.wait = cs.waiting.PushBack(v)
	}
	cs.mu.Unlock()
	if out != nil {
		cs.dropped.Inc()
		if cs.full != nil {
			cs.full()
		}
		hangUp(out)
	}
	return v
}

// hangUp closes a connection at once: TLS would wait for the client to read the
// close message.
func hangUp(c net.Conn) {
	if secure, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = secure.NetConn()
	}
	_ = c.Close()
}

// remove takes a connection out; under mu.
func (cs *connections) remove(v *connection) {
	delete(cs.byConn, v.conn)
	if v.wait != nil {
		cs.waiting.Remove(v.wait)
		v.wait = nil
	}
}

func (cs *connections) leave(c net.Conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if v := cs.byConn[c]; v != nil {
		cs.remove(v)
	}
}

// begin says that a handler has the request.
func (cs *connections) begin(v *connection) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if v.wait != nil {
		cs.waiting.Remove(v.wait)
		v.wait = nil
	}
}

// end says that the request is answered.
func (cs *connections) end(v *connection) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.byConn[v.conn] == v && v.wait == nil {
		v.wait = cs.waiting.PushBack(v)
	}
}
