package edit

import (
	"context"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/failpoint"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// maxUnclear bounds the creations whose outcome is not known, and the triggers with an
// Idempotency-Key that are not on record yet: each asks the store five times a second. Requests
// that were admitted before come on top, one for each connection.
const maxUnclear = 64

// Created is what became of one document of [Editor.Create], or of an import.
type Created struct {
	Version domain.Version // as it is now, when Err is nil
	Outcome Outcome
	Err     error
}

// Outcome is what was done with a document.
type Outcome uint8

// The outcomes.
const (
	Made      Outcome = iota // a new job
	Changed                  // a new version of the job that has its key
	Unchanged                // that job is as the document says
	Skipped                  // that job was left as it is
)

// Create makes one job for each document, in order, active or paused. A document that
// is not valid, or whose key another job has, carries its error and does not spoil the
// rest. The others are one commit: when the store fails, each of them carries that error.
func (e *Editor) Create(ctx context.Context, docs []domain.SpecDoc) []Created {
	c := e.newCreation(docs, domain.NewJobIDs(e.now(), len(docs)))
	c.all(ctx)
	return c.out
}

// admitUnclear refuses what may have an unclear outcome while that of too much else is open.
func (e *Editor) admitUnclear() error {
	if e.unclear.Load() < maxUnclear {
		return nil
	}
	return domain.Unavailable(e.owner.StoreFault(), "the store does not answer")
}

// creation is documents on their way to jobs.
type creation struct {
	*Editor

	docs []domain.SpecDoc
	ids  []domain.JobID // of the jobs
	rest []int          // places of the documents that are still to be made
	out  []Created      // by place
}

func (e *Editor) newCreation(docs []domain.SpecDoc, ids []domain.JobID) *creation {
	c := &creation{Editor: e, docs: docs, ids: ids, rest: make([]int, len(docs)), out: make([]Created, len(docs))}
	for i := range c.rest {
		c.rest[i] = i
	}
	return c
}

// fail ends what is left of a creation with an error.
func (c *creation) fail(err error) {
	for _, i := range c.rest {
		c.out[i].Err = err
	}
	c.rest = nil
}

// all makes what is left of a creation. A document whose key is taken is refused.
func (c *creation) all(ctx context.Context) {
	for len(c.rest) > 0 {
		c.refuse(c.try(ctx))
	}
}

// refuse refuses the documents whose keys are taken. The others are still to be made.
func (c *creation) refuse(taken map[int]domain.JobID) {
	for i, holder := range taken {
		c.out[i].Err = keyTaken(c.docs[i].Key, holder)
	}
	c.rest = slices.DeleteFunc(c.rest, func(i int) bool {
		_, is := taken[i]
		return is
	})
}

// keyTaken is the error about a key that another job has.
func keyTaken(key string, holder domain.JobID) error {
	return &domain.Error{Code: domain.CodeConflict, Fields: []domain.FieldError{{
		Field: "key", Code: domain.FieldDuplicate, Value: key,
		Message: "is the key of job " + holder.String() + ": no two jobs of a namespace have the same",
	}}, Err: &store.TakenError{By: map[int]domain.JobID{0: holder}}}
}

// try makes what is left of a creation, in one commit, after which nothing is. If keys are
// taken it makes nothing, and returns whose they are, by place.
func (c *creation) try(ctx context.Context) (taken map[int]domain.JobID) {
	if err := c.admitUnclear(); err != nil {
		c.fail(err)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	now := c.now()
	versions := make([]domain.Version, len(c.rest))
	for at, i := range c.rest {
		versions[at] = domain.Version{
			JobID: c.ids[i], Number: 1, EffectiveTo: domain.Forever,
			CreatedAt: now, Active: c.docs[i].IsActive, Spec: c.docs[i].Spec,
		}
	}
	faults, fences, end := c.owner.BeginCreate(ctx, versions)
	ctx = store.WithFences(ctx, fences...)
	valid, places := make([]domain.Version, 0, len(versions)), make([]int, 0, len(versions))
	for at, i := range c.rest {
		c.out[i] = Created{Version: versions[at], Err: faults[at]}
		if faults[at] == nil {
			valid, places = append(valid, versions[at]), append(places, i)
		}
	}
	if c.rest = places; len(valid) == 0 {
		end(false)
		return nil
	}
	err := c.commitNew(ctx, valid, end)
	if by := store.TakenBy(err); by != nil {
		taken = make(map[int]domain.JobID, len(by))
		for at, holder := range by {
			taken[places[at]] = holder
		}
		return taken
	}
	if err != nil {
		c.fail(err)
	}
	c.rest = nil
	return nil
}

// lockKeyed locks new jobs that have keys until unlock is called: by its key a job is found
// as soon as it is stored, and it must not be changed before its owner knows it, or while it
// may still be undone. Nobody else knows the ids, so that there is nothing to wait for.
func (c *creation) lockKeyed(ctx context.Context, versions []domain.Version) (unlock func(), err error) {
	var held []func()
	unlock = func() {
		for _, one := range held {
			one()
		}
	}
	for i := range versions {
		if versions[i].Spec.Key == "" {
			continue
		}
		one, err := c.lock(ctx, versions[i].JobID)
		if err != nil {
			unlock()
			return nil, err
		}
		held = append(held, one)
	}
	return unlock, nil
}

// commitNew stores new jobs and tells the owner. After an unclear answer it checks
// whether they are there. When even that cannot be known it ends them in the
// background, and W waits: a job that is stored and that nobody fires would lose its
// fires.
func (c *creation) commitNew(ctx context.Context, versions []domain.Version, end End) error {
	unlock, err := c.lockKeyed(ctx, versions)
	if err != nil {
		end(false)
		return err
	}
	err = c.jobs.Create(ctx, versions)
	result := decideCommit(err)
	if result == notKnown {
		_, read := c.jobs.Get(ctx, versions[0].JobID)
		result = decideRead(err, read, true, false)
		err = domain.Unavailable(err, "the job could not be stored")
	}
	if result == notKnown {
		c.unclear.Add(1)
		release := c.once.hold(ctx)
		c.background.start(func() {
			defer c.unclear.Add(-1)
			defer release()
			if c.endNew(ctx, versions, end) {
				unlock()
			}
		})
		return err
	}
	if result == committed {
		err = nil
		failpoint.Hit("edit.created")
	}
	end(result == committed)
	unlock()
	return err
}

// endNew ends creations of unknown outcome. Those of a request with an Idempotency-Key
// are carried out, since the request comes again and gets the answer then. Others are
// undone: a caller who asks again makes others, and has no ids of these. It returns false
// when the process ends before the outcome is known.
func (c *creation) endNew(by context.Context, versions []domain.Version, end End) (known bool) {
	_, comesAgain := store.IdempotencyOf(by)
	stored := false
	known = c.background.repeat(by, func(ctx context.Context) error {
		if !comesAgain {
			return c.undoNew(ctx, versions)
		}
		err := c.jobs.Create(ctx, versions)
		if decideCommit(err) == notKnown {
			return err
		}
		stored = err == nil
		return nil
	})
	if known {
		end(stored)
	}
	return known
}

// undoNew deletes jobs that may be stored, from their first instant on. It
// stores them first: a commit that is still under way ends before this one, and
// only then is it known what there is to delete.
func (c *creation) undoNew(ctx context.Context, versions []domain.Version) error {
	if err := c.jobs.Create(ctx, versions); decideCommit(err) == notKnown {
		return err
	}
	for i := range versions {
		v := &versions[i]
		if err := c.jobs.Delete(ctx, v.JobID, v.Number, v.EffectiveFrom); decideCommit(err) == notKnown {
			return err
		}
	}
	return nil
}
