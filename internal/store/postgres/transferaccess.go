package postgres

import (
	"context"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
	"github.com/belfry-scheduler/belfry/internal/store/transfer"
)

// tables returns all tables for a copy.
func (t *moving) tables() transfer.Tables {
	db := pools{t.read, t.edit}
	return transfer.Tables{
		Versions: t.versions(), Facts: t.facts(), Runs: transfer.RunsOf(t.ledger),
		Counters: t.counters(db),
		Alerts:   pagedTable(db, selectAllAlerts, scanStoredAlert, keyOfAlert, queueAlerts),
		Losses: pagedTable(db, selectLosses, scanLoss, func(l *transfer.Loss) []any {
			return []any{l.ScheduledAt, [16]byte(l.JobID)}
		}, queueLosses),
		Keys: pagedTable(db, selectAllKeys, scanAPIKey, func(k *domain.APIKey) []any { return []any{k.ID} }, queueKeys),
		Sessions: pagedTable(db, selectAllEnded, scanSession, func(e *domain.EndedSession) []any {
			return []any{e.ID[:]}
		}, queueSessions),
		Changes: pagedTable(db, selectAllChanges, scanChange, func(e *domain.Change) []any {
			return []any{e.At, e.Nonce}
		}, queueChanges),
		Records: pagedTable(db, selectAllRecords, scanWholeRecord, func(r *domain.IdempotencyRecord) []any {
			return []any{r.Key[:]}
		}, queueRecords),
		Operations: pagedTable(db, selectAllOperations, scanWholeOperation, func(o *domain.Operation) []any {
			return []any{[16]byte(o.ID)}
		}, queueOperations),
		Pending: pagedTable(db, selectAllPending, scanPending, func(p *transfer.Pending) []any {
			return []any{[16]byte(p.Operation), [16]byte(p.JobID)}
		}, queuePending),
		Settings: pagedTable(db, selectAllSettings, scanSetting, func(r *rows.Setting) []any {
			return []any{r.Kind, r.ID}
		}, queueSettings),
	}
}

// counters returns the counters, to which everything is added first that is not yet.
func (t *moving) counters(db pools) transfer.Table[transfer.Counter] {
	table := pagedTable(db, selectCounters, scanCounter, keyOfCounter, queueCounters)
	read := table.Read
	table.Read = func(ctx context.Context, fn func(piece []transfer.Counter) error) error {
		if err := t.ledger.additions.addUp(ctx); err != nil {
			return fault("add the counters up", err)
		}
		return read(ctx, fn)
	}
	return table
}

