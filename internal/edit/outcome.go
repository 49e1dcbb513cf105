package edit

import (
	"context"
	"errors"
	"reflect"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// outcome is what is known of a commit.
type outcome int

const (
	committed    outcome = iota // the store has it
	notCommitted                // and will not have it
	notKnown                    // the store has not told
)

// definite reports whether the error is about the caller's data: the store has
// not changed. Any other leaves open whether it committed.
func definite(err error) bool {
	var de *domain.Error
	return errors.As(err, &de) && de.Code != domain.CodeUnavailable && de.Code != domain.CodeInternal
}

// decideCommit says what the answer to a commit tells.
func decideCommit(err error) outcome {
	switch {
	case err == nil:
		return committed
	case definite(err), store.StaleShards(err) != nil:
		return notCommitted
	}
	return notKnown
}

// decideRead says what a read of the job tells after a commit whose error was unclear.
// whenFound and whenGone say what the job that was found tells, or that there is none.
// Where files of the store are gone, what it reads is not what the next start finds.
func decideRead(commit, read error, whenFound, whenGone outcome) outcome {
	made := whenFound
	switch {
	case domain.ErrorCode(read) == domain.CodeNotFound:
		made = whenGone
	case read != nil:
		return notKnown
	}
	if made == committed && store.IsGone(commit) {
		return notKnown
	}
	return made
}

// decideFound says what the current version of a job tells of the change that makes another one, or ends
// the job. Where other processes have the database, too, a version of that number may be theirs: unless it is
// the one that was to be made, only a repeat of the commit tells. A version from before tells nothing there either: a
// server that is not this process may end a commit after the read, also by its recovery from a crash.
func decideFound(now, made *domain.Version, deletes, alone bool) outcome {
	switch {
	case (deletes || now.Number < made.Number) && !alone:
		return notKnown
	case deletes, now.Number < made.Number:
		return notCommitted
	case alone, now.Number == made.Number && sameVersion(now, made):
		return committed
	}
	return notKnown
}

// decideGone says what it tells that there is no job. Another process may have ended it.
func decideGone(deletes, alone bool) outcome {
	switch {
	case !deletes:
		return notCommitted
	case alone:
		return committed
	}
	return notKnown
}

// decideNone says what it tells that a new job is not there. A server that is not this process may still make it.
func decideNone(alone bool) outcome {
	if alone {
		return notCommitted
	}
	return notKnown
}

// repeated makes a commit, and where its outcome is not known once more: that changes nothing if it was made, and
// waits for one that is still under way. It returns what is known.
func repeated(ctx context.Context, commit func(context.Context) error) (outcome, error) {
	err := commit(ctx)
	result := decideCommit(err)
	switch {
	case result != notKnown, ctx.Err() != nil:
		return result, err
	case store.IsUndone(err):
		return notCommitted, err
	}
	err = commit(ctx) // that this one was undone says nothing of the first
	return decideCommit(err), err
}

// sameVersion reports whether a stored version is the one that was to be made. Where the store chooses
// from when on it is valid, that is not compared.
func sameVersion(stored, made *domain.Version) bool {
	return (made.EffectiveFrom == 0 || stored.EffectiveFrom == made.EffectiveFrom) && stored.Active == made.Active &&
		stored.Pause == made.Pause &&
		stored.EffectiveTo == made.EffectiveTo && reflect.DeepEqual(stored.Spec, made.Spec)
}
