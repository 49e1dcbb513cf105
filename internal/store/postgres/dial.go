package postgres

import (
	"context"
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
	idleInTransaction = "5000" // milliseconds
)

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
		if !ownsSession(c) {
			return nil
		}
		sql := `SELECT set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '5', false),
 set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '15000', false)`
		if writes {
			// PostgreSQL would plan statements with arrays each time anew, because it knows how long they are
			// then: that is a third of what a creation costs it.
			sql += `, set_config('plan_cache_mode', 'force_generic_plan', false),
 set_config('idle_in_transaction_session_timeout', '` + idleInTransaction + `', false)`
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
	return "begin; set local idle_in_transaction_session_timeout = " + idleInTransaction
}
