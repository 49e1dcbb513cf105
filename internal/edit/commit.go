package edit

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/failpoint"
)

// change is one change of a job on its way to the store.
type change struct {
	*Editor

	job     domain.JobID
	makes   *domain.Version // with deletes its number alone counts
	deletes bool
	commit  func(context.Context) error
	remote  *remote // whose commit it is; nil: the owner is here
	end     End
	unlock  func()
}

// run commits a change and tells the owner. While the outcome is not known the job
// stays held: nothing is sent that the change may have ended. The caller gets its
// answer at once; the question is asked again in the background.
func (c *change) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	result, err := c.without.commitOnce(ctx, c.commit)
	switch result {
	case committed:
		failpoint.Hit("edit.committed")
	case notCommitted:
	case notKnown:
		job, read := c.jobs.Get(ctx, c.job)
		alone := c.without.ahead == 0
		found := decideFound(&job.Current, c.makes, c.deletes, alone)
		result = decideRead(err, read, found, decideGone(c.deletes, alone))
		if result == notKnown {
			c.background.start(func() { c.runUntilKnown(ctx) })
			return domain.Unavailable(err, "the change could not be stored; whether it was is not known yet")
		}
		err = domain.Unavailable(err, "the change could not be stored")
	}
	c.conclude(ctx, result == committed)
	if result == committed {
		return nil
	}
	return err
}

// conclude tells the owner what became of a change, and lets the job's other changes
// go on. What is still to be put on record follows in the background.
func (c *change) conclude(by context.Context, stored bool) {
	rest := c.end(stored)
	if stored {
		failpoint.Hit("edit.applied")
	}
	c.unlock()
	if rest != nil {
		c.background.start(func() { c.background.repeat(by, rest) })
	}
}

// runUntilKnown repeats a change until the store says what became of it. A
// read would not do: a commit that is still under way is not seen by it, and
// may end after it.
func (c *change) runUntilKnown(by context.Context) {
	stored := true
	known := c.background.repeat(by, func(ctx context.Context) error {
		err := c.commit(ctx)
		if decideCommit(err) == notCommitted {
			stored = false
			return nil
		}
		return err
	})
	if known {
		c.conclude(by, stored)
	}
}
