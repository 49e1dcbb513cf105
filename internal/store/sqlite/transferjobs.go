package sqlite

import (
	"context"
	"errors"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
	"github.com/belfry-scheduler/belfry/internal/store/transfer"
)

const (
	selectStoredVersions = `
SELECT ` + versionColumns + `, coalesce(j.namespace, 'default'), j.import_at, j.import_nonce
  FROM version v CROSS JOIN job j ON j.id = v.job_id
 WHERE (v.job_id, v.number) > (?, ?) ORDER BY v.job_id, v.number LIMIT 0 + ?`

	selectLastVersion = `SELECT job_id, number FROM version ORDER BY job_id DESC, number DESC LIMIT 1`

	// The versions of a job come in their order, so that the last one says what the job is.
	upsertJob = `
INSERT INTO job (id, created_at, current_version, is_active, deleted_at, import_at, import_nonce, namespace)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET current_version = excluded.current_version, is_active = excluded.is_active,
       deleted_at = excluded.deleted_at`

	closeStored = `UPDATE version SET effective_to = ? WHERE job_id = ? AND number = ?`
)

// untilFull is the error of a query that ends when a piece is full.
func untilFull(err error) error {
	if errors.Is(err, errFull) {
		return nil
	}
	return err
}

// versions are the versions of all jobs for a copy.
func (t *moving) versions() transfer.Long[transfer.Version, transfer.Key] {
	return transfer.Long[transfer.Version, transfer.Key]{
		After: t.versionsAfter, Write: t.writeVersions,
		Last: func(ctx context.Context) (last *transfer.Key, err error) {
			err = t.db.read(ctx, func(c *conn) error {
				return c.query(selectLastVersion, func(s *sqlite.Stmt) error {
					last = &transfer.Key{JobID: columnJobID(s, 0), Number: s.ColumnInt(1)}
					return nil
				})
			})
			return last, fault("read the versions", err)
		},
		Count: func(ctx context.Context) (n int64, err error) {
			err = t.db.read(ctx, func(c *conn) error {
				n, err = c.number(`SELECT count(*) FROM version`)
				return err
			})
			return n, fault("count the versions", err)
		},
	}
}

func (t *moving) versionsAfter(ctx context.Context, last *transfer.Key, fn func([]transfer.Version) error) error {
	if last == nil {
		last = new(transfer.Key)
	}
	read := versionReader{}
	after := *last
	for {
		filled := transfer.NewMeter()
		piece := make([]transfer.Version, 0, filled.Rows)
		err := t.db.read(ctx, func(c *conn) error {
			return untilFull(c.query(selectStoredVersions, func(s *sqlite.Stmt) error {
				if filled.Full() {
					return errFull
				}
				piece = append(piece, columnsStored(s, &read))
				filled.Add(piece[len(piece)-1].Size())
				return nil
			}, after.JobID, after.Number, filled.Rows))
		})
		if err != nil {
			return fault("read the versions", err)
		}
		if len(piece) == 0 {
			return nil
		}
		after = transfer.Key{JobID: piece[len(piece)-1].JobID, Number: piece[len(piece)-1].Number}
		if err := fn(piece); err != nil {
			return err
		}
	}
}

func columnsStored(s *sqlite.Stmt, read *versionReader) transfer.Version {
	v := transfer.Version{Version: read.row(s), To: domain.Forever}
	if !s.ColumnIsNull(3) {
		v.To = s.ColumnInt64(3)
	}
	v.Namespace = s.ColumnText(16)
	if v.Number == 1 {
		v.ImportAt, v.ImportNonce = s.ColumnInt64(17), s.ColumnInt64(18)
	}
	return v
}

func (t *moving) writeVersions(ctx context.Context, piece []transfer.Version) error {
	current := make([]rows.Version, 0, len(piece))
	for i := range piece {
		if piece[i].To == domain.Forever {
			current = append(current, piece[i].Version)
		}
	}
	added := additionsOf(current)
	return fault("write the versions", t.db.write(ctx, len(piece), func(c *conn) (delta tally, err error) {
		if err := t.db.writer.blocks.addAll(c, added); err != nil {
			return tally{}, err
		}
		for i := range piece {
			v := &piece[i]
			if err := writeStored(c, v); err != nil {
				return tally{}, err
			}
			if v.To == domain.Forever {
				delta.total++
				delta.active += one(v.Active)
			}
		}
		return delta, nil
	}))
}

func writeStored(c *conn, v *transfer.Version) error {
	var deleted, importAt, importNonce any
	if v.To != domain.Forever {
		deleted = v.To
	}
	if v.ImportAt != 0 {
		importAt, importNonce = v.ImportAt, v.ImportNonce
	}
	err := c.exec(upsertJob, v.JobID, v.CreatedAt, v.Number, v.Active && deleted == nil, deleted, importAt, importNonce,
		v.NamespaceText())
	if err == nil {
		err = insertRow(c, &v.Version)
	}
	if err == nil && deleted == nil {
		err = addName(c, v.JobID, v.Name)
	}
	if err == nil && deleted != nil {
		err = c.exec(closeStored, deleted, v.JobID, v.Number)
	}
	return err
}
