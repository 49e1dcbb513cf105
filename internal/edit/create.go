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
	c := e.newCreation(docs, e.newIDs(e.now(), len(docs)))
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

// try makes what is left of a creation, after which nothing is: those whose owner is here in one
// commit, and then the others in one. If keys are taken it makes nothing of that commit, and
// returns whose they are, by place.
func (c *creation) try(ctx context.Context) (taken map[int]domain.JobID) {
	if err := c.admitUnclear(); err != nil {
		c.fail(err)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	if c.refusePauses(ctx); len(c.rest) == 0 {
		return nil
	}
	here, away, fences, end := c.begin(ctx)
	c.rest = slices.Concat(here.places, away.places)
	if len(here.versions) > 0 {
		by := &maker{create: c.jobs.Create, undo: c.undo, end: end}
		err := c.commitNew(store.WithFences(ctx, fences...), &here, by)
		switch {
		case c.without.instead(err): // the owner has changed
			away.join(&here)
		case store.TakenBy(err) != nil:
			return here.taken(err)
		default:
			c.finish(&here, err)
		}
	} else {
		end(false)
	}
	c.rest = away.places
	if len(away.versions) > 0 {
		by := &maker{create: c.without.create, undo: c.without.undo, end: endNothing}
		err := c.commitNew(ctx, &away, by)
		if store.TakenBy(err) != nil {
			return away.taken(err)
		}
		c.finish(&away, err)
	}
	c.rest = nil
	return nil
}

// refusePauses refuses those documents of which other processes would lose what is said of a pause.
func (c *creation) refusePauses(ctx context.Context) {
	asked, refused := false, error(nil)
	c.rest = slices.DeleteFunc(c.rest, func(i int) bool {
		if c.docs[i].Pause == (domain.Pause{}) {
			return false
		}
		if !asked {
			asked, refused = true, c.pauses.check(ctx, c.docs[i].Pause)
		}
		c.out[i].Err = refused
		return refused != nil
	})
}

// group is what one commit makes.
type group struct {
	versions []domain.Version
	places   []int // of their documents
}

func (g *group) add(v *domain.Version, place int) {
	g.versions, g.places = append(g.versions, *v), append(g.places, place)
}

func (g *group) join(other *group) {
	g.versions, g.places = append(g.versions, other.versions...), append(g.places, other.places...)
}

// taken returns whose the keys are that are taken, by place.
func (g *group) taken(err error) map[int]domain.JobID {
	by := store.TakenBy(err)
	taken := make(map[int]domain.JobID, len(by))
	for at, holder := range by {
		taken[g.places[at]] = holder
	}
	return taken
}

// begin begins what is left of a creation with the owner, and sorts it by where its owner is. What
// cannot be run has its fault. With an Idempotency-Key, whose record belongs to one commit, all are
// away if one is.
func (c *creation) begin(ctx context.Context) (here, away group, fences []store.Fence, end End) {
	now := c.now()
	versions := make([]domain.Version, len(c.rest))
	for at, i := range c.rest {
		versions[at] = domain.Version{
			JobID: c.ids[i], Number: 1, EffectiveTo: domain.Forever,
			CreatedAt: now, Active: c.docs[i].IsActive, Pause: c.docs[i].Pause, Spec: c.docs[i].Spec,
		}
	}
	faults, fences, end := c.owner.BeginCreate(ctx, versions)
	for at, i := range c.rest {
		c.out[i] = Created{Version: versions[at], Err: faults[at]}
		switch {
		case faults[at] == nil:
			here.add(&versions[at], i)
		case c.without.instead(faults[at]):
			away.add(&versions[at], i)
		}
	}
	if _, one := store.IdempotencyOf(ctx); one && len(away.versions) > 0 {
		away.join(&here)
		here = group{}
	}
	return here, away, fences, end
}

// finish notes what became of a group.
func (c *creation) finish(g *group, err error) {
	for at, i := range g.places {
		c.out[i] = Created{Version: g.versions[at], Err: err}
	}
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

// maker is how new jobs come to the store.
type maker struct {
	create func(context.Context, []domain.Version) error
	undo   func(context.Context, *domain.Version) error // of a job that may be stored
	end    End
}

// commitNew stores new jobs and tells the owner. After an unclear answer it checks
// whether they are there. When even that cannot be known it ends them in the
// background, and W waits: a job that is stored and that nobody fires would lose its
// fires.
func (c *creation) commitNew(ctx context.Context, g *group, by *maker) error {
	unlock, err := c.lockKeyed(ctx, g.versions)
	if err != nil {
		by.end(false)
		return err
	}
	result, err := c.without.commitOnce(ctx, func(ctx context.Context) error { return by.create(ctx, g.versions) })
	if result == notKnown {
		_, read := c.jobs.Get(ctx, g.versions[0].JobID)
		result = decideRead(err, read, committed, decideNone(c.without.ahead == 0))
		if result == committed && !c.readFrom(ctx, g.versions) {
			result = notKnown
		}
		err = domain.Unavailable(err, "the job could not be stored")
	}
	if result == notKnown {
		c.unclear.Add(1)
		release := c.once.hold(ctx)
		versions := slices.Clone(g.versions)
		c.background.start(func() {
			defer c.unclear.Add(-1)
			defer release()
			if c.endNew(ctx, versions, by) {
				unlock()
			}
		})
		return err
	}
	if result == committed {
		err = nil
		failpoint.Hit("edit.created")
	}
	by.end(result == committed)
	unlock()
	return err
}

// readFrom reads from when on new jobs are valid that the store has and whose answer was lost, where the
// store has decided that.
func (c *creation) readFrom(ctx context.Context, versions []domain.Version) bool {
	for i := range versions {
		v := &versions[i]
		if v.EffectiveFrom != 0 {
			continue
		}
		job, err := c.jobs.Get(ctx, v.JobID)
		if err != nil || job.Current.Number != v.Number { // nobody else knows the job
			return false
		}
		v.EffectiveFrom = job.Current.EffectiveFrom
	}
	return true
}

// endNew ends creations of unknown outcome. Those of a request with an Idempotency-Key
// are carried out, since the request comes again and gets the answer then. Others are
// undone: a caller who asks again makes others, and has no ids of these. It returns false
// when the process ends before the outcome is known.
func (c *creation) endNew(ctx context.Context, versions []domain.Version, by *maker) (known bool) {
	_, comesAgain := store.IdempotencyOf(ctx)
	stored := false
	known = c.background.repeat(ctx, func(ctx context.Context) error {
		err := by.create(ctx, versions)
		if decideCommit(err) == notKnown {
			return err
		}
		if stored = err == nil; comesAgain {
			return nil
		}
		return undoNew(ctx, versions, by)
	})
	if known {
		by.end(stored && comesAgain)
	}
	return known
}

// undoNew deletes jobs that may be stored, from their first instant on. They were stored
// again before: a commit that is still under way ends before that one, and only then is it
// known what there is to delete.
func undoNew(ctx context.Context, versions []domain.Version, by *maker) error {
	for i := range versions {
		if err := by.undo(ctx, &versions[i]); decideCommit(err) == notKnown {
			return err
		}
	}
	return nil
}

// undo deletes a job that its owner has begun to make, from its first instant on.
func (c *creation) undo(ctx context.Context, v *domain.Version) error {
	return c.jobs.Delete(ctx, v.JobID, v.Number, v.EffectiveFrom)
}
