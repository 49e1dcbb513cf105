package executor

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/belfry-scheduler/belfry/internal/executor/h2"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// conn is an open connection.
type conn struct {
	net.Conn
	probe   *probe
	tally   *tally          // below TLS; nil: Write itself returns what the kernel took
	raw     syscall.RawConn // for a duplex; nil: write, then read
	lastUse time.Time       // zero: never used
	endsAt  time.Time       // its deadline
	retires time.Time       // from when on it is not used again
	mux     *h2.Conn        // of HTTP/2; nil: it carries one call at a time
	ahead   bool            // it was opened before a call needed it, and no call has used it; under the pool's mu
	cheaper bool            // only HTTP/1.1 was offered, because that is cheaper
	ended   bool            // of HTTP/2: it does not count as open any more; under the pool's mu
}

func (c *conn) used() bool { return !c.lastUse.IsZero() }

// countUse counts the first use of a connection that was opened ahead.
func (c *conn) countUse(m *telemetry.Prepared) {
	if c.ahead {
		c.ahead = false
		m.Used.Inc()
	}
}

// state asks whether the connection is open and nothing has arrived that belongs to a call.
// TLS may have sent something: the tickets with which a session is resumed come right after
// a handshake.
func (c *conn) state() connState { return c.lookBy((*probe).state) }

// stateIdle is state, also after the deadline of the connection.
func (c *conn) stateIdle() connState { return c.lookBy((*probe).stateIdle) }

func (c *conn) lookBy(ask func(*probe) connState) connState {
	s := ask(c.probe)
	if s == connStale && c.tally != nil && c.mux == nil && c.readTickets() {
		s = ask(c.probe)
	}
	return s
}

// readTickets has TLS read what has arrived, and reports whether that was all for TLS.
func (c *conn) readTickets() bool {
	var b [1]byte
	c.tally.arrived = c.probe
	n, err := c.Conn.Read(b[:])
	c.tally.arrived = nil
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded)
}

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

// tooOld reports whether the connection is not to be used any more: its host
// may have another address by now, which only a new connection finds.
func (c *conn) tooOld(now time.Time) bool { return !now.Before(c.retires) }

func closeAll(conns []*conn) {
	for _, c := range conns {
		_ = c.Close()
	}
}
