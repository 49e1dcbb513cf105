package edit

import (
	"context"
	"errors"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/failpoint"
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

// change is one change of a job on its way to the store.
type change struct {
	job     domain.JobID
	number  int // of the version that it makes
	deletes bool
	commit  func(context.Context) error
	end     End
	unlock  func()
}

// run commits a change and tells the owner. While the outcome is not known the job
// stays held: nothing is sent that the change may have ended. The caller gets its
// answer at once; the question is asked again in the background.
func (e *Editor) run(ctx context.Context, c *change) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	err := c.commit(ctx)
	result := decideCommit(err)
	switch result {
	case committed:
		failpoint.Hit("edit.committed")
	case notCommitted:
	case notKnown:
		job, read := e.jobs.Get(ctx, c.job)
		result = decideRead(err, read, !c.deletes && job.Current.Number >= c.number, c.deletes)
		if result == notKnown {
			e.background.start(func() { e.runUntilKnown(ctx, c) })
			return domain.Unavailable(err, "the change could not be stored; whether it was is not known yet")
		}
		err = domain.Unavailable(err, "the change could not be stored")
	}
	e.conclude(ctx, c, result == committed)
	if result == committed {
		return nil
	}
	return err
}

// conclude tells the owner what became of a change, and lets the job's other changes
// go on. What is still to be put on record follows in the background.
func (e *Editor) conclude(by context.Context, c *change, stored bool) {
	rest := c.end(stored)
	if stored {
		failpoint.Hit("edit.applied")
	}
	c.unlock()
	if rest != nil {
		e.background.start(func() { e.background.repeat(by, rest) })
	}
}

// runUntilKnown repeats a change until the store says what became of it. A
// read would not do: a commit that is still under way is not seen by it, and
// may end after it.
func (e *Editor) runUntilKnown(by context.Context, c *change) {
	stored := true
	known := e.background.repeat(by, func(ctx context.Context) error {
		err := c.commit(ctx)
		if decideCommit(err) == notCommitted {
			stored = false
			return nil
		}
		return err
	})
	if known {
		e.conclude(by, c, stored)
	}
}