const (
	selectAllKeys = `
SELECT ` + keyColumns + ` FROM api_key WHERE id COLLATE "C" > $1 ORDER BY id COLLATE "C" LIMIT $2`
	selectAllEnded   = `SELECT id, expires_at FROM ended_session WHERE id > $1 ORDER BY id LIMIT $2`
	selectAllChanges = `
SELECT ` + changeColumns + ` FROM change WHERE (at, nonce) > ($1, $2) ORDER BY at, nonce LIMIT $3`
	selectAllRecords    = `SELECT ` + recordColumns + ` FROM idempotency WHERE key > $1 ORDER BY key LIMIT $2`
	selectAllOperations = `
SELECT ` + operationColumns + cancelColumns + ` FROM operation WHERE id > $1 ORDER BY id LIMIT $2`
	selectAllPending = `
SELECT operation_id, job_id FROM operation_job WHERE (operation_id, job_id) > ($1, $2)
 ORDER BY operation_id, job_id LIMIT $3`

	selectAllSettings = `
SELECT ` + settingColumns + ` FROM alert_setting WHERE (kind COLLATE "C", id COLLATE "C") > ($1, $2)
 ORDER BY kind COLLATE "C", id COLLATE "C" LIMIT $3`
	raiseSettingsTo = `UPDATE alert_settings SET revision = greatest(revision, $1) WHERE one = 1`

	insertWholeKey = `
INSERT INTO api_key (` + keyColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`

	insertWholeRecord = `
WITH made AS (` + insertRecord + ` ON CONFLICT DO NOTHING RETURNING caller)
INSERT INTO idempotency_use AS u (caller, slot, bytes) SELECT caller, $14::smallint, $15::bigint FROM made
    ON CONFLICT (caller, slot) DO UPDATE SET bytes = u.bytes + excluded.bytes`

	cancelStored = cancelOperation + ` AND cancel_at = 0`
)

// pools are the connections that a copy reads and writes with.
type pools struct{ read, edit *pgxpool.Pool }

// pagedTable makes a table whose query has the key and the limit as its parameters.
func pagedTable[T any](db pools, query string, scan func(pgx.Rows) (T, error), key func(*T) []any,
	queue func(*pgx.Batch, []T) error) transfer.Table[T] {
	return transfer.Table[T]{
		Read: func(ctx context.Context, fn func([]T) error) error {
			filled := transfer.NewMeter()
			var zero T
			for after := key(&zero); ; {
				piece := make([]T, 0, filled.Rows)
				err := each(ctx, db.read, func(r pgx.Rows) error {
					row, err := scan(r)
					piece = append(piece, row)
					return err
				}, query, append(after, filled.Rows)...)
				if err != nil {
					return fault("read the database", err)
				}
				if len(piece) == 0 {
					return nil
				}
				after = key(&piece[len(piece)-1])
				if err := fn(piece); err != nil {
					return err
				}
			}
		},
		Write: func(ctx context.Context, piece []T) error {
			if len(piece) == 0 {
				return nil
			}
			var failed error // of what cannot be encoded
			err := pipeline(ctx, db.edit, func(b *pgx.Batch) { failed = queue(b, piece) })
			if failed != nil {
				err = failed
			}
			return fault("write the database", err)
		},
	}
}

func queueKeys(b *pgx.Batch, piece []domain.APIKey) error {
	for i := range piece {
		k := &piece[i]
		b.Queue(insertWholeKey, k.ID, k.Hash[:], clean(k.Name), string(k.Role), k.Namespace, k.CreatedAt, k.ExpiresAt,
			k.LastUsedAt, k.RevokedAt)
	}
	return nil
}

func queueChanges(b *pgx.Batch, piece []domain.Change) error {
	for i := range piece {
		b.Queue(raiseChange, changeArgs(&piece[i])...)
	}
	return nil
}

func scanWholeRecord(r pgx.Rows) (domain.IdempotencyRecord, error) {
	is, err := scanRecord(r)
	return *is, err
}

func queueRecords(b *pgx.Batch, piece []domain.IdempotencyRecord) error {
	for i := range piece {
		r := &piece[i]
		b.Queue(insertWholeRecord, append(recordArgs(r), rand.IntN(useSlots), r.Bytes())...)
	}
	return nil
}

func scanWholeOperation(r pgx.Rows) (domain.Operation, error) {
	o, err := scanOperation(r)
	return *o, err
}

func queueOperations(b *pgx.Batch, piece []domain.Operation) error {
	for i := range piece {
		o := &piece[i]
		if err := queueOperation(b, insertOperation+` ON CONFLICT DO NOTHING`, o); err != nil {
			return err
		}
		if by := &o.Cancelled.By; o.Cancelled.At != 0 {
			b.Queue(cancelStored, [16]byte(o.ID), o.Cancelled.At, by.Key, clean(by.Name), clean(by.Address))
		}
	}
	return nil
}

func scanPending(r pgx.Rows) (p transfer.Pending, err error) {
	err = r.Scan((*[16]byte)(&p.Operation), (*[16]byte)(&p.JobID))
	return p, err
}

func queuePending(b *pgx.Batch, piece []transfer.Pending) error {
	byOperation := make(map[domain.OperationID][]domain.JobID)
	for _, p := range piece {
		byOperation[p.Operation] = append(byOperation[p.Operation], p.JobID)
	}
	for id, jobs := range byOperation {
		b.Queue(insertPending, [16]byte(id), bareIDs(jobs))
	}
	return nil
}

func queueSettings(b *pgx.Batch, piece []rows.Setting) error {
	for i := range piece {
		queueSetting(b, &piece[i])
		b.Queue(raiseSettingsTo, piece[i].Revision)
	}
	return nil
}
