package executor

import (
	"time"

	"github.com/belfry-scheduler/belfry/internal/host"
)

// enqueue lets a call wait, unless there is a connection for it by now.
func (p *pool) enqueue(w *waiter) (a supply, waits bool) {
	var old []*conn
	p.mu.Lock()
	defer func() {
		p.mu.Unlock()
		closeAll(old)
	}()
	p.lastUse = w.since
	for !w.fresh {
		c, look := p.pickIdle(w.once, w.since)
		if c == nil {
			break
		}
		if !c.tooOld(w.since) {
			return supply{conn: c, look: look}, false
		}
		old = append(old, c)
		addOpen(p, -1)
	}
	p.line.push(w)
	p.cond.Connecting(1)
	return a, true
}

// demand returns what the pool needs connections for; p.mu is held. Idle ones do not
// count: a call that waits has found them to be of no use.
func (p *pool) demand(now time.Time) host.Demand {
	need, most := p.cond.Connections()
	d := host.Demand{
		Open: p.open - p.opening - len(p.idle), Opening: p.opening,
		Need: need, Most: min(most, p.limits.maxConns), Waiting: p.shared.wants(p.line.idle, p.opening),
		Secure: p.Secure, Quickest: p.cond.Quickest(), Window: p.limits.maxConns,
	}
	if p.Secure {
		d.Window = p.cond.Handshakes.Window()
	}
	if p.line.next != nil {
		if d.Waited = now.Sub(p.line.next.since); p.Secure {
			d.Waited = now.Sub(p.line.since)
		}
		d.Stuck = min(now.Sub(p.line.first.since), now.Sub(p.ended))
	}
	d.Window = p.shared.window(d.Window, d.Waited)
	return d
}

// beginOpening returns the call for which a connection is to be opened now, if the host
// needs one and the allowance has one more.
func (p *pool) beginOpening(now time.Time, allowed *host.Allowance) *waiter {
	p.mu.Lock()
	w := p.line.next
	if w == nil || !allowed.Take(p.demand(now).Opens(), p.Secure) {
		p.mu.Unlock()
		return nil
	}
	spare, _ := p.countOpening(w)
	p.mu.Unlock()
	closeAll(spare)
	return w
}

// giveUp ends the wait of a call: for a stream at a host that allows none now, and finally
// in any case, unless a connection is under way for it.
func (p *pool) giveUp(w *waiter, final bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case w.served, w.opening:
	case p.shared.takesNone():
		p.line.serve(w)
		w.ready <- supply{err: errNoStreams}
	case final:
		p.line.serve(w)
		w.ready <- supply{err: &noConnection{p.label, p.open - p.opening, p.opening}}
	}
}

// openAtEnd is beginOpening for a call that may not wait any longer.
func (p *pool) openAtEnd(w *waiter) (begins bool) {
	p.mu.Lock()
	if w.served || w.opening {
		p.mu.Unlock()
		return false
	}
	spare, ok := p.countOpening(w)
	if !ok {
		p.line.serve(w)
		w.ready <- supply{err: &noConnection{p.label, p.open - p.opening, p.opening}}
	}
	p.mu.Unlock()
	closeAll(spare)
	return ok
}

// countOpening counts a connection that is about to be opened, if there may be one more.
// An idle one that nobody wanted makes room; the caller closes it. p.mu is held.
func (p *pool) countOpening(w *waiter) (spare []*conn, ok bool) {
	switch {
	case p.open < p.limits.maxConns:
		addOpen(p, 1)
	case len(p.idle) > 0:
		spare = p.cutIdle(1) // its place is taken over
	default:
		return nil, false
	}
	addOpening(p, 1)
	p.line.open(w)
	return spare, true
}

// needed reports whether the call still waits for the connection that is to be opened for
// it.
func (p *pool) needed(w *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !w.served
}

// arrived ends the opening that was for a waiter. If that has got another connection, the
// new one goes to the next call that waits, or rests for as long as the host is worth it.
func (p *pool) arrived(w *waiter, a supply) {
	now := monotonic.Now()
	if a.conn != nil && a.conn.mux != nil {
		muxArrived(p, w, a, now)
		return
	}
	p.mu.Lock()
	addOpening(p, -1)
	p.shared.met = p.shared.met || a.conn != nil
	ahead := w.ahead
	if w.served {
		w, a.began, a.steps = nil, time.Time{}, nil
		if a.conn != nil {
			w = p.line.first
		}
	}
	kept := false
	switch {
	case w != nil:
		p.line.serve(w)
		kept = a.conn != nil
		if ahead {
			p.limits.prepared.Used.Inc()
		}
	case a.conn != nil:
		a.conn.lastUse = now
		kept = (ahead || p.open <= p.cond.Worth()) && p.rest(a.conn)
		a.conn.ahead = kept && ahead
	}
	if !kept {
		addOpen(p, -1)
		if ahead { // one more would not be kept either, or fail
			p.ahead.calls, p.ahead.once = 0, 0
		}
	}
	p.mu.Unlock()
	switch {
	case w != nil:
		w.ready <- a
	case !kept && a.conn != nil:
		_ = a.conn.Close()
	}
}

// enterLine notes that the pool is in the line of the connector, and reports whether it
// was not and calls wait in it for which no connection is under way.
func (p *pool) enterLine() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.inLine || p.line.next == nil {
		return false
	}
	p.inLine = true
	return true
}

// leaveLine notes that the pool leaves the line, if no such call waits.
func (p *pool) leaveLine() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.line.next != nil {
		return false
	}
	p.inLine = false
	return true
}
