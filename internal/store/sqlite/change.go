package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// changes implements store.Changes.
type changes struct {
	db  *jobsDB
	box *seal.Box
}

const (
	// The page after an entry, from an instant on.
	selectChanges = `
SELECT ` + changeColumns + ` FROM change
 WHERE (at, nonce) < (?1, ?2) AND at >= ?3 ORDER BY at DESC, nonce DESC LIMIT 0 + ?4`
	selectChangesOfJob = `
SELECT ` + changeColumns + ` FROM change
 WHERE job_id = ?5 AND (at, nonce) < (?1, ?2) AND at >= ?3
 UNION ALL
SELECT c.at, c.nonce, c.action, c.by_key, c.by_name, c.by_address, j.id, 1, NULL, NULL, c.count,
       c.request_id, c.detail, c.times, c.last_at, NULL
  FROM job j JOIN change c ON c.at = j.import_at AND c.nonce = j.import_nonce
 WHERE j.id = ?5 AND (c.at, c.nonce) < (?1, ?2) AND c.at >= ?3
 ORDER BY at DESC, nonce DESC LIMIT 0 + ?4`
	selectChangesOfRequest = `
SELECT ` + changeColumns + ` FROM change
 WHERE request_id = ?5 AND (at, nonce) < (?1, ?2) AND at >= ?3 ORDER BY at DESC, nonce DESC LIMIT 0 + ?4`
	selectChangesOfOperation = `
SELECT ` + changeColumns + ` FROM change
 WHERE operation_id = ?5 AND (at, nonce) < (?1, ?2) AND at >= ?3 ORDER BY at DESC, nonce DESC LIMIT 0 + ?4`
)

// Add implements store.Changes.
func (t changes) Add(ctx context.Context, e domain.Change) error {
	return fault("write to the trail of changes", t.db.write(ctx, 1, func(c *conn) (tally, error) {
		return tally{}, putEntry(c, raiseChange, &e)
	}))
}

// List implements store.Changes.
func (t changes) List(ctx context.Context, q store.ChangeQuery) (found []domain.Change, err error) {
	switch { // the end is a place too, so that what is newer is not read
	case q.To < domain.Forever && (q.BeforeAt == 0 || q.BeforeAt > q.To):
		q.BeforeAt, q.BeforeNonce = q.To+1, 0
	case q.BeforeAt == 0:
		q.BeforeAt = domain.Forever
	}
	query, args := selectChanges, []any{q.BeforeAt, q.BeforeNonce, q.From, q.Limit}
	switch {
	case !q.JobID.IsZero():
		query, args = selectChangesOfJob, append(args, q.JobID)
	case q.RequestID != "":
		query, args = selectChangesOfRequest, append(args, q.RequestID)
	case !q.Operation.IsZero():
		query, args = selectChangesOfOperation, append(args, q.Operation[:])
	}
	page := store.Meter{Rows: q.Limit, Bytes: q.MaxBytes}
	err = t.db.read(ctx, func(c *conn) error {
		err := c.query(query, func(s *sqlite.Stmt) error {
			found = append(found, columnsChange(s))
			return nil
		}, args...)
		for i := range found {
			if err != nil {
				return err
			}
			if page.Full() {
				found = found[:i]
				break
			}
			err = completeChange(c, t.box, &found[i], &q)
			page.Add(found[i].Size())
		}
		return err
	})
	return found, fault("read the trail of changes", err)
}

func columnsChange(s *sqlite.Stmt) (e domain.Change) {
	e.At, e.Nonce, e.Action = s.ColumnInt64(0), s.ColumnInt64(1), domain.Action(s.ColumnText(2))
	e.By = domain.Author{Key: s.ColumnText(3), Name: s.ColumnText(4), Address: s.ColumnText(5)}
	e.JobID, e.Version = columnJobID(s, 6), s.ColumnInt(7)
	s.ColumnBytes(8, e.Execution[:])
	e.KeyID, e.Count, e.RequestID = s.ColumnText(9), s.ColumnInt64(10), s.ColumnText(11)
	e.Detail, e.Times, e.LastAt = s.ColumnText(12), s.ColumnInt64(13), s.ColumnInt64(14)
	s.ColumnBytes(15, e.Operation[:])
	return e
}

// completeChange reads what an entry names.
func completeChange(c *conn, box *seal.Box, e *domain.Change, q *store.ChangeQuery) (err error) {
	before, after := e.Versions()
	if e.Before, err = readVersion(c, box, e.JobID, before, q.MaxBody); err != nil {
		return err
	}
	if e.After, err = readVersion(c, box, e.JobID, after, q.MaxBody); err != nil {
		return err
	}
	if q.HashBodies {
		if e.BodyBefore, err = hashBody(c, e.Before); err != nil {
			return err
		}
		if e.BodyAfter, err = hashBody(c, e.After); err != nil {
			return err
		}
	}
	if e.KeyID != "" {
		e.Key, err = readAPIKey(c, e.KeyID)
	}
	return err
}

const selectBody = `SELECT body FROM version WHERE job_id = ?1 AND number = ?2`

// hashBody returns the hash of the body that a version lacks.
func hashBody(c *conn, v *domain.Version) (hash string, err error) {
	if v == nil || v.BodyCut == 0 {
		return "", nil
	}
	err = c.query(selectBody, func(s *sqlite.Stmt) error {
		hash = store.HashOfBody([]byte(s.ColumnText(0)))
		return nil
	}, v.JobID, v.Number)
	return hash, err
}

const selectCutVersion = `
SELECT ` + cutColumns + ` FROM version v JOIN job j ON j.id = v.job_id WHERE v.job_id = ?1 AND v.number = ?2`

// readVersion returns a version of a job, or nil when it is not kept. A body of more bytes than
// maxBody, if that is not zero, is left out.
func readVersion(c *conn, box *seal.Box, id domain.JobID, number, maxBody int) (found *domain.Version, err error) {
	if number == 0 {
		return nil, nil
	}
	err = c.query(selectCutVersion, func(s *sqlite.Stmt) error {
		v := columnsCut(s, box)
		found = &v
		return nil
	}, id, number, nil, nil, nil, nil, bound(maxBody))
	return found, err
}
