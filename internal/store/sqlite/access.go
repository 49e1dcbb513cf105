package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// access implements store.Access.
type access struct {
	keys    *keys
	changes *changes
	records *idempotency
	bulk    *operations
}

// Keys implements store.Access.
func (a *access) Keys() store.Keys { return a.keys }

// Changes implements store.Access.
func (a *access) Changes() store.Changes { return a.changes }

// Idempotency implements store.Access.
func (a *access) Idempotency() store.Idempotency { return a.records }

// Operations implements store.Access.
func (a *access) Operations() store.Operations { return a.bulk }

// idempotency implements store.Idempotency.
type idempotency struct {
	db  *jobsDB
	box *seal.Box
}

const (
	selectUse = `SELECT caller, bytes FROM idempotency_use WHERE caller IN (?, '')`

	expireRecords = `
DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE at <= ? ORDER BY at LIMIT 0 + ?)`
)

// Find implements store.Idempotency.
func (o *idempotency) Find(ctx context.Context, key domain.IdempotencyKey, caller string, after int64) (
	found *domain.IdempotencyRecord, use domain.IdempotencyUse, err error) {
	err = o.db.read(ctx, func(c *conn) error {
		if found, err = readRecord(c, key); err != nil {
			return err
		}
		if found != nil && found.At > after {
			return completeRecord(c, o.box, found)
		}
		found = nil
		return nil
	})
	if err == nil && found == nil {
		use, err = o.use(ctx, caller)
	}
	return found, use, fault("look up the Idempotency-Key", err)
}

func (o *idempotency) use(ctx context.Context, caller string) (use domain.IdempotencyUse, err error) {
	err = o.db.read(ctx, func(c *conn) error {
		return c.query(selectUse, func(s *sqlite.Stmt) error {
			if s.ColumnText(0) == "" {
				use.All = s.ColumnInt64(1)
			} else {
				use.Caller = s.ColumnInt64(1)
			}
			return nil
		}, caller)
	})
	return use, err
}

// completeRecord reads what a record names.
func completeRecord(c *conn, box *seal.Box, r *domain.IdempotencyRecord) (err error) {
	if !r.JobID.IsZero() && r.Execution == (domain.ExecutionID{}) {
		if r.Version, err = readVersion(c, box, r.JobID, 1, 0); err != nil {
			return err
		}
	}
	if r.KeyID != "" {
		r.APIKey, err = readAPIKey(c, r.KeyID)
	}
	return err
}

// Put implements store.Idempotency.
func (o *idempotency) Put(ctx context.Context, record domain.IdempotencyRecord) error {
	return fault("keep the Idempotency-Key", o.db.write(ctx, 1, func(c *conn) (tally, error) {
		return tally{}, keepRecord(c, &record)
	}))
}

// Made implements store.Idempotency.
func (o *idempotency) Made(ctx context.Context, ids []domain.JobID) (made []bool, err error) {
	made = make([]bool, len(ids))
	err = o.db.read(ctx, func(c *conn) error {
		for i, id := range ids {
			err := c.query(selectID, func(*sqlite.Stmt) error {
				made[i] = true
				return nil
			}, id)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return made, fault("look up jobs", err)
}

// Expire implements store.Idempotency.
func (o *idempotency) Expire(ctx context.Context, before int64) (gone int, err error) {
	gone, err = pruneAll(ctx, o.db, expireRecords, before)
	return gone, fault("expire Idempotency-Keys", err)
}
