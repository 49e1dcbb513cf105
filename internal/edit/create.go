package edit

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/failpoint"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// maxUnclear bounds the creations whose outcome is not known, and the triggers with an
// Idempotency-Key that are not on record yet: each asks the store five times a second. Requests
// that were admitted before come on top, one for each connection.
const maxUnclear = 64

// Created is what became of one document of [Editor.Create].
type Created struct {
	Version domain.Version // version 1 of the new job, when Err is nil
	Err     error
}

// Create makes one job for each document, in order, active or paused. A document that
// is not valid carries its error and does not spoil the rest. The others are one
// commit: when the store fails, each of them carries that error.
func (e *Editor) Create(ctx context.Context, docs []domain.SpecDoc) []Created {
	return e.create(ctx, docs, domain.NewJobIDs(e.now(), len(docs)))
}

// create is Create with the ids of the jobs.
func (e *Editor) create(ctx context.Context, docs []domain.SpecDoc, ids []domain.JobID) []Created {
	out := make([]Created, len(docs))
	if err := e.admitUnclear(); err != nil {
		for i := range out {
			out[i].Err = err
		}
		return out
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	now := e.now()
	versions := make([]domain.Version, len(docs))
	for i := range docs {
		versions[i] = domain.Version{
			JobID: ids[i], Number: 1, EffectiveTo: domain.Forever,
			CreatedAt: now, Active: docs[i].IsActive, Spec: docs[i].Spec,
		}
	}
	faults, end := e.owner.BeginCreate(ctx, versions)
	valid := make([]domain.Version, 0, len(versions))
	for i := range versions {
		out[i] = Created{versions[i], faults[i]}
		if faults[i] == nil {
			valid = append(valid, versions[i])
		}
	}
	if len(valid) == 0 {
		end(false)
		return out
	}
	if err := e.commitNew(ctx, valid, end); err != nil {
		for i := range out {
			if out[i].Err == nil {
				out[i].Err = err
			}
		}
	}
	return out
}

// admitUnclear refuses what may have an unclear outcome while that of too much else is open.
func (e *Editor) admitUnclear() error {
	if e.unclear.Load() < maxUnclear {
		return nil
	}
	return domain.Unavailable(e.owner.StoreFault(), "the store does not answer")
}

// commitNew stores new jobs and tells the owner. After an unclear answer it checks
// whether they are there. When even that cannot be known it ends them in the
// background, and W waits: a job that is stored and that nobody fires would lose its
// fires.
func (e *Editor) commitNew(ctx context.Context, versions []domain.Version, end End) error {
	err := e.jobs.Create(ctx, versions)
	result := decideCommit(err)
	if result == notKnown {
		_, read := e.jobs.Get(ctx, versions[0].JobID)
		result = decideRead(err, read, true, false)
		err = domain.Unavailable(err, "the job could not be stored")
	}
	switch result {
	case committed:
		failpoint.Hit("edit.created")
		end(true)
		return nil
	case notCommitted:
		end(false)
	case notKnown:
		e.unclear.Add(1)
		release := e.once.hold(ctx)
		e.background.start(func() {
			defer e.unclear.Add(-1)
			defer release()
			e.endNew(ctx, versions, end)
		})
	}
	return err
}

// endNew ends creations of unknown outcome. Those of a request with an Idempotency-Key
// are carried out, since the request comes again and gets the answer then. Others are
// undone: a caller who asks again makes others, and has no ids of these.
func (e *Editor) endNew(by context.Context, versions []domain.Version, end End) {
	_, comesAgain := store.IdempotencyOf(by)
	stored := false
	known := e.background.repeat(by, func(ctx context.Context) error {
		if !comesAgain {
			return e.undoNew(ctx, versions)
		}
		err := e.jobs.Create(ctx, versions)
		if decideCommit(err) == notKnown {
			return err
		}
		stored = err == nil
		return nil
	})
	if known {
		end(stored)
	}
}

// undoNew deletes jobs that may be stored, from their first instant on. It
// stores them first: a commit that is still under way ends before this one, and
// only then is it known what there is to delete.
func (e *Editor) undoNew(ctx context.Context, versions []domain.Version) error {
	if err := e.jobs.Create(ctx, versions); decideCommit(err) == notKnown {
		return err
	}
	for i := range versions {
		v := &versions[i]
		if err := e.jobs.Delete(ctx, v.JobID, v.Number, v.EffectiveFrom); decideCommit(err) == notKnown {
			return err
		}
	}
	return nil
}
