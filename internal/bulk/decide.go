package bulk

import (
	"context"
	"errors"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// task is what is done next with an operation.
type task uint8

// The tasks.
const (
	taskAccount task = iota // look up what the last step has made
	taskCancel
	taskRefuse // its author may not do that any more
	taskMatch
	taskApply
)

// decideTask says what is done next with an operation that has not ended. may: its author may
// still do that. What was made is counted before it ends, whatever ends it.
func decideTask(o *domain.Operation, may bool) task {
	switch {
	case o.Progress.StepAt != 0:
		return taskAccount
	case o.Cancelled.At != 0:
		return taskCancel
	case !may:
		return taskRefuse
	case o.State == domain.OperationMatching:
		return taskMatch
	}
	return taskApply
}

// outcome is what has become of a job in a step.
type outcome uint8

// The outcomes.
const (
	done      outcome = iota // the action was carried out
	unchanged                // the job was like that already
	skipped                  // the job is gone
	failed                   // the action was refused
	later                    // another change came first: in the next step
	unclear                  // it is not known
)

// decideOutcome says what an answer of package edit means. changed: the job is not as it was.
func decideOutcome(changed bool, err error) outcome {
	switch {
	case err == nil && changed:
		return done
	case err == nil:
		return unchanged
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return unclear
	}
	switch domain.ErrorCode(err) {
	case domain.CodeNotFound:
		return skipped
	case domain.CodeConflict:
		if store.TakenBy(err) == nil {
			return later
		}
	case domain.CodeUnavailable:
		return unclear
	case domain.CodeInvalid, domain.CodeInternal:
	}
	return failed
}

// count adds the outcome of a job to an operation. It returns false while the job is not dealt
// with.
func (out outcome) count(o *domain.Operation, job domain.JobID, err error) bool {
	switch out {
	case done:
		o.Counts.Done++
	case unchanged:
		o.Counts.Unchanged++
	case skipped:
		o.Counts.Skipped++
	case failed:
		o.Note(job, err)
	case later, unclear:
		return false
	}
	return true
}
