package edit

import (
	"errors"

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
// whenFound and whenGone say whether the job, or that there is none, is what the
// commit would have made. Where files of the store are gone, what it reads is not what
// the next start finds.
func decideRead(commit, read error, whenFound, whenGone bool) outcome {
	made := whenFound
	switch {
	case domain.ErrorCode(read) == domain.CodeNotFound:
		made = whenGone
	case read != nil:
		return notKnown
	}
	switch {
	case !made:
		return notCommitted
	case store.IsGone(commit):
		return notKnown
	}
	return committed
}
