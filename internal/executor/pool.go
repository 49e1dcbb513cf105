package executor

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/certs"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/resolve"
	"github.com/belfry-scheduler/belfry/internal/target"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// limits bound the pools, and are shared by all of them.
type limits struct {
	maxConns    int   // of one pool
	maxOpen     int64 // of all pools
	idleTimeout time.Duration
	open        atomic.Int64 // connections of all pools: idle, in use and under way
	noRoom      atomic.Bool  // there were too many when it was last looked, and none of them was idle
	gate        *handshakeGate
	counts      counts
	prepared    *telemetry.Prepared
}

// counts are the requests that were sent, or were about to be, since the start.
type counts struct{ http1, http2, sentAgain atomic.Int64 }

// poolKey identifies a pool of connections. Connections with and without verification are
// never mixed, nor those that have shown different certificates.
type poolKey struct {
	host       target.Host
	skipVerify bool
	clientCert string // name; empty: none
}

// spelling is the start of a URL as a job writes it, with the other parts of a pool's
// identity. Many spellings may belong to one pool.
type spelling struct {
	origin     string
	skipVerify bool
	clientCert string
}

// pool is the open connections to one target.Host, called in one way, and what is
// known of the host by them.
type pool struct {
	poolKey
	target.Endpoint
	label  string        // host:port, for people
	tls    *certs.Target // nil: plain HTTP
	limits *limits
	cond   *host.Condition // is held
	wary   atomic.Bool     // habits.wary, to be read without mu

	spellings []spelling // whose routes lead here; under the table's mu

	mu      sync.Mutex
	idle    []*conn // by time of last use, the latest last
	open    int     // connections idle, in use and under way: see addOpen
	opening int     // those under way: see addOpening
	line    waitLine
	inLine  bool // of the connector
	ahead   ahead
	shared  shared
	lastUse time.Time
	ended   time.Time // when a call of it ended last
	habits  habits
	dropped bool // not in the table: connections are not kept
}

// take returns an idle connection, or a shared one that has room, or nil, and whether it
// must be looked at before it is written to: the one that was used last, or of a host that
// closes soon after its answers the one that rested longest.
func (p *pool) take(once bool, now time.Time) (c *conn, look bool) {
	for {
		p.mu.Lock()
		c, look = p.pickIdle(once, now)
		p.mu.Unlock()
		if c == nil || !c.tooOld(now) {
			return c, look
		}
		p.discard(c)
	}
}

// pickIdle is take, whatever the age of the connection; p.mu is held.
func (p *pool) pickIdle(once bool, now time.Time) (c *conn, look bool) {
	if c = p.shared.pick(now); c != nil {
		p.lastUse = now
		c.countUse(p.limits.prepared)
		return c, true
	}
	maxIdle := p.limits.idleTimeout
	if once {
		maxIdle = min(maxIdle, onceMaxIdle)
	}
	p.lastUse = now
	maxIdle = p.habits.longest(maxIdle, now)
	i := len(p.idle) - 1
	if p.habits.wary {
		i = p.oldest(now.Add(-maxIdle))
	}
	if i < 0 || i >= len(p.idle) {
		return nil, false
	}
	c = p.idle[i]
	rested := now.Sub(c.lastUse)
	if rested > maxIdle || p.habits.wary && rested < p.habits.rest {
		return nil, false // the others were used even earlier, or later
	}
	last := len(p.idle) - 1
	copy(p.idle[i:], p.idle[i+1:])
	p.idle[last] = nil
	p.idle = p.idle[:last]
	c.countUse(p.limits.prepared)
	return c, p.habits.mustLook(once, rested)
}

// oldest returns the place of the first idle connection that was used after the
// instant; p.mu is held.
func (p *pool) oldest(after time.Time) int {
	i := 0
	for i < len(p.idle) && p.idle[i].lastUse.Before(after) {
		i++
	}
	return i
}

// cutIdle removes the n connections unused for longest; p.mu is held.
func (p *pool) cutIdle(n int) []*conn {
	cut := append([]*conn(nil), p.idle[:n]...)
	rest := copy(p.idle, p.idle[n:])
	clear(p.idle[rest:])
	p.idle = p.idle[:rest]
	return cut
}

// cutOld removes the connections that are too old to be used again, and adds
// them to those that were cut; p.mu is held.
func (p *pool) cutOld(now time.Time, cut []*conn) []*conn {
	rest := p.idle[:0]
	for _, c := range p.idle {
		if c.tooOld(now) {
			cut = append(cut, c)
		} else {
			rest = append(rest, c)
		}
	}
	clear(p.idle[len(rest):])
	p.idle = rest
	return cut
}

