package api

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// DefaultMaxConnections is how many clients are connected at a time. One that
// waits takes about 10 KiB and an open file.
const DefaultMaxConnections = 1_000

// door bounds the number of connections of a server. At the bound a new connection
// replaces the one that has gone longest without an answered request. So an attacker
// who opens connections and sends nothing, or a byte now and then, loses his own
// connections, and clients that send requests keep theirs. A connection whose request is
// being handled is never closed; when all are being handled, the new one is closed.
//
// A limit in front of Accept would do the opposite: whoever fills it keeps all other
// clients out.
type door struct {
	limit   int
	dropped prometheus.Counter

	mu      sync.Mutex
	byConn  map[net.Conn]*visit
	waiting list.List // of *visit, those without a handler, the longest first
}

// visit is one connection.
type visit struct {
	conn net.Conn
	wait *list.Element // nil: a handler has its request
}

type visitKey struct{}

// watch makes the door that of a server, before it serves.
func (d *door) watch(s *http.Server) {
	d.byConn = map[net.Conn]*visit{}
	inner := s.Handler
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, _ := r.Context().Value(visitKey{}).(*visit)
		if v == nil {
			inner.ServeHTTP(w, r)
			return
		}
		d.begin(v)
		defer d.end(v)
		inner.ServeHTTP(w, r)
	})
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, visitKey{}, d.enter(c))
	}
	s.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateClosed || state == http.StateHijacked {
			d.leave(c)
		}
	}
}

// enter counts a connection, and closes one if it is one too many.
func (d *door) enter(c net.Conn) *visit {
	d.mu.Lock()
	v := &visit{conn: c}
	var out net.Conn
	if len(d.byConn) >= d.limit {
		out = c // unless another one waits
		if longest := d.waiting.Front(); longest != nil {
			gone := longest.Value.(*visit)
			out = gone.conn
			d.remove(gone)
		}
	}
	if out != c {
		d.byConn[c] = v
		v.wait = d.waiting.PushBack(v)
	}
	d.mu.Unlock()
	if out != nil {
		d.dropped.Inc()
		hangUp(out)
	}
	return v
}

// hangUp closes a connection without a word: TLS would wait for the client to
// take its farewell.
func hangUp(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	_ = c.Close()
}

// remove takes a visit out; under mu.
func (d *door) remove(v *visit) {
	delete(d.byConn, v.conn)
	if v.wait != nil {
		d.waiting.Remove(v.wait)
		v.wait = nil
	}
}

func (d *door) leave(c net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if v := d.byConn[c]; v != nil {
		d.remove(v)
	}
}

// begin says that a handler has the request.
func (d *door) begin(v *visit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if v.wait != nil {
		d.waiting.Remove(v.wait)
		v.wait = nil
	}
}

// end says that the request is answered.
func (d *door) end(v *visit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byConn[v.conn] == v && v.wait == nil {
		v.wait = d.waiting.PushBack(v)
	}
}
