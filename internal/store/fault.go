package store

import (
	"context"
	"errors"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// GoneError says that a file of the database is not where it was opened:
// removed, moved away, replaced by another one, cut off. What was acknowledged
// may be out of reach of the next start, so nothing more is acknowledged until
// the file is back, and nobody sends until a beat has succeeded again.
//
// A store finds that out by itself: at each beat for all its files, and for
// what a commit has written before the commit is acknowledged. A store that
// has no files never returns it.
type GoneError struct {
	Path    string // what is gone
	Problem string // what is the matter with it: "is gone"
	Advice  string // what to do, for the operator
}

// Error implements error.
func (e *GoneError) Error() string { return e.Path + " " + e.Problem + ": " + e.Advice }

// IsGone reports whether files of the database are gone. What it answers to a read
// then is not what the next start finds.
func IsGone(err error) bool {
	_, gone := errors.AsType[*GoneError](err)
	return gone
}

// Coded gives an error of a read its code. What the store does not say of the caller's
// data means that it did not do its work: try again.
func Coded(err error) error {
	_, coded := errors.AsType[*domain.Error](err)
	if err == nil || coded || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return domain.Unavailable(err, "the store cannot be read now")
}
