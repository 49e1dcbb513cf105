package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
)

// idempotency implements store.Idempotency.
type idempotency struct {
	read, edit *pgxpool.Pool
	box        *seal.Box
}

const (
	selectUse = `
SELECT coalesce(sum(bytes) FILTER (WHERE caller = $1), 0)::bigint, coalesce(sum(bytes), 0)::bigint
  FROM idempotency_use`

	expireRecords = `
WITH gone AS (
     DELETE FROM idempotency WHERE key IN (
            SELECT key FROM idempotency WHERE at <= $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)
     RETURNING caller, $3::bigint + coalesce(octet_length(refusal), 0) AS bytes),
 used AS (
     INSERT INTO idempotency_use AS u (caller, slot, bytes)
     SELECT caller, 0, -sum(bytes) FROM gone GROUP BY caller ORDER BY caller
         ON CONFLICT (caller, slot) DO UPDATE SET bytes = u.bytes + excluded.bytes)
SELECT count(*) FROM gone`
)

// Find implements store.Idempotency.
func (o *idempotency) Find(ctx context.Context, key domain.IdempotencyKey, caller string, after int64) (
	found *domain.IdempotencyRecord, use domain.IdempotencyUse, err error) {
	err = each(ctx, o.read, func(r pgx.Rows) error {
		is, err := scanRecord(r)
		if err == nil && is.At > after {
			found = is
		}
		return err
	}, selectRecord, key[:])
	switch {
	case err != nil:
	case found != nil:
		err = o.complete(ctx, found)
	default:
		err = each(ctx, o.read, func(r pgx.Rows) error { return r.Scan(&use.Caller, &use.All) }, selectUse, caller)
	}
	return found, use, fault("look up the Idempotency-Key", err)
}

// complete reads what a record names.
func (o *idempotency) complete(ctx context.Context, r *domain.IdempotencyRecord) (err error) {
	if !r.JobID.IsZero() && r.Execution == (domain.ExecutionID{}) {
		if r.Version, err = readVersion(ctx, o.read, o.box, r.JobID, 1, 0); err != nil {
			return err
		}
	}
	if r.KeyID != "" {
		r.APIKey, err = readAPIKey(ctx, o.read, r.KeyID)
	}
	return err
}

// Put implements store.Idempotency.
func (o *idempotency) Put(ctx context.Context, record domain.IdempotencyRecord) error {
	put := func() error {
		return transact(ctx, o.edit, func(tx pgx.Tx) error {
			b := new(pgx.Batch)
			if err := keepRecord(ctx, tx, b, &record); err != nil {
				return err
			}
			return send(ctx, tx, b)
		})
	}
	err := put()
	if isCode(err, uniqueViolation) { // somebody else was faster
		err = put()
	}
	return fault("keep the Idempotency-Key", err)
}

// Made implements store.Idempotency.
func (o *idempotency) Made(ctx context.Context, ids []domain.JobID) ([]bool, error) {
	made := make([]bool, len(ids))
	known := make(map[domain.JobID]bool)
	err := each(ctx, o.read, func(r pgx.Rows) error {
		var id domain.JobID
		err := r.Scan((*[16]byte)(&id))
		known[id] = true
		return err
	}, selectKnown, bareIDs(ids))
	for i, id := range ids {
		made[i] = known[id]
	}
	return made, fault("look up jobs", err)
}

// Expire implements store.Idempotency.
func (o *idempotency) Expire(ctx context.Context, before int64) (gone int, err error) {
	for {
		n, err := number(ctx, o.edit, expireRecords, before, pruneChunk, domain.IdempotencyRecordBytes)
		gone += int(n)
		if err != nil || n < pruneChunk {
			return gone, fault("expire Idempotency-Keys", err)
		}
	}
}
