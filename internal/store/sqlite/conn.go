package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// Limits of a connection and of its write-ahead log.
const (
	busyTimeout = 5 * time.Second
	// A passive checkpoint runs in the commit that makes the log this long:
	// 4,000 pages are 16 MB, some 50 ms of writing. A page that many commits
	// have touched is then written once.
	checkpointPages = 4_000
	// A log that grew to this size, because readers were never all at its end,
	// is truncated by a checkpoint that waits for them, for at most
	// truncateTimeout, and again after each further walRetryBytes.
	walMaxBytes     = 64 << 20
	walRetryBytes   = 16 << 20
	truncateTimeout = 50 * time.Millisecond

	writerCacheKiB = 16 << 10
	readerCacheKiB = 1 << 10
)

// conn is one connection to one database file, used by one goroutine at a
// time. Its statements are prepared once and kept.
type conn struct {
	*sqlite.Conn
	path    string
	id      *identity    // of the files; nil: they are not watched
	log     *slog.Logger // nil: statements are not logged
	broken  bool         // its state is not known: close it and open another
	age     int64        // of the pool when it was opened; see readers.renew
	nextWAL int64        // size of the log at which to truncate it; see checkpoint
}

// role says what a connection is for.
type role int

const (
	writer role = iota
	reader
)

// pragma is a setting and what reading it back must give.
type pragma struct{ name, set, want string }

func (r role) pragmas() []pragma {
	common := []pragma{
		{"journal_mode", "wal", "wal"},
		{"synchronous", "FULL", "2"},
		{"foreign_keys", "ON", "1"},
		{"temp_store", "MEMORY", "2"},
		{"busy_timeout", fmt.Sprint(busyTimeout.Milliseconds()), fmt.Sprint(busyTimeout.Milliseconds())},
	}
	if r == reader {
		cache := fmt.Sprint(-readerCacheKiB)
		return append(common, pragma{"cache_size", cache, cache}, pragma{"query_only", "ON", "1"})
	}
	cache, pages := fmt.Sprint(-writerCacheKiB), fmt.Sprint(checkpointPages)
	return append(common, pragma{"cache_size", cache, cache}, pragma{"wal_autocheckpoint", pages, pages})
}

// openConn opens a connection to an existing file and reads every setting back: if
// SQLite fell back to another journal mode, what is acknowledged would not be durable.
//
// A reader is opened for writing, too, and then set to query_only. A connection that
// is opened read-only could not recover a log after a crash, and could not remove the
// log when it is the last to close.
func openConn(path string, r role, log *slog.Logger) (*conn, error) {
	raw, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, path: path, log: log, nextWAL: walMaxBytes}
	c.SetBusyTimeout(busyTimeout)
	for _, p := range r.pragmas() {
		if err := c.setPragma(p); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", path, err), c.Close())
		}
	}
	return c, nil
}

// openWatched opens a connection to a database whose files are watched.
func openWatched(id *identity, r role, log *slog.Logger) (c *conn, err error) {
	err = id.open(func() (io.Closer, error) {
		c, err = openConn(id.path, r, log)
		return c, err
	})
	if err != nil {
		return nil, err
	}
	c.id = id
	return c, nil
}

// Close closes the connection.
func (c *conn) Close() error {
	if c.id != nil {
		return c.id.close(c.Conn.Close)
	}
	return c.Conn.Close()
}

func (c *conn) setPragma(p pragma) error {
	if err := c.exec("PRAGMA " + p.name + " = " + p.set); err != nil {
		return fmt.Errorf("PRAGMA %s: %w", p.name, err)
	}
	got := ""
	err := c.query("PRAGMA "+p.name, func(s *sqlite.Stmt) error {
		got = s.ColumnText(0)
		return nil
	})
	if err != nil {
		return fmt.Errorf("PRAGMA %s: %w", p.name, err)
	}
	if got != p.want {
		return fmt.Errorf("PRAGMA %s is %q, not %q", p.name, got, p.want)
	}
	return nil
}

// prepare returns the connection's statement for a text, ready to be bound.
//
// If SQLite has used the value of a parameter to plan a query, it compiles the
// statement again for each new value, which takes some 20 to 50 us. Three rules avoid
// that: queries have "LIMIT 0 + ?" instead of "LIMIT ?"; queries with a join or an ORDER
// BY have "job_id = CAST(? AS BLOB)" instead of "job_id = ?", as have those that use a
// partial index "x IS NOT NULL"; and no partial index is
// defined by "x > 0" if a query has "x > ?".
func (c *conn) prepare(text string) (*sqlite.Stmt, error) {
	if c.log != nil {
		c.log.Debug("sql", "file", c.path, "statement", strings.Join(strings.Fields(text), " "))
	}
	return c.Prepare(text)
}

// exec runs a statement that returns no rows, or whose rows do not matter.
func (c *conn) exec(text string, args ...any) error { return c.query(text, nil, args...) }

