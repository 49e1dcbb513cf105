package postgres

import (
	"context"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// How soon the end of a network is noticed. Where it is cut without a word, neither side gets an error: the defaults
// of kernels let a connection be for 15 minutes, and one that nobody uses for hours.
const (
	keepAliveIdle     = 5 * time.Second
	keepAliveInterval = 5 * time.Second
	keepAliveCount    = 3
	unansweredFor     = 15 * time.Second // what was sent, by the other kernel
	// idleInTransaction bounds what a process holds locked that is gone between two statements of a transaction: less
	// than the 7 s after which another one takes its shards.
	idleInTransaction = 5 * time.Second
)

// idleSetting is the name that PostgreSQL has for it.
const idleSetting = "idle_in_transaction_session_timeout"

// dialWith makes connections that notice when the network is cut.
func dialWith(c *pgx.ConnConfig) {
	d := &net.Dialer{
		Timeout: c.ConnectTimeout,
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount,
		},
		ControlContext: func(_ context.Context, network, _ string, raw syscall.RawConn) error {
			return boundUnanswered(network, raw, unansweredFor)
		},
	}
	c.DialFunc = d.DialContext
}

// prepareConn makes the server notice, too, and prepares a connection for what it is used for.
func prepareConn(writes bool) func(context.Context, *pgx.Conn) error {
	return func(ctx context.Context, c *pgx.Conn) error {
		if writes {
			takeArrays(c.TypeMap())
		}
		if !ownsSession(c) {
			return nil
		}
		settings := map[string]int64{
			"tcp_keepalives_idle": int64(keepAliveIdle.Seconds()), "tcp_keepalives_count": keepAliveCount,
			"tcp_keepalives_interval": int64(keepAliveInterval.Seconds()),
			"tcp_user_timeout":        unansweredFor.Milliseconds(),
		}
		sql := "SELECT 1"
		if writes {
			settings[idleSetting] = idleInTransaction.Milliseconds()
			// PostgreSQL would plan statements with arrays each time anew, because it knows how long they are
			// then: that is a third of what a creation costs it.
			sql += `, set_config('plan_cache_mode', 'force_generic_plan', false)`
		}
		for name, value := range settings {
			sql += fmt.Sprintf(", set_config('%s', '%d', false)", name, value)
		}
		_, err := c.Exec(ctx, sql)
		return err
	}
}

// ownsSession reports whether what is set for a session holds for all that its connection does. Behind PgBouncer it
// does not, and there statements have no names, either.
func ownsSession(c *pgx.Conn) bool {
	return c.Config().DefaultQueryExecMode == pgx.QueryExecModeCacheStatement
}

// beginning returns the statement that begins a transaction of a connection.
func beginning(c *pgx.Conn) string {
	if ownsSession(c) {
		return "begin"
	}
	return fmt.Sprintf("begin; set local %s = %d", idleSetting, idleInTransaction.Milliseconds())
}
