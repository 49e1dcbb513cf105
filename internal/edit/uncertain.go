package edit

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// triggerKey and uncertainKey are of contexts.
type (
	triggerKey   struct{}
	uncertainKey struct{}
)

// named is an execution whose id is known before it is triggered.
type named struct{ at, nonce int64 }

// WithTrigger returns a context under which [Editor.Trigger] triggers the execution of the instant
// with the nonce, whichever process does it.
func WithTrigger(ctx context.Context, at, nonce int64) context.Context {
	return context.WithValue(ctx, triggerKey{}, named{at, nonce})
}

// WithUncertain returns a context for a change that another process may have made, or may still be
// making, under the same entry of the trail ([store.WithChange]), or the same trigger. It is made once, and
// if it was made already its answer is given again. changes has the entries.
func WithUncertain(ctx context.Context, changes store.Changes) context.Context {
	return context.WithValue(ctx, uncertainKey{}, changes)
}

// uncertainOf returns the entries of changes that another process may have made; nil: none can have.
func uncertainOf(ctx context.Context) store.Changes {
	changes, _ := ctx.Value(uncertainKey{}).(store.Changes)
	return changes
}

// MadeBefore reports whether the change of a job that the context is about was made already, and of which
// version it tells. Unless it is uncertain, it was not.
func MadeBefore(ctx context.Context, id domain.JobID) (number int, made bool, err error) {
	changes := uncertainOf(ctx)
	c, has := store.ChangeOf(ctx)
	if changes == nil || !has {
		return 0, false, nil
	}
	entries, err := changes.List(ctx, store.ChangeQuery{JobID: id, From: c.At, To: c.At, Limit: 100, MaxBody: 1})
	for i := range entries {
		if entries[i].Nonce == c.Nonce {
			return entries[i].Version, true, nil
		}
	}
	return 0, false, store.Coded(err)
}

// updatedBefore returns the version that a change has made already. If that has paused the job,
// nothing is sent any more.
func (w *without) updatedBefore(ctx context.Context, jobs store.Jobs, id domain.JobID) (v domain.Version, made bool,
	err error) {
	number, made, err := MadeBefore(ctx, id)
	if err != nil || !made {
		return v, false, err
	}
	versions, err := jobs.Versions(ctx, id, store.WholeVersions)
	if err != nil {
		return v, false, store.Coded(err)
	}
	for i := range versions {
		if versions[i].Number != number {
			continue
		}
		v = versions[i]
		if v.Active || v.EffectiveTo != domain.Forever { // nothing to wait for
			return v, true, nil
		}
		r := w.update(&v) // a repeat says when its owner follows
		if _, err := repeated(ctx, r.commit); err != nil {
			return v, true, err
		}
		v.EffectiveFrom, err = r.finish(ctx, true)
		return v, true, err
	}
	return v, false, nil
}

// removedBefore is updatedBefore for a deletion.
func (w *without) removedBefore(ctx context.Context, id domain.JobID) (from int64, made bool, err error) {
	number, made, err := MadeBefore(ctx, id)
	if err != nil || !made {
		return 0, false, err
	}
	r := w.remove(id, number)
	if _, err := repeated(ctx, r.commit); err != nil {
		return 0, true, err
	}
	from, err = r.finish(ctx, true)
	return from, true, err
}
