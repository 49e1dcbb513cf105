package executor

import (
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// onceMaxIdle is how long a connection may have been unused to carry a call
// that is at most once. Common servers close idle connections after 2 s at the
// soonest.
const onceMaxIdle = 1500 * time.Millisecond

// warmFor is how long a connection counts as warm after a call: it is not looked
// at before the next one is written. Under load a connection is used again within
// microseconds, and the look is 4 % of all that a call costs. A peer that closes
// in this moment without having said so costs an attempt that failed; afterwards
// the host is known for it, see habits. One that only half closes then, or stands
// behind a proxy that passes on no more than that, is waited for until the
// deadline; afterwards connections to that host are looked at.
const warmFor = 200 * time.Microsecond

// pool is the open connections to one target.Host, called in one way, and what is
// known of the host by them.
type pool struct {
	poolKey
	target.Endpoint
	label string // host:port, for people
	tls   *tls.Config
	table *table
	dials *host.Dials
	wary  atomic.Bool // habits.wary, to be read without mu

	spellings []spelling // whose routes lead here; under the table's mu

	mu      sync.Mutex
	idle    []*conn // by time of last use, the latest last
	open    int     // connections idle, in use and being dialled
	lastUse time.Time
	habits  habits
	dropped bool // not in the table: connections are not kept
}

// conn is an open connection.
type conn struct {
	net.Conn
	pool    *pool
	probe   *probe
	tally   *tally          // below TLS; nil: Write itself tells what the kernel took
	raw     syscall.RawConn // for a duplex; nil: write, then read
	lastUse time.Time       // zero: never used
	endsAt  time.Time       // its deadline
	retires time.Time       // from when on it is not used again
}

func (c *conn) used() bool { return !c.lastUse.IsZero() }

// endBy sets the connection's deadline to the one given or up to so much later:
// later by as much, so that calls which follow soon find theirs within that and
// need not set it again.
func (c *conn) endBy(deadline time.Time, later time.Duration) error {
	if d := c.endsAt.Sub(deadline); 0 <= d && d <= later {
		return nil
	}
	c.endsAt = deadline.Add(later)
	return c.SetDeadline(c.endsAt)
}

// newPool returns a pool that is in no table yet.
func (x *Executor) newPool(key poolKey) *pool {
	to := key.host.Endpoint()
	p := &pool{poolKey: key, Endpoint: to, label: to.Label(), dials: host.NewDials(&x.pools.lines)}
	if to.Secure {
		p.tls = x.tlsConfig(to.Name, key)
	}
	return p
}

func (x *Executor) tlsConfig(name string, key poolKey) *tls.Config {
	cfg := &tls.Config{
		ServerName:         name,
		RootCAs:            x.cfg.RootCAs,
		InsecureSkipVerify: key.skipVerify, // the job says so, and is marked
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"http/1.1"},
		ClientSessionCache: x.sessions[key.clientCert],
		Time:               x.cfg.Clock.Now,
	}
	if key.clientCert != "" {
		cfg.Certificates = []tls.Certificate{x.cfg.ClientCerts[key.clientCert]}
	}
	return cfg
}

// newSessions returns a cache of TLS sessions. A session that is resumed brings
// back the certificate that was shown when it began, so that each certificate
// needs a cache of its own, as does none.
func (x *Executor) newSessions() tls.ClientSessionCache {
	return tls.NewLRUClientSessionCache(min(x.cfg.MaxHosts, maxTLSSessions))
}

// take returns an idle connection, or nil, and whether it must be looked at
// before it is written to: the one that was used last, or of a host that closes
// soon after its answers the one that rested longest.
func (p *pool) take(once bool, now time.Time) (c *conn, look bool) {
	c, look = p.pick(once, now)
	for c != nil && c.tooOld(now) {
		p.discard(c)
		c, look = p.pick(once, now)
	}
	return c, look
}

// pick is take, whatever the age of the connection.
func (p *pool) pick(once bool, now time.Time) (c *conn, look bool) {
	maxIdle := p.table.idleTimeout
	if once {
		maxIdle = min(maxIdle, onceMaxIdle)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
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
	p.table.idleConns.Add(-1)
	return c, p.habits.mustLook(once, rested)
}

// oldest returns the place of the first idle connection that was used after the
// instant; h.mu is held.
func (p *pool) oldest(after time.Time) int {
	i := 0
	for i < len(p.idle) && p.idle[i].lastUse.Before(after) {
		i++
	}
	return i
}

// reserve counts a connection that is about to be dialled. At the limit an
// idle one that nobody wanted makes room.
func (p *pool) reserve() error {
	p.mu.Lock()
	if p.open < p.table.maxConns {
		p.open++
		p.mu.Unlock()
		return nil
	}
	var oldest []*conn
	if len(p.idle) > 0 {
		oldest = p.cutIdle(1)
	}
	p.mu.Unlock()
	if oldest == nil {
		return fmt.Errorf("all %d connections to %s are in use", p.table.maxConns, p.label)
	}
	_ = oldest[0].Close() // its place is taken over
	return nil
}

// cutIdle removes the n connections unused for longest; h.mu is held.
func (p *pool) cutIdle(n int) []*conn {
	cut := append([]*conn(nil), p.idle[:n]...)
	rest := copy(p.idle, p.idle[n:])
	clear(p.idle[rest:])
	p.idle = p.idle[:rest]
	p.table.idleConns.Add(int64(-n))
	return cut
}

// cutOld removes the connections that are too old to be used again, and adds
// them to those that were cut; h.mu is held.
func (p *pool) cutOld(now time.Time, cut []*conn) []*conn {
	before := len(cut)
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
	p.table.idleConns.Add(int64(before - len(cut)))
	return cut
}

// keep makes the connection available for the next call, or closes it if the
// host or the pool has no place for it. said is for how long the host has said
// that it keeps it; zero: nothing.
func (p *pool) keep(c *conn, said time.Duration) {
	c.lastUse = monotonic.Now()
	if c.tooOld(c.lastUse) {
		p.discard(c)
		return
	}
	if p.table.idleConns.Add(1) <= p.table.maxIdle {
		p.mu.Lock()
		if !p.dropped {
			p.habits.said = said
			p.idle = append(p.idle, c)
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
	}
	p.table.idleConns.Add(-1)
	p.discard(c)
}

// discard closes a connection that was taken or dialled.
func (p *pool) discard(c *conn) {
	_ = c.Close()
	p.release()
}

// release gives back the place of a connection that is closed, or that could
// not be opened.
func (p *pool) release() {
	p.mu.Lock()
	p.open--
	p.mu.Unlock()
}

// closeIdle closes the connections that were last used before the instant, that
// the host is about to close, or that are too old, and returns whether the host is then out of
// use.
func (p *pool) closeIdle(before time.Time) (unused bool) {
	now := monotonic.Now()
	p.mu.Lock()
	last := before
	if most := p.habits.longest(p.table.idleTimeout, now); most < p.table.idleTimeout {
		last = before.Add(p.table.idleTimeout - most)
	}
	n := p.oldest(last)
	cut := p.cutOld(now, p.cutIdle(n))
	p.open -= len(cut)
	unused = p.open == 0 && p.lastUse.Before(before)
	p.mu.Unlock()
	for _, c := range cut {
		_ = c.Close()
	}
	return unused
}

// drop closes idle connections and lets the others close after use.
func (p *pool) drop() {
	p.mu.Lock()
	p.dropped = true
	cut := p.cutIdle(len(p.idle))
	p.open -= len(cut)
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
	return p.lastUse, p.open > len(p.idle)
}
