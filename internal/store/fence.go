package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Fence is the lease under which the owner of a shard decides.
type Fence struct {
	Number int // of the shard
	Lease
}

// StaleError says that leases do not hold. It is a definite answer: nothing of the call was
// done, and nothing of it will be.
type StaleError struct {
	Shards []int
}

// Error implements error.
func (e *StaleError) Error() string {
	return fmt.Sprintf("shards %v have been claimed by another owner, or were released", e.Shards)
}

// Stale returns the error of a call under leases that do not hold.
func Stale(shards ...int) error {
	return domain.Unavailable(&StaleError{shards}, "the owner of the job has changed")
}

// StaleShards returns the shards whose leases do not hold, or nil if the error says
// something else.
func StaleShards(err error) []int {
	if stale, ok := errors.AsType[*StaleError](err); ok {
		return stale.Shards
	}
	return nil
}

type fenceKey struct{}

// WithFences returns a context for a change of jobs by the owner of their shards: Create,
// Update and Delete of [Jobs] are refused with a [StaleError] if one of the leases does not
// hold when they commit. Without a fence they are not compared with any lease.
func WithFences(ctx context.Context, fences ...Fence) context.Context {
	return context.WithValue(ctx, fenceKey{}, fences)
}

// FencesOf returns the fences that a context has.
func FencesOf(ctx context.Context) []Fence {
	fences, _ := ctx.Value(fenceKey{}).([]Fence)
	return fences
}

// Decision is a record that says what was not done, or that nobody knows what was: SKIPPED,
// MISSED, UNKNOWN, FAILED for an execution that is not tried again. Only the owner of a shard
// makes it.
type Decision struct {
	domain.Execution
	TakenFrom int64 // the runner from which the owner takes its open run over; zero: none
}

// MayEnd reports whether a decision of a process counts about a fire whose open run has the
// runner.
func (d *Decision) MayEnd(process, runner int64) bool {
	return runner == 0 || runner == process || runner == d.TakenFrom
}

// Replaces reports whether an open run takes the place of the one on disk: it has the same
// runner, or is taken over from it.
func Replaces(r, stored *domain.OpenRun) bool {
	return stored.Runner == r.TakenFrom || r.Runner != 0 && stored.Runner == r.Runner
}
