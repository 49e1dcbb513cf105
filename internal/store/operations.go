package store

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Operations stores operations on many jobs, and which jobs are still to be dealt with. One
// that has ended does not change any more.
//
// Match and Mark write the progress of an operation: State, Counts, Errors, Fault, MatchedAt,
// EndedAt and Progress. What it was made with stays. CodeNotFound: there is none with the id.
// CodeConflict: it has ended, otherwise than the call says.
type Operations interface {
	// Create inserts an operation with jobs that are pending. A repeat with the same request
	// succeeds. The entry of the trail and the record of an Idempotency-Key are written in the
	// same transaction if the context has a change or a record, as by the methods of [Jobs].
	Create(ctx context.Context, o domain.Operation, pending []domain.JobID) error
	// Get returns an operation, or CodeNotFound.
	Get(ctx context.Context, id domain.OperationID) (domain.Operation, error)
	// List returns operations, newest first.
	List(ctx context.Context, q OperationQuery) ([]domain.Operation, error)
	// Match writes the progress, and adds jobs that are pending. One that is pending already
	// stays as it is.
	Match(ctx context.Context, o domain.Operation, pending []domain.JobID) error
	// Pending returns the next jobs that are pending, in the order of their ids.
	Pending(ctx context.Context, id domain.OperationID, limit int) ([]domain.JobID, error)
	// Mark writes the progress, and takes away jobs that have been dealt with.
	Mark(ctx context.Context, o domain.Operation, done []domain.JobID) error
	// Cancel keeps that somebody wants an operation to end, once. CodeConflict: it has ended.
	Cancel(ctx context.Context, id domain.OperationID, c domain.Cancellation) error
	// Expire deletes what is pending of operations that have ended, and operations that have
	// ended at the instant or before. It returns how many operations went.
	Expire(ctx context.Context, before int64) (int, error)
}

// OperationQuery selects operations in the order of their ids, descending.
type OperationQuery struct {
	Before    domain.OperationID // exclusive; zero: from the newest on
	Namespace string             // of authors who see this one alone; empty: of all
	Open      bool               // only those that have not ended
	Limit     int
}

// NoOperation is the CodeNotFound error about an operation.
func NoOperation(id domain.OperationID) error { return domain.NotFound("operation", id) }

// HasEnded is the CodeConflict error about an operation that does not change any more.
func HasEnded(o *domain.Operation) error {
	return domain.Conflict("operation %s has ended: it is %s", o.ID, o.State)
}

// Progressed returns the operation that is stored, with the progress of another one. It returns
// false where there is nothing to write, and an error where it has ended otherwise.
func Progressed(is, next *domain.Operation) (domain.Operation, bool, error) {
	out := *is
	out.State, out.Counts, out.Errors, out.Fault = next.State, next.Counts, next.Errors, next.Fault
	out.MatchedAt, out.EndedAt, out.Progress = next.MatchedAt, next.EndedAt, next.Progress
	switch {
	case !is.State.Ended():
		return out, true, nil
	case is.State == next.State && is.EndedAt == next.EndedAt && is.Counts == next.Counts:
		return *is, false, nil // a repeat
	}
	return *is, false, HasEnded(is)
}
