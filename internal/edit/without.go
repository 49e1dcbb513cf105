package edit

import (
	"context"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	endTimeout = 10 * time.Second       // of the wait until nothing more is sent
	lookAgain  = 100 * time.Millisecond // at the shard's row
)

// without changes jobs whose owner is another process, or nobody: straight in the store, which
// chooses from when on a change is valid. The owner follows it after its next beat.
type without struct {
	edits  store.Edits
	shards store.Shards
	ledger store.Ledger
	ahead  int64 // see Config.Ahead
	clock  clock.Clock
}

// instead reports whether a change that ended with the error is to be made without the owner:
// this process is not the owner.
func (w *without) instead(err error) bool { return w.ahead > 0 && store.StaleShards(err) != nil }

// remote is a change of a job without its owner.
type remote struct {
	*without
	call func(context.Context) (store.Effect, error)
	made *store.Effect // nil: the store has not answered
}

func (w *without) update(next *domain.Version) *remote {
	v := *next
	v.EffectiveFrom = 0 // as soon as may be
	return &remote{without: w, call: func(ctx context.Context) (store.Effect, error) {
		return w.edits.Update(ctx, v, w.ahead)
	}}
}

func (w *without) remove(id domain.JobID, number int) *remote {
	return &remote{without: w, call: func(ctx context.Context) (store.Effect, error) {
		return w.edits.Delete(ctx, id, number, w.ahead)
	}}
}

// commit makes the change. It may be made again, which changes nothing if it has been made.
func (r *remote) commit(ctx context.Context) error {
	made, err := r.call(ctx)
	if err == nil {
		r.made = &made
	}
	return err
}

// finish returns from when on a change that the store has is valid. If it stops a job, nothing
// that it has ended is sent any more: the error says that this is not known yet.
func (r *remote) finish(ctx context.Context, stops bool) (from int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	if r.made == nil { // the store has it, as a read says, and its answer was lost
		if err := r.commit(ctx); err != nil {
			return 0, domain.Unavailable(err, "the change is stored; from when on it is valid is not known yet")
		}
	}
	if !stops {
		return r.made.At, nil
	}
	if effects := store.EffectsOf(ctx); effects != nil { // the caller waits for many at once
		effects.Add(*r.made)
		return r.made.At, nil
	}
	return r.made.At, r.ended(ctx, r.made)
}

// ended waits until nothing is sent any more that the change has ended.
func (w *without) ended(ctx context.Context, made *store.Effect) error {
	for {
		rows, err := w.shards.Peek(ctx)
		if err == nil && made.Ends(&rows[made.Number], clock.NowMs(w.clock)) {
			return nil
		}
		if !clock.Wait(ctx, lookAgain) {
			return domain.Unavailable(err, "the change is stored, and valid from %s on; whether the node that runs "+
				"the job follows it is still being confirmed", time.UnixMilli(made.At).UTC().Format(time.RFC3339Nano))
		}
	}
}

// commitOnce makes a commit that is to be there once. Where other processes have the database, a read would not tell
// what became of it: it is made again then.
func (w *without) commitOnce(ctx context.Context, commit func(context.Context) error) (outcome, error) {
	if w.ahead > 0 {
		return repeated(ctx, commit)
	}
	err := commit(ctx)
	return decideCommit(err), err
}

// endNothing is told what became of a change that no owner in this process knows of.
func endNothing(bool) func(context.Context) error { return nil }

// create makes new jobs, and sets from when on each is valid.
func (w *without) create(ctx context.Context, versions []domain.Version) error {
	for i := range versions {
		versions[i].EffectiveFrom = 0 // as soon as may be
	}
	made, err := w.edits.Create(ctx, versions, w.ahead)
	for i := range made {
		versions[i].EffectiveFrom = made[i].At
	}
	return err
}

// undo deletes a job that may have been made. Until the owner knows it may have fires.
func (w *without) undo(ctx context.Context, v *domain.Version) error {
	_, err := w.edits.Delete(ctx, v.JobID, v.Number, w.ahead)
	return err
}
