package sqlite

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"
)

// readers is a pool of query_only connections to one file, opened as they are
// needed and at most cap(slots) of them.
type readers struct {
	id    *identity
	log   *slog.Logger
	slots chan struct{} // one token for each connection in use
	idle  chan *conn
	age   atomic.Int64 // of connections that may be lent again; see renew

	closed bool // under all slots written, under one read
}

func newReaders(id *identity, limit int, log *slog.Logger) *readers {
	return &readers{id: id, log: log, slots: make(chan struct{}, limit), idle: make(chan *conn, limit)}
}

// with lends a connection to fn. The context bounds the wait for it and
// interrupts what fn runs on it.
func (r *readers) with(ctx context.Context, fn func(*conn) error) error {
	return r.use(ctx, ctx.Done(), fn)
}

// lookup is with for what reads a handful of rows by their key. Nothing interrupts
// that: to watch the context takes a goroutine and two switches to it, which cost
// more than the rows. It waits for busyTimeout at most.
func (r *readers) lookup(ctx context.Context, fn func(*conn) error) error {
	return r.use(ctx, nil, fn)
}

func (r *readers) use(ctx context.Context, interrupt <-chan struct{}, fn func(*conn) error) error {
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-r.slots }()
	if r.closed {
		return errClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := r.take()
	if err != nil {
		return err
	}
	if interrupt != nil {
		c.SetInterrupt(interrupt)
	}
	err = fn(c)
	c.SetInterrupt(nil) // resets statements that were left in the middle
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if breaks(err) {
		return errors.Join(err, c.Close())
	}
	r.giveBack(c)
	return err
}

// renew replaces every connection before it is lent again. It is called after the
// writer has failed because of the file. While a file is not writable, SQLite opens it
// read-only, and with it the shared memory that all connections of the process use. A
// connection from such a time would keep the writer from writing as long as it is open.
func (r *readers) renew() {
	r.age.Add(1)
	for range cap(r.idle) {
		select {
		case c := <-r.idle:
			r.giveBack(c)
		default:
			return
		}
	}
}

// giveBack keeps a connection for the next caller, unless it is to be replaced.
func (r *readers) giveBack(c *conn) {
	if c.age == r.age.Load() {
		r.idle <- c
		return
	}
	_ = c.Close() // what was read is read
}

func (r *readers) take() (*conn, error) {
	age := r.age.Load()
	select {
	case c := <-r.idle:
		return c, nil
	default:
	}
	c, err := openWatched(r.id, reader, r.log)
	if err != nil {
		return nil, err
	}
	c.age = age
	return c, nil
}

// alone calls fn while no connection is lent, unless those that are do not come
// back within the time given.
func (r *readers) alone(within time.Duration, fn func() error) error {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	taken := 0
	defer func() {
		for range taken {
			<-r.slots
		}
	}()
	for ; taken < cap(r.slots); taken++ {
		select {
		case r.slots <- struct{}{}:
		case <-deadline.C:
			return errInUse
		}
	}
	return fn()
}

// closeIdle closes the connections that are not lent. The caller lets nobody be
// lent one, or has seen that nobody is.
func (r *readers) closeIdle() {
	for len(r.idle) > 0 {
		_ = (<-r.idle).Close() // what was read is read
	}
}

var errInUse = errors.New("the database is being read")

// close waits until no connection is in use, and closes them.
func (r *readers) close() error {
	for range cap(r.slots) {
		r.slots <- struct{}{}
	}
	r.closed = true
	var errs []error
	for len(r.idle) > 0 {
		errs = append(errs, (<-r.idle).Close())
	}
	for range cap(r.slots) {
		<-r.slots
	}
	return errors.Join(errs...)
}
