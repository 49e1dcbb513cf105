package postgres

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// How many connections a process has, 15 in all. Idle ones are closed.
const (
	readConns   = 8
	editConns   = 4
	recordConns = 2
	beatConns   = 1
)

// attempts is how often a transaction is tried that another one has made fail.
const attempts = 10

// pruneChunk is how many rows one statement deletes, so that it holds up nobody.
const pruneChunk = 1_000

// errFull ends a query whose piece is complete.
var errFull = errors.New("the piece is full")

// querier is what statements need: a pool, or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// each runs a query and calls fn for each row. An error of fn ends it.
func each(ctx context.Context, q querier, fn func(pgx.Rows) error, sql string, args ...any) error {
	found, err := q.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		if err := fn(found); err != nil {
			return err
		}
	}
	return found.Err()
}

// number returns the one number that a query answers; zero: it is NULL, or there is no row.
func number(ctx context.Context, q querier, sql string, args ...any) (n int64, err error) {
	err = each(ctx, q, func(r pgx.Rows) error {
		var found *int64
		err := r.Scan(&found)
		if found != nil {
			n = *found
		}
		return err
	}, sql, args...)
	return n, err
}

// link is one connection of a pool for writes.
type link struct {
	connected atomic.Bool // then its dialer makes no further connection
	cancelled atomic.Bool // a wait for a standby was cancelled: see errUnreplicated
}

// errNoCancel is what a request to cancel a statement gets.
var errNoCancel = errors.New("statements that write are not cancelled")

// openPool opens a pool of connections. Nothing is connected yet.
//
// pgx asks the server to cancel what a connection does when it gives the connection up. A commit that
// waits for its standby then "succeeds" without it, and a later read shows what may be gone after a
// failover. So connections that write never ask: such a request needs a second connection, and
// the dialer of each makes one only.
func openPool(ctx context.Context, base *pgxpool.Config, conns int32, writes bool) (*pgxpool.Pool, error) {
	cfg := base.Copy()
	cfg.MaxConns, cfg.MinConns = conns, 0
	cfg.MaxConnIdleTime = 5 * time.Minute
	cfg.AfterConnect = prepareConn(writes)
	dialWith(cfg.ConnConfig)
	if writes {
		dial := cfg.ConnConfig.DialFunc
		cfg.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
			l := new(link)
			c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
				if l.connected.Load() {
					return nil, errNoCancel
				}
				return dial(ctx, network, address)
			}
			c.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
				if n.Routine == "SyncRepWaitForLSN" {
					l.cancelled.Store(true)
				}
			}
			c.AfterConnect = func(_ context.Context, pg *pgconn.PgConn) error {
				l.connected.Store(true)
				pg.CustomData()[linkName] = l
				return nil
			}
			return nil
		}
	}
	return pgxpool.NewWithConfig(ctx, cfg)
}

const linkName = "belfry"

// replicated reports as an error that the commit of a connection may be on one server only.
func replicated(c *pgx.Conn) error {
	if l, ok := c.PgConn().CustomData()[linkName].(*link); ok && l.cancelled.Swap(false) {
		return errUnreplicated
	}
	return nil
}

// transact runs fn in a transaction, and again after a failure that another transaction has caused.
// Whatever fn has found out before is to be forgotten when it begins.
func transact(ctx context.Context, pool *pgxpool.Pool, fn func(tx pgx.Tx) error) error {
	return repeat(func() error {
		return pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
			if err := pgx.BeginTxFunc(ctx, c, pgx.TxOptions{BeginQuery: beginning(c.Conn())}, fn); err != nil {
				return err
			}
			return replicated(c.Conn())
		})
	})
}

// pipeline runs statements in one transaction and one round trip. The functions of the batch read
// the answers.
func pipeline(ctx context.Context, pool *pgxpool.Pool, fill func(b *pgx.Batch)) error {
	return repeat(func() error {
		return pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
			b := new(pgx.Batch)
			fill(b)
			if err := c.SendBatch(ctx, b).Close(); err != nil {
				return err
			}
			return replicated(c.Conn())
		})
	})
}

// exchange runs a transaction, a round trip for each step: a step fills a batch by what the functions of
// those before it have read. All of them are done again if another transaction makes this one fail. Nothing is
// done where a step returns an error.
func exchange(ctx context.Context, pool *pgxpool.Pool, steps ...func(b *pgx.Batch) error) error {
	return repeat(func() error {
		return pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
			for i, step := range steps {
				b := new(pgx.Batch)
				if i == 0 {
					for statement := range strings.SplitSeq(beginning(c.Conn()), "; ") {
						b.Queue(statement)
					}
				}
				err := step(b)
				if i == len(steps)-1 {
					b.Queue("commit")
				}
				if err == nil {
					err = c.SendBatch(ctx, b).Close()
				}
				if err != nil {
					return errors.Join(err, undo(ctx, c))
				}
			}
			return replicated(c.Conn())
		})
	})
}

// undo ends a transaction that has failed. A connection that cannot is closed, which ends it too.
func undo(ctx context.Context, c *pgxpool.Conn) error {
	if c.Conn().IsClosed() || c.Conn().PgConn().TxStatus() == 'I' {
		return nil
	}
	_, err := c.Exec(ctx, "rollback")
	return err
}

func repeat(fn func() error) (err error) {
	for range attempts {
		if err = fn(); !isCode(err, deadlock, serialization) {
			return err
		}
	}
	return err
}