// query runs a statement and calls row for each row.
func (c *conn) query(text string, row func(*sqlite.Stmt) error, args ...any) (err error) {
	stmt, err := c.prepare(text)
	if err != nil {
		return err
	}
	if err := bind(stmt, args); err != nil {
		return err
	}
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return err
		}
		if row == nil {
			continue
		}
		if err := row(stmt); err != nil {
			return errors.Join(err, stmt.Reset())
		}
	}
}

func bind(stmt *sqlite.Stmt, args []any) error {
	for i, arg := range args {
		switch v := arg.(type) {
		case nil:
			stmt.BindNull(i + 1)
		case int:
			stmt.BindInt64(i+1, int64(v))
		case int64:
			stmt.BindInt64(i+1, v)
		case bool:
			stmt.BindBool(i+1, v)
		case string:
			stmt.BindText(i+1, v)
		case rows.Text:
			bindText(stmt, i+1, string(v))
		case []byte:
			stmt.BindBytes(i+1, v)
		case domain.JobID:
			stmt.BindBytes(i+1, v[:])
		default:
			return fmt.Errorf("sqlite: cannot bind a %T", arg)
		}
	}
	return nil
}

func bindText(stmt *sqlite.Stmt, i int, s string) {
	if s == "" {
		stmt.BindNull(i)
		return
	}
	stmt.BindText(i, s)
}

func bindNonZero(stmt *sqlite.Stmt, i int, v int64) {
	if v == 0 {
		stmt.BindNull(i)
		return
	}
	stmt.BindInt64(i, v)
}

func columnJobID(stmt *sqlite.Stmt, i int) (id domain.JobID) {
	stmt.ColumnBytes(i, id[:])
	return id
}

var errClosed = domain.Unavailable(nil, "the database is closed")

// errCommit marks a failure of COMMIT itself: after a crash the transaction may
// turn out to be on disk.
var errCommit = errors.New("commit")

// transact runs fn in one transaction and commits it. When anything fails,
// nothing is changed, unless the error is an errCommit. The context interrupts
// fn, but not a commit that has begun.
func (c *conn) transact(ctx context.Context, fn func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.id != nil {
		if err := c.id.check(); err != nil { // nothing has been written yet: a read says so
			return err
		}
	}
	c.SetInterrupt(ctx.Done())
	err := c.exec("BEGIN IMMEDIATE")
	if err == nil {
		err = fn()
	}
	c.SetInterrupt(nil)
	if err == nil {
		if err = c.exec("COMMIT"); err != nil {
			err = fmt.Errorf("%w: %w", errCommit, err)
		}
	}
	if err == nil {
		if c.id != nil {
			if err := c.id.check(); err != nil { // it may be in files that nobody finds again
				return fmt.Errorf("%w: %w", errCommit, err)
			}
		}
		c.checkpoint()
		return nil
	}
	if !c.AutocommitEnabled() {
		if rollback := c.exec("ROLLBACK"); rollback != nil {
			c.broken = true
		}
	}
	c.broken = c.broken || breaks(err)
	if ctx.Err() != nil && sqlite.ErrCode(err).ToPrimary() == sqlite.ResultInterrupt {
		return ctx.Err()
	}
	return err
}

// breaks reports whether a connection should be replaced after the error: the
// file may have been moved, or its file system may have failed under it.
func breaks(err error) bool {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultIOErr, sqlite.ResultCorrupt, sqlite.ResultCantOpen, sqlite.ResultNotADB,
		sqlite.ResultReadOnly, sqlite.ResultProtocol, sqlite.ResultMisuse, sqlite.ResultNoMem:
		return true
	}
	return false
}

// checkpoint keeps the log from growing without limit where readers overlap so
// that SQLite's own passive checkpoints never find its end free. It fails
// quietly: the next commit tries again.
func (c *conn) checkpoint() {
	info, err := os.Stat(c.path + "-wal")
	if err != nil || info.Size() < c.nextWAL {
		return
	}
	c.SetBusyTimeout(truncateTimeout)
	_ = c.exec("PRAGMA wal_checkpoint(TRUNCATE)")
	c.SetBusyTimeout(busyTimeout)
	c.nextWAL = walMaxBytes
	if info, err := os.Stat(c.path + "-wal"); err == nil && info.Size() > walRetryBytes {
		c.nextWAL = max(walMaxBytes, info.Size()+walRetryBytes)
	}
}

// fault gives an error of SQLite the meaning that callers act on: the store
// did not do its work. Errors with a meaning of their own pass.
func fault(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	if _, ok := errors.AsType[*domain.Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[*store.GoneError](err); ok {
		return domain.Unavailable(err, "the store could not %s: files of its database are gone, and "+
			"/observability/health says which", what)
	}
	return domain.Unavailable(err, "the store could not %s", what)
}

// number returns the first column of the first row, 0 when there is none.
func (c *conn) number(query string, args ...any) (n int64, err error) {
	err = c.query(query, func(s *sqlite.Stmt) error {
		n = s.ColumnInt64(0)
		return nil
	}, args...)
	return n, err
}

// errFull ends a query whose caller has enough rows.
var errFull = errors.New("full")
