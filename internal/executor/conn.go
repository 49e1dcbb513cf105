package executor

import (
	"net"
	"syscall"
	"time"

	"github.com/belfry-scheduler/belfry/internal/executor/h2"
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
	ended   bool            // of HTTP/2: it does not count as open any more; under the pool's mu
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

// tooOld reports whether the connection is not to be used any more: its host
// may have another address by now, which only a new connection finds.
func (c *conn) tooOld(now time.Time) bool { return !now.Before(c.retires) }

func closeAll(conns []*conn) {
	for _, c := range conns {
		_ = c.Close()
	}
}
