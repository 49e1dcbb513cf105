package executor

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

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

// maxDials is how many connections to one host are opened at a time. A host that
// hangs is given ever more calls, thousands at once, and each that dials wants a
// core that the calls of healthy hosts want too. It is no limit to speak of for
// others: 5,000 new connections a second at 100 ms each.
const maxDials = 512

// host is one target.Host, called in one way, with its open connections.
type host struct {
	hostKey
	target.Endpoint
	label    string // host:port, for people
	tls      *tls.Config
	pool     *table
	dials    chan struct{} // has an entry for each dial under way
	silent   atomic.Int64  // dials since the host last answered
	failed   atomic.Int64  // those of them that failed at once
	failPace pace          // of dials while they fail
	wary     atomic.Bool   // habits.wary, to be read without mu

	spellings []spelling // whose routes lead here; under the table's mu

	mu       sync.Mutex
	idle     []*conn // by time of last use, the latest last
	open     int     // connections idle, in use and being dialled
	lastUse  time.Time
	habits   habits
	dropped  bool          // not in the table: connections are not kept
	answered chan struct{} // closed when the host answers; nil: nobody waits for that
}

// conn is an open connection.
type conn struct {
	net.Conn
	host    *host
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

// newHost returns a host that is in no table yet.
func (x *Executor) newHost(key hostKey) *host {
	to := key.host.Endpoint()
	h := &host{hostKey: key, Endpoint: to, label: to.Label(), dials: make(chan struct{}, maxDials)}
	if to.Secure {
		h.tls = x.tlsConfig(to.Name, key)
	}
	return h
}

func (x *Executor) tlsConfig(name string, key hostKey) *tls.Config {
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
func (h *host) take(once bool, now time.Time) (c *conn, look bool) {
	c, look = h.pick(once, now)
	for c != nil && c.tooOld(now) {
		h.discard(c)
		c, look = h.pick(once, now)
	}
	return c, look
}

// pick is take, whatever the age of the connection.
func (h *host) pick(once bool, now time.Time) (c *conn, look bool) {
	maxIdle := h.pool.idleTimeout
	if once {
		maxIdle = min(maxIdle, onceMaxIdle)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lastUse = now
	maxIdle = h.habits.longest(maxIdle, now)
	i := len(h.idle) - 1
	if h.habits.wary {
		i = h.oldest(now.Add(-maxIdle))
	}
	if i < 0 || i >= len(h.idle) {
		return nil, false
	}
	c = h.idle[i]
	rested := now.Sub(c.lastUse)
	if rested > maxIdle || h.habits.wary && rested < h.habits.rest {
		return nil, false // the others were used even earlier, or later
	}
	last := len(h.idle) - 1
	copy(h.idle[i:], h.idle[i+1:])
	h.idle[last] = nil
	h.idle = h.idle[:last]
	h.pool.idleConns.Add(-1)
	return c, h.habits.mustLook(once, rested)
}

// oldest returns the place of the first idle connection that was used after the
// instant; h.mu is held.
func (h *host) oldest(after time.Time) int {
	i := 0
	for i < len(h.idle) && h.idle[i].lastUse.Before(after) {
		i++
	}
	return i
}

// reserve counts a connection that is about to be dialled. At the limit an
// idle one that nobody wanted makes room.
func (h *host) reserve() error {
	h.mu.Lock()
	if h.open < h.pool.maxConns {
		h.open++
		h.mu.Unlock()
		return nil
	}
	var oldest []*conn
	if len(h.idle) > 0 {
		oldest = h.cutIdle(1)
	}
	h.mu.Unlock()
	if oldest == nil {
		return fmt.Errorf("all %d connections to %s are in use", h.pool.maxConns, h.label)
	}
	_ = oldest[0].Close() // its place is taken over
	return nil
}

// cutIdle removes the n connections unused for longest; h.mu is held.
func (h *host) cutIdle(n int) []*conn {
	cut := append([]*conn(nil), h.idle[:n]...)
	rest := copy(h.idle, h.idle[n:])
	clear(h.idle[rest:])
	h.idle = h.idle[:rest]
	h.pool.idleConns.Add(int64(-n))
	return cut
}

// cutOld removes the connections that are too old to be used again, and adds
// them to those that were cut; h.mu is held.
func (h *host) cutOld(now time.Time, cut []*conn) []*conn {
	before := len(cut)
	rest := h.idle[:0]
	for _, c := range h.idle {
		if c.tooOld(now) {
			cut = append(cut, c)
		} else {
			rest = append(rest, c)
		}
	}
	clear(h.idle[len(rest):])
	h.idle = rest
	h.pool.idleConns.Add(int64(before - len(cut)))
	return cut
}

// keep makes the connection available for the next call, or closes it if the
// host or the pool has no place for it. said is for how long the host has said
// that it keeps it; zero: nothing.
func (h *host) keep(c *conn, said time.Duration) {
	c.lastUse = monotonic.Now()
	if c.tooOld(c.lastUse) {
		h.discard(c)
		return
	}
	if h.pool.idleConns.Add(1) <= h.pool.maxIdle {
		h.mu.Lock()
		if !h.dropped {
			h.habits.said = said
			h.idle = append(h.idle, c)
			h.mu.Unlock()
			return
		}
		h.mu.Unlock()
	}
	h.pool.idleConns.Add(-1)
	h.discard(c)
}

// discard closes a connection that was taken or dialled.
func (h *host) discard(c *conn) {
	_ = c.Close()
	h.release()
}

// release gives back the place of a connection that is closed, or that could
// not be opened.
func (h *host) release() {
	h.mu.Lock()
	h.open--
	h.mu.Unlock()
}

// closeIdle closes the connections that were last used before the instant, that
// the host is about to close, or that are too old, and returns whether the host is then out of
// use.
func (h *host) closeIdle(before time.Time) (unused bool) {
	now := monotonic.Now()
	h.mu.Lock()
	last := before
	if most := h.habits.longest(h.pool.idleTimeout, now); most < h.pool.idleTimeout {
		last = before.Add(h.pool.idleTimeout - most)
	}
	n := h.oldest(last)
	cut := h.cutOld(now, h.cutIdle(n))
	h.open -= len(cut)
	unused = h.open == 0 && h.lastUse.Before(before)
	h.mu.Unlock()
	for _, c := range cut {
		_ = c.Close()
	}
	return unused
}

// drop closes idle connections and lets the others close after use.
func (h *host) drop() {
	h.mu.Lock()
	h.dropped = true
	cut := h.cutIdle(len(h.idle))
	h.open -= len(cut)
	h.mu.Unlock()
	for _, c := range cut {
		_ = c.Close()
	}
}

// usage returns when the host was last used, and whether a connection of it is
// in use or being dialled.
func (h *host) usage() (lastUse time.Time, busy bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lastUse, h.open > len(h.idle)
}

// awaitDial waits until no more than maxDials connections are being opened; done
// says that one less is.
func (h *host) awaitDial(deadline time.Time) (done func(), err error) {
	done = func() { <-h.dials }
	select {
	case h.dials <- struct{}{}:
		return done, nil
	default:
	}
	timeout := time.NewTimer(deadline.Sub(monotonic.Now()))
	defer timeout.Stop()
	select {
	case h.dials <- struct{}{}:
		return done, nil
	case <-timeout.C:
		return nil, os.ErrDeadlineExceeded
	}
}
