package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
	"github.com/belfry-scheduler/belfry/internal/store/transfer"
)

// tables returns all tables for a copy.
func (t *moving) tables() transfer.Tables {
	return transfer.Tables{
		Versions: t.versions(), Facts: t.facts(), Counters: t.counters(), Alerts: t.alertTable(),
		Runs: transfer.RunsOf(t.ledger),
		Losses: pagedTable(t.db, selectLosses, always(columnsLoss), func(l *transfer.Loss) []any {
			return []any{l.ScheduledAt, l.JobID}
		}, func(c *conn, l *transfer.Loss) error {
			return c.exec(insertLoss, l.ScheduledAt, l.JobID, l.Version, l.FoundAt)
		}),
		Keys: pagedTable(t.db, selectAllKeys, always(columnsAPIKey), func(k *domain.APIKey) []any {
			return []any{k.ID}
		}, writeKey),
		Sessions: pagedTable(t.db, selectAllEnded, always(columnsEnded), func(e *domain.EndedSession) []any {
			return []any{e.ID[:]}
		}, writeEnded),
		Changes: pagedTable(t.db, selectAllChanges, always(columnsChange), func(e *domain.Change) []any {
			return []any{e.At, e.Nonce}
		}, func(c *conn, e *domain.Change) error { return putEntry(c, raiseChange, e) }),
		Records: pagedTable(t.db, selectAllRecords, func(s *sqlite.Stmt) (domain.IdempotencyRecord, error) {
			return *columnsRecord(s), nil
		}, func(r *domain.IdempotencyRecord) []any { return []any{r.Key[:]} }, writeRecord),
		Operations: pagedTable(t.db, selectAllOperations, func(s *sqlite.Stmt) (o domain.Operation, err error) {
			found, err := columnsOperation(s)
			if err == nil {
				o = *found
			}
			return o, err
		}, func(o *domain.Operation) []any { return []any{o.ID[:]} }, writeStoredOperation),
		Pending: pagedTable(t.db, selectAllPending, always(columnsPending), func(p *transfer.Pending) []any {
			return []any{p.Operation[:], p.JobID}
		}, func(c *conn, p *transfer.Pending) error { return c.exec(insertPending, p.Operation[:], p.JobID) }),
		Settings: pagedTable(t.db, selectAllSettings, always(columnsSetting), func(r *rows.Setting) []any {
			return []any{r.Kind, r.ID}
		}, writeStoredSetting),
	}
}

const (
	selectLosses = `
SELECT scheduled_at, job_id, version, found_at FROM lost_fire
 WHERE (scheduled_at, job_id) > (?, ?) ORDER BY scheduled_at, job_id LIMIT 0 + ?`
	selectAllKeys    = `SELECT ` + keyColumns + ` FROM api_key WHERE id > ? ORDER BY id LIMIT 0 + ?`
	selectAllEnded   = `SELECT id, expires_at FROM ended_session WHERE id > ? ORDER BY id LIMIT 0 + ?`
	selectAllChanges = `
SELECT ` + changeColumns + ` FROM change WHERE (at, nonce) > (?, ?) ORDER BY at, nonce LIMIT 0 + ?`
	selectAllRecords    = `SELECT ` + recordColumns + ` FROM idempotency WHERE key > ? ORDER BY key LIMIT 0 + ?`
	selectAllOperations = `SELECT ` + operationColumns + ` FROM operation WHERE id > ? ORDER BY id LIMIT 0 + ?`
	selectAllPending    = `
SELECT operation_id, job_id FROM operation_job
 WHERE (operation_id, job_id) > (?, ?) ORDER BY operation_id, job_id LIMIT 0 + ?`

	selectAllSettings = `
SELECT ` + settingColumns + ` FROM alert_setting WHERE (kind, id) > (?, ?) ORDER BY kind, id LIMIT 0 + ?`
	raiseSettingsTo = `UPDATE alert_settings SET revision = max(revision, ?)`

	insertWholeKey = `
INSERT INTO api_key (` + keyColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
)

// pagedTable makes a table of the jobs database. The query has the key and the limit as its
// parameters.
func pagedTable[T any](db *jobsDB, query string, scan func(*sqlite.Stmt) (T, error), key func(*T) []any,
	write func(*conn, *T) error) transfer.Table[T] {
	return transfer.Table[T]{
		Read: func(ctx context.Context, fn func([]T) error) error {
			filled := transfer.NewMeter()
			var zero T
			for after := key(&zero); ; {
				piece := make([]T, 0, filled.Rows)
				err := db.read(ctx, func(c *conn) error {
					return c.query(query, func(s *sqlite.Stmt) error {
						row, err := scan(s)
						piece = append(piece, row)
						return err
					}, append(after, filled.Rows)...)
				})
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
			return fault("write the database", db.write(ctx, len(piece), func(c *conn) (tally, error) {
				for i := range piece {
					if err := write(c, &piece[i]); err != nil {
						return tally{}, err
					}
				}
				return tally{}, nil
			}))
		},
	}
}

// always is a scan that cannot fail.
func always[T any](scan func(*sqlite.Stmt) T) func(*sqlite.Stmt) (T, error) {
	return func(s *sqlite.Stmt) (T, error) { return scan(s), nil }
}

func columnsLoss(s *sqlite.Stmt) transfer.Loss {
	return transfer.Loss{
		Loss:    domain.Loss{ScheduledAt: s.ColumnInt64(0), JobID: columnJobID(s, 1), Version: s.ColumnInt(2)},
		FoundAt: s.ColumnInt64(3),
	}
}

func columnsPending(s *sqlite.Stmt) (p transfer.Pending) {
	s.ColumnBytes(0, p.Operation[:])
	p.JobID = columnJobID(s, 1)
	return p
}

func writeKey(c *conn, k *domain.APIKey) error {
	return c.exec(insertWholeKey, k.ID, k.Hash[:], k.Name, string(k.Role), k.CreatedAt, whenNot(k.ExpiresAt),
		whenNot(k.LastUsedAt), whenNot(k.RevokedAt), rows.Text(k.Namespace))
}

func writeRecord(c *conn, r *domain.IdempotencyRecord) error {
	is, err := readRecord(c, r.Key)
	if err != nil || is != nil {
		return err
	}
	return keepRecord(c, r)
}

func writeStoredOperation(c *conn, o *domain.Operation) error {
	is, err := readOperation(c, o.ID)
	if err != nil || is != nil {
		return err
	}
	if err := writeOperation(c, o); err != nil || o.Cancelled.At == 0 {
		return err
	}
	by := &o.Cancelled.By
	return c.exec(cancelOperation, o.ID[:], o.Cancelled.At, by.Key, rows.Text(by.Name), rows.Text(by.Address))
}

func writeStoredSetting(c *conn, row *rows.Setting) error {
	if err := writeSettingRow(c, row); err != nil {
		return err
	}
	return c.exec(raiseSettingsTo, row.Revision)
}
