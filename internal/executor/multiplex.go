package executor

import (
	"crypto/tls"
	"math"
	"time"

	"github.com/belfry-scheduler/belfry/internal/certs"
	"github.com/belfry-scheduler/belfry/internal/executor/h2"
	"golang.org/x/net/http2"
)

// muxConfig returns the bounds of connections of HTTP/2: those of answers by HTTP/1.1.
func (c *Config) muxConfig() h2.Config {
	return h2.Config{MaxHeaderBytes: c.MaxHeaderBytes, MaxBodyBytes: min(c.MaxResponseBytes, math.MaxInt32)}
}

// multiplex makes a connection of HTTP/2 of one that has agreed on it.
func multiplex(p *pool, c *conn, cfg h2.Config) {
	secure, ok := c.Conn.(*tls.Conn)
	if !ok || secure.ConnectionState().NegotiatedProtocol != http2.NextProtoTLS {
		return
	}
	cfg.Taken = c.tally.taken.Load
	cfg.Changed = func() { muxChanged(p, c) }
	c.mux = h2.New(c.Conn, cfg)
}

// muxArrived is pool.arrived for a connection of HTTP/2: it goes to the call for which it was
// opened, and to all others that wait. It is not kept if no call needs it and another one has
// a stream free.
func muxArrived(p *pool, w *waiter, a supply, now time.Time) {
	c := a.conn
	p.mu.Lock()
	addOpening(p, -1)
	p.shared.seen, p.shared.met = true, true
	if p.line.first == nil && (p.dropped || p.shared.hasFree()) {
		addOpen(p, -1)
		p.mu.Unlock()
		_ = c.Close()
		return
	}
	c.lastUse, c.ahead = now, w.ahead
	if p.line.first != nil {
		c.countUse(p.limits.prepared)
	}
	if !w.served && c.mux.Reserve() {
		p.line.serve(w)
		w.ready <- a
	}
	p.line.serveShared(c, false)
	if p.dropped {
		c.mux.Drain() // after the calls that it has
	} else {
		p.shared.list = append(p.shared.list, c)
		tellCarries(p)
	}
	p.mu.Unlock()
	c.mux.Start()
}

// muxReturned notes that a call of the connection has ended. Its stream goes to a call that
// waits.
func muxReturned(p *pool, c *conn, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.lastUse, p.ended = now, now
	if c.tooOld(now) {
		p.shared.retire(c)
		return
	}
	if p.line.first != nil {
		p.line.serveShared(c, true)
	}
	p.shared.judge(now, p.cond)
}

// muxRetire has the connection of a call carry no further ones.
func muxRetire(p *pool, c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shared.retire(c)
}

// muxChanged notes that the connection may have more streams than before, or none any
// more.
func muxChanged(p *pool, c *conn) {
	usable, ended := c.mux.State().Usable, c.mux.Err() != nil
	p.mu.Lock()
	defer p.mu.Unlock()
	if ended && !c.ended {
		c.ended = true
		addOpen(p, -1)
	}
	if !usable {
		p.shared.remove(c)
		return
	}
	p.line.serveShared(c, true)
}

// tlsFor returns the settings of the pool's next handshake with a host to which a round trip
// takes so long, and whether it offers HTTP/1.1 alone because that is cheaper.
func tlsFor(p *pool, roundTrip time.Duration) (to *certs.Target, cheaper bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.shared
	if s.protocol == cheaperHTTP1 {
		s.protocol = s.protocol.judge(0, p.cond)
	}
	if s.protocol == targetChooses && !s.met {
		s.protocol = s.protocol.begin(roundTrip, p.cond)
	}
	if s.protocol.onlyHTTP1() {
		return p.tls.Offering(offers(true)...), s.protocol == cheaperHTTP1
	}
	return p.tls, false
}

// useHTTP1 has the host called by HTTP/1.1 from now on: it says that it requires that.
func useHTTP1(p *pool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shared.useHTTP1(needsHTTP1)
}

// useHTTP2 has the host called by HTTP/2 from now on: it has refused HTTP/1.1, by which it was
// called because that is cheaper.
func useHTTP2(p *pool) {
	p.mu.Lock()
	var cut []*conn
	if p.shared.protocol == cheaperHTTP1 || p.shared.protocol == targetChooses {
		p.shared.protocol = needsHTTP2
		cut = p.cutIdle(len(p.idle))
		addOpen(p, -len(cut))
	}
	p.mu.Unlock()
	closeAll(cut)
}
