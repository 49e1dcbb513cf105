package bulk

import (
	"context"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// ErrTooMany is the message of the CodeConflict error of [Runner.Begin] while too many
// operations have not ended.
const ErrTooMany = "too many operations have not ended: wait for them, or cancel some"

// Begin stores an operation, of which the caller gives Action, Tags, Filter, Namespace, By,
// Role and RequestID, and lets it be carried out. With ids it is about these jobs, as far as
// they are there and in its namespace; otherwise about those of its filter. The record of an
// Idempotency-Key in the context is part of the same commit: [store.WithIdempotency].
func (r *Runner) Begin(ctx context.Context, o domain.Operation, ids []domain.JobID) (domain.Operation, error) {
	r.beginning.Lock()
	defer r.beginning.Unlock()
	if err := r.admit(ctx, o.By.Key); err != nil {
		return o, err
	}
	if o.Pause != (domain.Pause{}) && r.Pauses != nil { // the owner of the first shard carries it out
		if err := r.Pauses(ctx); err != nil {
			return o, err
		}
	}
	o.CreatedAt = r.now()
	o.ID, o.State = domain.NewOperationID(o.CreatedAt), domain.OperationMatching
	var found []domain.JobID
	if len(ids) > 0 {
		var err error
		ids = Distinct(ids)
		if found, err = r.find(ctx, &store.JobQuery{IDs: ids, Namespace: o.Namespace}); err != nil {
			return o, err
		}
		o.Named, o.State, o.MatchedAt = len(ids), domain.OperationRunning, o.CreatedAt
		o.Counts.Matched, o.Counts.NotFound = int64(len(found)), int64(len(ids)-len(found))
	}
	under := store.WithChange(ctx, o.Entry())
	err := r.write(under, func(ctx context.Context) error { return r.operations.Create(ctx, o, found) })
	if err != nil && domain.ErrorCode(err) != domain.CodeConflict {
		// It may be stored all the same.
		read := r.write(ctx, func(ctx context.Context) error {
			_, err := r.operations.Get(ctx, o.ID)
			return err
		})
		if read == nil && !store.IsGone(err) {
			err = nil
		}
	}
	if err == nil {
		r.wake()
	}
	return o, store.Coded(err)
}

// Distinct returns ids, in order, each once.
func Distinct(ids []domain.JobID) []domain.JobID {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b domain.JobID) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}

// admit refuses an operation while too many have not ended.
func (r *Runner) admit(ctx context.Context, caller string) error {
	open, err := r.operations.List(ctx, store.OperationQuery{Open: true, Limit: domain.MaxOpenOperations})
	if err != nil {
		return store.Coded(err)
	}
	mine := 0
	for i := range open {
		if open[i].By.Key == caller {
			mine++
		}
	}
	if len(open) >= domain.MaxOpenOperations || mine >= domain.MaxCallerOperations {
		return domain.Conflict(ErrTooMany)
	}
	return nil
}

// find returns the ids of all jobs that a query selects, which has few.
func (r *Runner) find(ctx context.Context, q *store.JobQuery) (found []domain.JobID, err error) {
	for {
		page, next, err := r.page(ctx, q)
		if err != nil {
			return nil, err
		}
		found = append(found, page...)
		if next.IsZero() {
			return found, nil
		}
		q.After = next
	}
}

// page returns the ids of the next jobs of a list, and where it goes on; zero: nowhere. Nothing
// of a job but its id is needed, so that bodies are not read.
func (r *Runner) page(ctx context.Context, q *store.JobQuery) (ids []domain.JobID, next domain.JobID, err error) {
	q.Limit, q.MaxBody, q.MaxBytes = stepJobs, 1, pageBytes
	found, err := r.Store.Jobs().List(ctx, *q)
	if err != nil {
		return nil, next, store.Coded(err)
	}
	ids = make([]domain.JobID, len(found.Jobs))
	for i := range found.Jobs {
		ids[i] = found.Jobs[i].ID
	}
	return ids, found.Next, nil
}

// Cancel asks for the end of an operation, and returns it as it is then: what is under way goes
// on to the end of its step. One that has ended stays as it is. The context has the entry of the
// trail: [store.WithChange].
func (r *Runner) Cancel(ctx context.Context, id domain.OperationID, by domain.Author) (domain.Operation, error) {
	c := domain.Cancellation{At: r.now(), By: by}
	err := r.write(ctx, func(ctx context.Context) error { return r.operations.Cancel(ctx, id, c) })
	if err != nil && domain.ErrorCode(err) != domain.CodeConflict {
		return domain.Operation{}, store.Coded(err)
	}
	r.wake()
	o, err := r.operations.Get(ctx, id)
	return o, store.Coded(err)
}
