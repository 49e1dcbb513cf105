package bulk

import (
	"context"
	"errors"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// account looks up what a step has made whose end is not on record, and counts it. The rest of
// its jobs is dealt with in the next step.
func (r *Runner) account(ctx context.Context, o *domain.Operation) error {
	ids, err := r.operations.Pending(ctx, o.ID, stepJobs)
	if err != nil {
		return err
	}
	var made []domain.JobID
	for i, id := range ids {
		is, err := r.wasMade(ctx, o, id)
		if err != nil {
			return err
		}
		if is {
			o.Counts.Done++
			made = append(made, id)
		}
		r.Pace.Step(i)
	}
	o.Progress.StepAt = 0
	return r.mark(ctx, o, made)
}

// wasMade reports whether the step has changed, or triggered, a job.
func (r *Runner) wasMade(ctx context.Context, o *domain.Operation, id domain.JobID) (bool, error) {
	if o.Action != domain.BulkTrigger {
		if err := r.awaitChange(ctx, id); err != nil {
			return false, err
		}
		return r.isEntered(ctx, o.Progress.StepAt, o.Nonce(id))
	}
	x, err := r.Executions.Execution(ctx, domain.NewExecutionID(id, o.Progress.StepAt, o.Nonce(id)))
	if domain.ErrorCode(err) == domain.CodeNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, r.enterTrigger(ctx, o, &x) // the process may have ended in between
}

// awaitChange waits for a change of a job whose outcome is not known yet: package edit begins
// no other one before.
func (r *Runner) awaitChange(ctx context.Context, id domain.JobID) error {
	_, err := r.Editor.Update(ctx, id, 0, func(*domain.SpecDoc) error { return errUnaltered })
	if errors.Is(err, errUnaltered) || decideOutcome(false, err) != unclear {
		return nil
	}
	return err
}

// isEntered reports whether the trail has the entry of an instant and a nonce.
func (r *Runner) isEntered(ctx context.Context, at, nonce int64) (bool, error) {
	found, err := r.Store.Changes().List(ctx, store.ChangeQuery{
		BeforeAt: at, BeforeNonce: nonce + 1, From: at, To: at, Limit: 1, MaxBody: 1,
	})
	return len(found) > 0 && found[0].Nonce == nonce, err
}
