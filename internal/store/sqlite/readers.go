package sqlite

import (
	"context"
	"errors"
	"log/slog"
)

// readers is a pool of query_only connections to one file, opened as they are
// needed and at most cap(slots) of them.
type readers struct {
	path  string
	log   *slog.Logger
	slots chan struct{} // one token for each connection in use
	idle  chan *conn

	closed bool // under all slots written, under one read
}

func newReaders(path string, limit int, log *slog.Logger) *readers {
	return &readers{path: path, log: log, slots: make(chan struct{}, limit), idle: make(chan *conn, limit)}
}

// with lends a connection to fn. The context bounds the wait for it and
// interrupts what fn runs on it.
func (r *readers) with(ctx context.Context, fn func(*conn) error) error {
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
	c.SetInterrupt(ctx.Done())
	err = fn(c)
	c.SetInterrupt(nil) // resets statements that were left in the middle
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if breaks(err) {
		return errors.Join(err, c.Close())
	}
	r.idle <- c
	return err
}

func (r *readers) take() (*conn, error) {
	select {
	case c := <-r.idle:
		return c, nil
	default:
		return openConn(r.path, reader, r.log)
	}
}

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
