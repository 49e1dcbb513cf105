package executor

import (
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/host"
)

const (
	// aheadLook is after which rest an idle connection is looked at before calls are due that
	// are to use it. One that was used since is of a host that is called often.
	aheadLook = 400 * time.Millisecond
	// aheadLate is for how long after the instant of the calls an opening may go on that was
	// begun before it. A target that takes longer has lost a packet, or is gone.
	aheadLate = time.Second
)

// expectCalls notes calls that are due soon, and reports whether the pool has to enter the
// line of the connector for them.
func expectCalls(p *pool, u *domain.Upcoming, now time.Time) (enters bool) {
	at := now.Add(u.In)
	p.mu.Lock()
	ended := cutEnded(p, u.Calls, now)
	defer func() {
		p.mu.Unlock()
		closeAll(ended)
	}()
	if p.dropped {
		return false // what it opens is not kept
	}
	if !p.ahead.inLine || p.ahead.calls < u.Calls { // else the earlier calls need more, and have it soon
		p.ahead.calls, p.ahead.once, p.ahead.at = u.Calls, u.Once, at
	}
	if p.ahead.inLine || upcoming(p, now).Opens() == host.OpenNone {
		return false
	}
	p.ahead.inLine = true
	return true
}

// cutEnded removes those of the idle connections that the calls would use which the host has
// closed; p.mu is held.
func cutEnded(p *pool, calls int, now time.Time) (ended []*conn) {
	for i := len(p.idle) - 1; i >= 0 && calls > 0; i-- {
		c := p.idle[i]
		rested := now.Sub(c.lastUse)
		if rested < aheadLook || c.stateIdle() != connStale {
			calls--
			continue
		}
		p.habits = p.habits.closed(rested, now)
		p.wary.Store(p.habits.wary)
		p.idle = append(p.idle[:i], p.idle[i+1:]...)
		addOpen(p, -1)
		ended = append(ended, c)
	}
	return ended
}

// usableAt returns how many idle connections, up to the most, can carry calls at the instant;
// p.mu is held.
func usableAt(p *pool, at time.Time, maxIdle time.Duration, most int) (n int) {
	for i := len(p.idle) - 1; i >= 0 && n < most; i-- {
		c := p.idle[i]
		if at.Sub(c.lastUse) > maxIdle {
			break // the others were used even earlier
		}
		if !c.tooOld(at) {
			n++
		}
	}
	return n
}

// upcoming returns what the calls need that are due soon; p.mu is held.
func upcoming(p *pool, now time.Time) host.Upcoming {
	need, most := p.cond.Connections()
	a := &p.ahead
	longest := p.habits.longest(p.limits.idleTimeout, now)
	u := host.Upcoming{
		Calls: a.calls, Once: a.once, In: a.at.Sub(now),
		Ready:     usableAt(p, a.at, longest, a.calls),
		ReadyOnce: usableAt(p, a.at, min(longest, onceMaxIdle), a.once),
		Busy:      p.open - p.opening - len(p.idle), Opening: p.opening,
		Need: need, Most: min(most, p.limits.maxConns), Window: p.limits.maxConns,
		Secure: p.Secure, State: p.cond.State(), Quickest: p.cond.Quickest(),
	}
	if p.shared.seen { // one connection carries all of them
		free := p.shared.freeAt(a.at)
		u.Calls, u.Once, u.Ready, u.ReadyOnce, u.Busy = min(u.Calls, 1), min(u.Once, 1), free, free, 0
	}
	if p.limits.noRoom.Load() && p.limits.open.Load() >= p.limits.maxOpen {
		u.Most = 0 // nothing makes room for it
	}
	if p.Secure {
		u.Window, u.Full = p.cond.Handshakes.Window(), p.limits.gate.computing() > 0
	}
	u.Window = p.shared.window(u.Window, 0)
	return u
}

// beginAhead begins to open a connection for calls that are not due yet, if the host needs
// one and the allowance has one more. It reports whether the pool stays in line. The waiter
// stands for no call.
func beginAhead(p *pool, now time.Time, allowed *host.Allowance) (w *waiter, stays bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	opens := upcoming(p, now).Opens()
	if p.dropped || opens == host.OpenNone {
		p.ahead = ahead{}
		return nil, false
	}
	if !allowed.Take(opens, p.Secure) {
		return nil, true
	}
	w = &waiter{since: now, deadline: p.ahead.at.Add(aheadLate), ahead: true, opening: true, served: true}
	addOpen(p, 1)
	addOpening(p, 1)
	return w, true
}

// aheadScan is how many pools a turn of the connector looks at, of those that are to have
// connections before calls are due: 200 ns each.
const aheadScan = 256

// aheadLine are the pools that are to have connections before calls are due, in the order of
// their turns.
type aheadLine struct{ pools []*pool }

// turn opens one connection of each pool, as the allowance permits.
func (l *aheadLine) turn(now time.Time, allowed *host.Allowance, begin func(*pool, *waiter)) {
	n := min(len(l.pools), aheadScan)
	scan := l.pools[:n]
	var stay []*pool
	for i, p := range scan {
		if allowed.IfCalm <= 0 {
			stay = append(stay, scan[i:]...)
			break
		}
		w, stays := beginAhead(p, now, allowed)
		if w != nil {
			begin(p, w)
		}
		if stays {
			stay = append(stay, p)
		}
	}
	clear(scan)
	l.pools = append(l.pools[n:], stay...)
}
