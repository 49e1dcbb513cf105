package sqlite

import (
	"context"
	"sync/atomic"
)

// recordLock is held while history files are written: one batch at a time. It keeps what
// is known of these files in memory equal to their content.
type recordLock struct {
	gate
	copies []fileCopy
	// eraseMarked deletes what is left of marked days: see eraser. No copy counts them.
	eraseMarked func(context.Context) error

	stale atomic.Bool // the outcome of a commit is unknown: load all copies before their next use

	watched day   // commits to days up to it count as late; under the lock
	late    int64 // how many there were; under the lock
}

// fileCopy is a part of what the files hold, kept in memory. It is changed under
// the recordLock, after each commit.
type fileCopy interface {
	// load reads all of it from the files. After an error it is as it was.
	load(ctx context.Context) error
}

func newRecordLock(eraseMarked func(context.Context) error) *recordLock {
	return &recordLock{gate: newGate(), eraseMarked: eraseMarked}
}

// load loads every copy. The caller holds the lock, or nobody else has the store.
func (l *recordLock) load(ctx context.Context) error {
	for _, c := range l.copies {
		if err := c.load(ctx); err != nil {
			return err
		}
	}
	l.stale.Store(false)
	return nil
}

// fresh loads the copies again when the outcome of a commit is unknown. The caller
// holds the lock.
func (l *recordLock) fresh(ctx context.Context) error {
	if !l.stale.Load() {
		return nil
	}
	if err := l.eraseMarked(ctx); err != nil {
		return err
	}
	return l.load(ctx)
}

// freshForRead is fresh for a caller that does not hold the lock.
func (l *recordLock) freshForRead(ctx context.Context) error {
	if !l.stale.Load() {
		return nil
	}
	return l.with(ctx, func() error { return nil })
}

// with calls fn while nothing is recorded, and every copy is fresh.
func (l *recordLock) with(ctx context.Context, fn func() error) error {
	if err := l.enter(ctx); err != nil {
		return err
	}
	defer l.leave()
	if err := l.fresh(ctx); err != nil {
		return err
	}
	return fn()
}

// watchLate has the commits counted that record in days up to d, and returns
// their number so far. What was read of the files of such days, and the sweep
// of alerts, hold for as long as it stays the same.
func (l *recordLock) watchLate(ctx context.Context, d day) (late int64, err error) {
	err = l.with(ctx, func() error {
		l.watched = max(l.watched, d)
		late = l.late
		return nil
	})
	return late, err
}

// noteCommit counts a commit, or one that was tried, of a day. The caller holds the
// lock.
func (l *recordLock) noteCommit(d day) {
	if d <= l.watched { // Expire is at it
		l.late++
	}
}
