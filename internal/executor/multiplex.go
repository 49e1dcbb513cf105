package executor

import (
	"crypto/tls"
	"math"
	"time"

	"github.com/belfry-scheduler/belfry/internal/certs"
	"github.com/belfry-scheduler/belfry/internal/executor/h2"
	"golang.org/x/net/http2"
)

// What the handshake offers.
var (
	bothProtocols = []string{http2.NextProtoTLS, "http/1.1"}
	onlyHTTP1     = []string{"http/1.1"}
)

// protocols returns what a handshake offers: HTTP/2 wherever it is not turned off, and the
// target chooses. It costs less than HTTP/1.1 from about 8 calls at a time on, and a
// few microseconds more below (ADR 29). So the load does not decide: a target would be called by another
// protocol one day, and might treat it in another way.
func protocols(off, requires1 bool) []string {
	if off || requires1 {
		return onlyHTTP1
	}
	return bothProtocols
}

// muxConfig returns the bounds of connections of HTTP/2: those of answers by HTTP/1.1.
func (c *Config) muxConfig() h2.Config {
	return h2.Config{MaxHeaderBytes: c.MaxHeaderBytes, MaxBodyBytes: min(c.MaxResponseBytes, math.MaxInt32)}
}

// tlsFor returns the settings of the pool's handshakes.
func tlsFor(p *pool) *certs.Target {
	if p.shared.http1.Load() {
		return p.tls.Offering(protocols(false, true)...)
	}
	return p.tls
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
	p.opening--
	p.shared.seen = true
	if p.line.first == nil && (p.dropped || p.shared.hasFree()) {
		p.open--
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
	if p.dropped || !p.shared.add(c) {
		c.mux.Drain() // after the calls that it has
	}
	p.mu.Unlock()
	c.mux.Start()
}

// muxReturned notes that a call of the connection has ended. Its stream goes to a call that
// waits.
func muxReturned(p *pool, c *conn, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.lastUse = now
	if c.tooOld(now) {
		p.shared.retire(c)
		return
	}
	if p.line.first != nil {
		p.line.serveShared(c, true)
	}
}

// muxChanged notes that the connection may have more streams than before, or none any
// more.
func muxChanged(p *pool, c *conn) {
	usable, ended := c.mux.State().Usable, c.mux.Err() != nil
	p.mu.Lock()
	defer p.mu.Unlock()
	if ended && !c.ended {
		c.ended = true
		p.open--
	}
	if !usable {
		p.shared.remove(c)
		return
	}
	p.line.serveShared(c, true)
}

// useHTTP1 has the host called by HTTP/1.1 from now on.
func useHTTP1(p *pool) {
	p.shared.http1.Store(true)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shared.seen = false
	p.shared.retireAll()
}
