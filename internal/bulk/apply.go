package bulk

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// errUnaltered ends a change that would alter nothing.
var errUnaltered = errors.New("nothing to change")

// answer is what package edit has said of a job.
type answer struct {
	outcome outcome
	err     error
}

// apply carries out a step of an operation.
func (r *Runner) apply(ctx context.Context, o *domain.Operation) error {
	size := stepJobs
	if o.Action == domain.BulkTrigger {
		size = stepTriggers
	}
	ids, err := r.operations.Pending(ctx, o.ID, size)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		if is, err := r.stops.ended(ctx, o.ID); err != nil || !is {
			clock.Wait(ctx, laterEvery)
			return err
		}
		return r.end(ctx, o, domain.AllDealtWith, "")
	}
	o.Progress.StepAt = r.now()
	if err := r.mark(ctx, o, nil); err != nil {
		return err
	}
	return r.conclude(ctx, o, ids, r.applyAll(store.WithEffects(ctx, r.stops.effects(o.ID)), o, ids))
}

// conclude counts what has become of the jobs of a step. One of which that is not known is
// looked up before the next step.
func (r *Runner) conclude(ctx context.Context, o *domain.Operation, ids []domain.JobID, answers []answer) error {
	var dealt []domain.JobID
	var fault error
	for i, a := range answers {
		if a.outcome.count(o, ids[i], a.err) {
			dealt = append(dealt, ids[i])
		} else if a.outcome == unclear && fault == nil {
			fault = a.err
		}
	}
	if fault == nil {
		o.Progress.StepAt = 0
	}
	if err := r.mark(ctx, o, dealt); err != nil {
		return err
	}
	if fault == nil && len(dealt) == 0 { // other changes of these jobs are to end first
		clock.Wait(ctx, laterEvery)
	}
	return fault
}

// applyAll applies the action to each of some jobs. After a stop, and once the outcome of a
// change is not known, it begins no more.
func (r *Runner) applyAll(ctx context.Context, o *domain.Operation, ids []domain.JobID) []answer {
	answers := make([]answer, len(ids))
	var next atomic.Int64
	var stalled atomic.Bool
	var all sync.WaitGroup
	for range min(workers, len(ids)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(ids); i = int(next.Add(1)) - 1 {
				if err := ctx.Err(); err != nil || stalled.Load() {
					answers[i] = answer{unclear, errors.Join(err, errStalled)}
					continue
				}
				answers[i] = r.applyOne(ctx, o, ids[i])
				if answers[i].outcome == unclear {
					stalled.Store(true)
				}
				r.Pace.Step(i)
			}
		})
	}
	all.Wait()
	return answers
}

// errStalled is why a job of a step was not dealt with.
var errStalled = errors.New("the step has ended before")

func (r *Runner) applyOne(ctx context.Context, o *domain.Operation, id domain.JobID) (a answer) {
	defer func() {
		if p := recover(); p != nil { // nobody else would catch it here
			a = answer{failed, fmt.Errorf("panic: %v", p)}
			r.Log.Error("panic in an operation on many jobs", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	ctx, cancel := context.WithTimeout(under(ctx, o, id), storeTimeout) // a trigger waits for its record
	defer cancel()
	changed, err := r.change(ctx, o, id)
	return answer{decideOutcome(changed, err), err}
}

// under returns a context with the entry of the trail that a change of a job in this step has.
func under(ctx context.Context, o *domain.Operation, id domain.JobID) context.Context {
	return store.WithChange(ctx, entryOf(o, id))
}

func entryOf(o *domain.Operation, id domain.JobID) domain.Change {
	return domain.Change{
		At: o.Progress.StepAt, Nonce: o.Nonce(id), By: o.By, RequestID: o.RequestID, Operation: o.ID,
	}
}

// enterTrigger writes the entry of a trigger, behind it: the execution is on record by then. It
// can be repeated.
func (r *Runner) enterTrigger(ctx context.Context, o *domain.Operation, x *domain.Execution) error {
	e := entryOf(o, x.JobID)
	e.Action, e.JobID, e.Version, e.Execution = domain.ActionTrigger, x.JobID, x.Version, x.ID()
	return r.write(ctx, func(ctx context.Context) error { return store.Coded(r.Store.Changes().Add(ctx, e)) })
}

// change carries out the action on a job, and reports whether it is not as it was.
func (r *Runner) change(ctx context.Context, o *domain.Operation, id domain.JobID) (changed bool, err error) {
	switch o.Action {
	case domain.BulkPause, domain.BulkResume:
		pause := o.Action == domain.BulkPause
		if pause && domain.DecidePauseEnd(false, o.Pause.Until, 0, r.now(), true) == domain.PauseIsOver {
			return false, nil // the operation has taken longer than the pause was to be
		}
		_, changed, err = r.Editor.SetActive(ctx, id, 0, !pause, o.PauseOf())
		return changed, err
	case domain.BulkDelete:
		_, err = r.Editor.Delete(ctx, id, 0)
		return true, err
	case domain.BulkTrigger:
		x, err := r.Editor.TriggerAs(ctx, id, o.Progress.StepAt, o.Nonce(id))
		if err == nil {
			err = r.enterTrigger(ctx, o, &x)
		}
		return true, err
	case domain.BulkTag:
		_, err = r.Editor.Update(ctx, id, 0, func(doc *domain.SpecDoc) error {
			next, changed, err := o.Tags.Apply(doc.Tags)
			if err == nil && !changed {
				return errUnaltered
			}
			doc.Tags = next
			return err
		})
		if errors.Is(err, errUnaltered) {
			return false, nil
		}
		return true, err
	}
	return false, domain.Invalid("action", "is none of this program", o.Action)
}
