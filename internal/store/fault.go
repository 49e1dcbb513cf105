package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// GoneError says that a file of the database is no longer where it was opened: it
// was removed, moved away, replaced by another file, or truncated. The next start may
// not find what was acknowledged so far. So the store acknowledges nothing more until
// the file is back, and nothing is sent until a beat has succeeded again.
//
// A store checks this itself: at each beat for all its files, and after each commit,
// before it acknowledges it, for the files that the commit has written. A store
// without files never returns this error.
type GoneError struct {
	Path    string // what is gone
	Problem string // what happened to it: "is gone"
	Advice  string // what to do, for the operator
}

// Error implements error.
func (e *GoneError) Error() string { return e.Path + " " + e.Problem + ": " + e.Advice }

// IsGone reports whether an error says that files of the database are gone. What the
// store reads then is not what the next start will find.
func IsGone(err error) bool {
	_, gone := errors.AsType[*GoneError](err)
	return gone
}

// UndoneError says that what has failed has changed nothing, and will not: no commit was sent, or the server has
// refused the transaction. Another error leaves open whether it was committed.
type UndoneError struct{ Err error }

// Error implements error.
func (e *UndoneError) Error() string { return e.Err.Error() }

// Unwrap returns what went wrong.
func (e *UndoneError) Unwrap() error { return e.Err }

// IsUndone reports whether an error has an [UndoneError] in it.
func IsUndone(err error) bool {
	_, undone := errors.AsType[*UndoneError](err)
	return undone
}

// BusyError says that somebody else has had the rows of shards for so long that a beat did
// not wait for them. Nothing was done about these; what was to be done about others is done.
type BusyError struct {
	Shards []int
}

// Error implements error.
func (e *BusyError) Error() string {
	return fmt.Sprintf("the rows of shards %v are locked by another session of the database", e.Shards)
}

// BusyShards returns the shards whose rows were locked, or nil if the error says something
// else.
func BusyShards(err error) []int {
	if busy, ok := errors.AsType[*BusyError](err); ok {
		return busy.Shards
	}
	return nil
}

// TakenError says that keys of jobs belong to others. It is the cause of a CodeConflict:
// see [Taken].
type TakenError struct {
	By map[int]domain.JobID // who has the key, by the place in the call of Create; 0 of Update
}

// Error implements error.
func (e *TakenError) Error() string { return "keys of jobs are taken" }

// Taken returns the CodeConflict error of a call whose jobs have keys of others.
func Taken(by map[int]domain.JobID) error {
	return &domain.Error{Code: domain.CodeConflict, Message: "jobs have the keys of others", Err: &TakenError{by}}
}

// TakenBy returns who has the keys, or nil if the error says something else.
func TakenBy(err error) map[int]domain.JobID {
	if taken, ok := errors.AsType[*TakenError](err); ok {
		return taken.By
	}
	return nil
}

// Coded gives an error of a read a code. An error that says nothing about the caller's
// data means that the store did not do its work: its code is CodeUnavailable.
func Coded(err error) error {
	_, coded := errors.AsType[*domain.Error](err)
	if err == nil || coded || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return domain.Unavailable(err, "the store cannot be read now")
}
