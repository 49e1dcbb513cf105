package executor

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"github.com/belfry-scheduler/belfry/internal/certs"
	"github.com/belfry-scheduler/belfry/internal/executor/h2"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/resolve"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// opener opens connections, each on a goroutine of its own: to open one takes a stack of
// 8 KiB, with TLS of more, which a call would keep for as long as it waits for its answer.
type opener struct {
	dialer  *dialer
	maxAge  time.Duration   // of a connection
	waiting context.Context // ends with EndWaiting
	mux     h2.Config       // of connections of HTTP/2
	room    *room

	roundTrip func(net.Conn) time.Duration // to a host; zero: not known
}

// until returns the deadline of a call whose wait ends at the instant. Less than
// a tenth of a millisecond is the call's own.
func (o *opener) until(w *waiter, now time.Time) time.Time {
	if !w.unsent || o.waiting.Err() != nil {
		return w.deadline
	}
	return w.deadline.Add(now.Sub(w.since).Truncate(time.Millisecond / 10))
}

// openNow opens a connection for a call that may not wait any longer.
func (o *opener) openNow(p *pool, w *waiter) {
	if p.openAtEnd(w) {
		o.begin(p, w)
	}
}

// begin opens a connection for a call that waits, or for one that is due soon.
func (o *opener) begin(p *pool, w *waiter) {
	go func() {
		o.room.make(monotonic.Now())
		var a supply
		defer func() {
			if a.fault = recover(); a.fault != nil {
				a.conn = nil
			}
			p.arrived(w, a)
		}()
		if w.ahead {
			a = o.openAhead(p, w.deadline)
		} else {
			a = o.open(p, w)
		}
	}()
}

// open opens a connection, unless it turns out that the call needs none any more.
func (o *opener) open(p *pool, w *waiter) (a supply) {
	dials := &p.cond.Dials
	if dials.Begin() {
		now := monotonic.Now()
		longest := host.LongestWait(w.deadline.Sub(w.since))
		dials.AwaitTurn(o.waiting, now, max(longest-now.Sub(w.since), longest/2))
	}
	if !p.needed(w) {
		dials.Withdraw()
		return a
	}
	a.began = monotonic.Now()
	deadline := o.until(w, a.began)
	if !dials.Enter(deadline.Sub(a.began)) {
		a.err = os.ErrDeadlineExceeded
		return a
	}
	defer dials.Leave() // even when a guard breaks
	if !p.needed(w) {
		dials.Withdraw()
		return a
	}
	if w.traced {
		o, a.steps = o.noting()
	}
	a.conn, a.phase, a.err = o.connect(p, deadline)
	if a.err != nil {
		noteFault(dials, a.err)
	}
	return a
}

// noting returns an opener that notes how long its steps take, the first of which begins now.
func (o *opener) noting() (*opener, *openSteps) {
	steps := newOpenSteps()
	noting := *o
	noting.dialer = o.dialer.noting(steps)
	return &noting, steps
}

// openAhead opens a connection that no call waits for. A failure is not reported: the call
// that is due soon reports its own, if it fails as well. But it counts among the dials of
// the host, so that a host which does not answer is not dialled before each fire. A
// connection that is open does not count before a call has an answer on it.
func (o *opener) openAhead(p *pool, deadline time.Time) (a supply) {
	dials := &p.cond.Dials
	if dials.Begin() || !dials.Enter(0) {
		dials.Withdraw()
		return a
	}
	defer dials.Leave()
	quiet := *o
	quiet.dialer = o.dialer.uncounted()
	a.conn, _, a.err = quiet.connect(p, deadline)
	if a.err != nil {
		noteFault(dials, a.err)
		p.limits.prepared.Failed.Inc()
		return a
	}
	dials.Withdraw()
	p.limits.prepared.Opened.Inc()
	return a
}

// dial connects to the host. Where the limit of open files is reached, an idle connection
// makes room.
func (o *opener) dial(deadline time.Time, to target.Endpoint) (net.Conn, error) {
	conn, err := o.dialer.dial(deadline, to)
	if !resolve.IsOutOfFiles(err) {
		return conn, err
	}
	if !o.room.makeFor(err, monotonic.Now()) {
		return nil, err
	}
	return o.dialer.dial(deadline, to)
}

// connect dials and, where the target wants that, agrees on TLS. An error has the phase
// in which it came.
func (o *opener) connect(p *pool, deadline time.Time) (*conn, phase, error) {
	raw, err := o.dial(deadline, p.Endpoint)
	if err != nil {
		return nil, phaseConnect, err
	}
	c := newConn(raw, monotonic.Now().Add(lifetime(o.maxAge, rand.Float64())))
	if p.tls == nil {
		return c, phaseSend, nil
	}
	c.raw, c.tally = nil, &tally{Conn: newRawStream(raw)}
	var to *certs.Target
	to, c.cheaper = tlsFor(p, o.roundTrip(raw))
	c.Conn, err = o.dialer.handshake(deadline, c.tally, to)
	o.dialer.steps.end(stepHandshake)
	countHandshake(&p.cond.Handshakes, c.Conn, err)
	switch {
	case err == nil:
		p.cond.Handshakes.Ended(c.tally.wait)
		multiplex(p, c, o.mux)
		return c, phaseSend, nil
	case isTimeout(err):
		p.cond.Handshakes.TimedOut()
	case c.cheaper && !isUnverified(err): // perhaps it wants HTTP/2
		useHTTP2(p)
		return o.connect(p, deadline)
	}
	return nil, phaseHandshake, err
}

// isUnverified reports whether a handshake failed because of the certificate of the target, which
// no other protocol changes.
func isUnverified(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// countHandshake counts one that ended, unless the executor was closed meanwhile.
func countHandshake(h *host.Handshakes, made net.Conn, err error) {
	secure, _ := made.(*tls.Conn)
	switch {
	case errors.Is(err, context.Canceled):
	case err != nil:
		h.Count(host.HandshakeFailed)
	case secure != nil && secure.ConnectionState().DidResume:
		h.Count(host.HandshakeResumed)
	default:
		h.Count(host.HandshakeFull)
	}
}

func newConn(raw net.Conn, retires time.Time) *conn {
	return &conn{Conn: raw, raw: rawTCP(raw), probe: newProbe(raw), retires: retires}
}
