package store

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Access has what is kept about those who use the API.
type Access interface {
	Keys() Keys
	Changes() Changes
	Idempotency() Idempotency
	Operations() Operations
}

// Idempotency stores what became of requests with an Idempotency-Key. The record of a
// request that made something is written with what it made: see [WithIdempotency]. A
// caller lets one request with a key go on at a time.
type Idempotency interface {
	// Find returns the record of a key that was made after the instant, with the job and
	// the API key that it names as far as they are kept, or nil. Where there is none, use
	// is what all records take, and those of the caller.
	Find(ctx context.Context, key domain.IdempotencyKey, caller string, after int64) (
		found *domain.IdempotencyRecord, use domain.IdempotencyUse, err error)
	// Put inserts the record of a request that made nothing, as
	// [domain.IdempotencyRecord.Replaces] says.
	Put(ctx context.Context, record domain.IdempotencyRecord) error
	// Made reports which jobs were ever made, deleted ones too as far as they are kept.
	Made(ctx context.Context, ids []domain.JobID) ([]bool, error)
	// Expire deletes records that were made at the instant or before, and returns how
	// many.
	Expire(ctx context.Context, before int64) (int, error)
}

type idempotencyKey struct{}

// WithIdempotency returns a context for one write that makes something. The store writes
// the record in the same transaction, and puts into it what was made: the caller gives
// Key, Caller, Fingerprint and At. It goes through the context for the reason of
// [WithChange].
func WithIdempotency(ctx context.Context, record domain.IdempotencyRecord) context.Context {
	return context.WithValue(ctx, idempotencyKey{}, record)
}

// IdempotencyOf returns the record that a context has, and whether it has one.
func IdempotencyOf(ctx context.Context) (domain.IdempotencyRecord, bool) {
	r, ok := ctx.Value(idempotencyKey{}).(domain.IdempotencyRecord)
	return r, ok
}

// CreationRecord completes a record with the creation of jobs, of which v is the first. That
// of an import names none: the ids of its jobs are derived from it. The second result is
// false when there is none in the context.
func CreationRecord(ctx context.Context, v *domain.Version) (domain.IdempotencyRecord, bool) {
	r, ok := IdempotencyOf(ctx)
	if r.Import.Items == 0 {
		r.JobID = v.JobID
	}
	return r, ok
}

// TriggerRecord is CreationRecord for an execution that is started.
func TriggerRecord(ctx context.Context, x *domain.Execution) (domain.IdempotencyRecord, bool) {
	r, ok := IdempotencyOf(ctx)
	r.JobID, r.Execution = x.JobID, x.ID()
	return r, ok
}

// KeyRecord is CreationRecord for an API key.
func KeyRecord(ctx context.Context, id string) (domain.IdempotencyRecord, bool) {
	r, ok := IdempotencyOf(ctx)
	r.KeyID = id
	return r, ok
}

// OperationRecord is CreationRecord for an operation.
func OperationRecord(ctx context.Context, id domain.OperationID) (domain.IdempotencyRecord, bool) {
	r, ok := IdempotencyOf(ctx)
	r.Operation = id
	return r, ok
}