// keep makes the connection available for the next call, or closes it if it is too
// old or has no place. A call that waits gets it at once. said is for how
// long the host has said that it keeps it; zero: nothing.
func (p *pool) keep(c *conn, said time.Duration, now time.Time) {
	c.lastUse = now
	if c.tooOld(now) {
		p.discard(c)
		return
	}
	p.mu.Lock()
	if c.cheaper && p.shared.protocol == needsHTTP2 {
		p.mu.Unlock()
		p.discard(c)
		return
	}
	p.habits.said, p.ended = said, now
	w := p.lineFor(now)
	kept := w != nil || p.rest(c)
	look := w != nil && p.habits.mustLook(w.once, 0)
	p.mu.Unlock()
	switch {
	case w != nil:
		w.ready <- supply{conn: c, look: look}
	case !kept:
		p.discard(c)
	}
}

// lineFor takes the call out of the line that gets a connection which was just in use,
// unless the host may be about to close it; p.mu is held.
func (p *pool) lineFor(now time.Time) *waiter {
	if p.line.first == nil || p.habits.wary || p.habits.longest(p.limits.idleTimeout, now) < warmFor {
		return nil
	}
	w := p.line.forUsed()
	if w != nil {
		p.line.serve(w)
	}
	return w
}

// rest puts the connection among the idle ones, unless the pool keeps none, or there are more
// connections than there may be; p.mu is held.
func (p *pool) rest(c *conn) (kept bool) {
	if p.dropped || p.limits.open.Load() > p.limits.maxOpen {
		return false
	}
	p.idle = append(p.idle, c)
	return true
}

// addOpen adds to the number of open connections; p.mu is held.
func addOpen(p *pool, n int) {
	p.open += n
	p.limits.open.Add(int64(n))
	tellCarries(p)
}

// addOpening adds to the number of connections under way; p.mu is held.
func addOpening(p *pool, n int) {
	p.opening += n
	tellCarries(p)
}

// tellCarries tells the host how many calls the open connections carry at a time; p.mu is held.
func tellCarries(p *pool) {
	n := p.open - p.opening
	if len(p.shared.list) > 0 {
		n = host.ManyStreams
	}
	p.cond.Carries(n - p.shared.carries)
	p.shared.carries = n
}

// discard closes a connection that was taken or dialled.
func (p *pool) discard(c *conn) {
	if c.mux != nil {
		c.mux.Close() // see muxChanged
		return
	}
	_ = c.Close()
	now := monotonic.Now()
	p.mu.Lock()
	addOpen(p, -1)
	p.ended = now
	p.mu.Unlock()
}

// closeIdle closes the connections that were last used before the instant, that
// the host is about to close, or that are too old, and returns whether the host is then out of
// use.
func (p *pool) closeIdle(before time.Time) (unused bool) {
	now := monotonic.Now()
	p.mu.Lock()
	last := before
	if most := p.habits.longest(p.limits.idleTimeout, now); most < p.limits.idleTimeout {
		last = before.Add(p.limits.idleTimeout - most)
	}
	n := p.oldest(last)
	cut := p.cutOld(now, p.cutIdle(n))
	addOpen(p, -len(cut))
	kept := p.shared.retireUnused(before, now)
	unused = p.open == 0 && p.line.first == nil && p.lastUse.Before(before)
	p.mu.Unlock()
	closeAll(cut)
	for _, c := range kept {
		c.mux.Check(now)
	}
	return unused
}

// drop closes idle connections and lets the others close after use.
func (p *pool) drop() {
	p.mu.Lock()
	p.dropped = true
	p.shared.retireAll()
	cut := p.cutIdle(len(p.idle))
	addOpen(p, -len(cut))
	p.mu.Unlock()
	for _, c := range cut {
		_ = c.Close()
	}
}

// usage returns when the host was last used, and whether a connection of it is
// in use or being dialled.
func (p *pool) usage() (lastUse time.Time, busy bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lastUse, p.open > len(p.idle)+p.shared.unused() || p.line.first != nil
}

// sawClosed notes that a connection of the host was found closed.
func (p *pool) sawClosed(rested time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.habits = p.habits.closed(rested, monotonic.Now())
	p.wary.Store(p.habits.wary)
}

// sawOpen notes that a connection was open when it was looked at.
func (p *pool) sawOpen() {
	if !p.wary.Load() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.habits = p.habits.open()
	p.wary.Store(false)
}

// sawLingering notes that the host has half closed a connection right after an
// answer, which nothing but a look finds.
func (p *pool) sawLingering() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.habits.lingers = true
}

// noteFault notes what a connection that could not be opened, or was closed at once,
// says of the host. An address that the guard refuses was never dialled, so its calls
// do not wait.
func noteFault(dials *host.Dials, err error) {
	_, refused := errors.AsType[*refusedError](err)
	switch {
	case refused:
		dials.Answered()
	case resolve.IsOutOfFiles(err):
		dials.Withdraw() // says nothing of the host
	case !isTimeout(err):
		dials.Failed()
	default:
		dials.Missed()
	}
}
