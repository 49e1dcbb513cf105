package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// changes implements store.Changes.
type changes struct {
	read, edit *pgxpool.Pool
	box        *seal.Box
}

const (
	// The page after an entry, from an instant on.
	pageOfChanges     = ` (at, nonce) < ($1, $2) AND at >= $3 ORDER BY at DESC, nonce DESC LIMIT $4`
	selectChanges     = `SELECT ` + changeColumns + ` FROM change WHERE` + pageOfChanges
	selectOfOperation = `SELECT ` + changeColumns + ` FROM change WHERE operation_id = $5 AND` + pageOfChanges
	selectOfRequest   = `SELECT ` + changeColumns + ` FROM change WHERE request_id = $5 AND` + pageOfChanges

	// The entry of the import that has made the job is one of its own.
	selectOfJob = `
SELECT * FROM (
       (SELECT ` + changeColumns + ` FROM change WHERE job_id = $5 AND` + pageOfChanges + `)
        UNION ALL
       (SELECT c.at, c.nonce, c.action, c.by_key, c.by_name, c.by_address, v.job_id, 1, NULL, '', c.count,
               c.request_id, c.detail, c.times, c.last_at, NULL
          FROM version v JOIN change c ON c.at = v.import_at AND c.nonce = v.import_nonce
         WHERE v.job_id = $5 AND v.number = 1 AND (c.at, c.nonce) < ($1, $2) AND c.at >= $3)) c
 ORDER BY at DESC, nonce DESC LIMIT $4`
)

// Add implements store.Changes.
func (t *changes) Add(ctx context.Context, e domain.Change) error {
	return fault("write to the trail of changes", pipeline(ctx, t.edit, func(b *pgx.Batch) {
		b.Queue(raiseChange, changeArgs(&e)...)
	}))
}

// List implements store.Changes.
func (t *changes) List(ctx context.Context, q store.ChangeQuery) (found []domain.Change, err error) {
	switch { // the end is a place too, so that what is newer is not read
	case q.To < domain.Forever && (q.BeforeAt == 0 || q.BeforeAt > q.To):
		q.BeforeAt, q.BeforeNonce = q.To+1, 0
	case q.BeforeAt == 0:
		q.BeforeAt = domain.Forever
	}
	query, args := selectChanges, []any{q.BeforeAt, q.BeforeNonce, q.From, q.Limit}
	switch {
	case !q.JobID.IsZero():
		query, args = selectOfJob, append(args, [16]byte(q.JobID))
	case !q.Operation.IsZero():
		query, args = selectOfOperation, append(args, [16]byte(q.Operation))
	case q.RequestID != "":
		query, args = selectOfRequest, append(args, q.RequestID)
	}
	err = each(ctx, t.read, func(r pgx.Rows) error {
		e, err := scanChange(r)
		found = append(found, e)
		return err
	}, query, args...)
	page := store.Meter{Rows: q.Limit, Bytes: q.MaxBytes}
	for i := range found {
		if err != nil {
			break
		}
		if page.Full() {
			found = found[:i]
			break
		}
		err = t.complete(ctx, &found[i], &q)
		page.Add(found[i].Size())
	}
	return found, fault("read the trail of changes", err)
}

func scanChange(r pgx.Rows) (e domain.Change, err error) {
	var job, execution, operation *[16]byte
	var request *string
	err = r.Scan(&e.At, &e.Nonce, (*string)(&e.Action), &e.By.Key, &e.By.Name, &e.By.Address, &job, &e.Version,
		&execution, &e.KeyID, &e.Count, &request, &e.Detail, &e.Times, &e.LastAt, &operation)
	if job != nil {
		e.JobID = *job
	}
	if execution != nil {
		e.Execution = *execution
	}
	if operation != nil {
		e.Operation = *operation
	}
	e.RequestID = string(textOf(request))
	return e, err
}

// complete reads what an entry names.
func (t *changes) complete(ctx context.Context, e *domain.Change, q *store.ChangeQuery) (err error) {
	before, after := e.Versions()
	if e.Before, err = readVersion(ctx, t.read, t.box, e.JobID, before, q.MaxBody); err != nil {
		return err
	}
	if e.After, err = readVersion(ctx, t.read, t.box, e.JobID, after, q.MaxBody); err != nil {
		return err
	}
	if q.HashBodies {
		if e.BodyBefore, err = hashBody(ctx, t.read, e.Before); err != nil {
			return err
		}
		if e.BodyAfter, err = hashBody(ctx, t.read, e.After); err != nil {
			return err
		}
	}
	if e.KeyID != "" {
		e.Key, err = readAPIKey(ctx, t.read, e.KeyID)
	}
	return err
}

const selectBody = `SELECT body FROM version WHERE job_id = $1 AND number = $2`

// hashBody returns the hash of the body that a version lacks.
func hashBody(ctx context.Context, q querier, v *domain.Version) (hash string, err error) {
	if v == nil || v.BodyCut == 0 {
		return "", nil
	}
	err = each(ctx, q, func(r pgx.Rows) error {
		hash = store.HashOfBody(r.RawValues()[0])
		return nil
	}, selectBody, [16]byte(v.JobID), v.Number)
	return hash, err
}

const selectCut = `SELECT ` + cutColumns + ` FROM version v WHERE v.job_id = $2 AND v.number = $3`

// readVersion returns a version of a job, or nil when it is not kept. A body of more bytes than
// maxBody, if that is not zero, is left out.
func readVersion(ctx context.Context, q querier, box *seal.Box, id domain.JobID, number, maxBody int) (
	found *domain.Version, err error) {
	if number == 0 {
		return nil, nil
	}
	read := versionReader{box: box}
	err = each(ctx, q, func(r pgx.Rows) error {
		v, err := read.cut(r, maxBody)
		found = &v
		return err
	}, selectCut, maxBody, [16]byte(id), number)
	return found, err
}
