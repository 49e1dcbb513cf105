package postgres

import (
	"context"
	"encoding/json"
	"reflect"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// operations implements store.Operations.
type operations struct{ read, edit *pgxpool.Pool }

const operationColumns = `id, action, tags, named, filter, namespace, by_key, by_name, by_address, role, request_id,
       created_at, state, matched, not_found, done, unchanged, skipped, failed, errors, fault, matched_at, ended_at,
       matched_to, step_at`

const (
	cancelColumns = `, cancel_at, cancel_key, cancel_name, cancel_address`

	selectOperation = `SELECT ` + operationColumns + cancelColumns + ` FROM operation WHERE id = $1`

	insertOperation = `
INSERT INTO operation (` + operationColumns + `)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
        $25)`

	updateOperation = `
UPDATE operation SET state = $2, matched = $3, not_found = $4, done = $5, unchanged = $6, skipped = $7, failed = $8,
       errors = $9, fault = $10, matched_at = $11, ended_at = $12, matched_to = $13, step_at = $14
 WHERE id = $1`

	insertPending = `
INSERT INTO operation_job (operation_id, job_id)
SELECT $1, n FROM unnest($2::uuid[]) n ORDER BY n ON CONFLICT DO NOTHING`
	deletePending = `DELETE FROM operation_job WHERE operation_id = $1 AND job_id = ANY($2::uuid[])`

	// Zero is above every id.
	selectOperations = `
SELECT ` + operationColumns + cancelColumns + ` FROM operation
 WHERE (id < $1 OR $1 = '00000000-0000-0000-0000-000000000000') AND ($2 = '' OR namespace = $2)
   AND (NOT $3 OR ended_at = 0) ORDER BY id DESC LIMIT $4`

	cancelOperation = `
UPDATE operation SET cancel_at = $2, cancel_key = $3, cancel_name = $4, cancel_address = $5 WHERE id = $1`

	prunePending = `
DELETE FROM operation_job WHERE (operation_id, job_id) IN (
       SELECT j.operation_id, j.job_id FROM operation o JOIN operation_job j ON j.operation_id = o.id
        WHERE o.ended_at <> 0 LIMIT $1)`
	pruneOperations = `
DELETE FROM operation WHERE id IN (SELECT id FROM operation WHERE ended_at <> 0 AND ended_at <= $2 LIMIT $1)`
)

// scanOperation reads operationColumns and cancelColumns.
func scanOperation(r pgx.Rows) (*domain.Operation, error) {
	var o domain.Operation
	var tags, filter, failures *string
	var matched *[16]byte
	n := &o.Counts
	err := r.Scan((*[16]byte)(&o.ID), (*string)(&o.Action), &tags, &o.Named, &filter, &o.Namespace, &o.By.Key,
		&o.By.Name, &o.By.Address, (*string)(&o.Role), &o.RequestID, &o.CreatedAt, (*string)(&o.State), &n.Matched,
		&n.NotFound, &n.Done, &n.Unchanged, &n.Skipped, &n.Failed, &failures, &o.Fault, &o.MatchedAt, &o.EndedAt,
		&matched, &o.Progress.StepAt, &o.Cancelled.At, &o.Cancelled.By.Key, &o.Cancelled.By.Name,
		&o.Cancelled.By.Address)
	if matched != nil {
		o.Progress.Matched = *matched
	}
	var args rows.ActionArgs
	for _, part := range []struct {
		text *string
		into any
	}{{tags, &args}, {filter, &o.Filter}, {failures, &o.Errors}} {
		if part.text != nil && err == nil {
			err = json.Unmarshal([]byte(*part.text), part.into)
		}
	}
	args.Set(&o)
	return &o, err
}

// jsonOrNull is a value as JSON; NULL: it is zero.
func jsonOrNull(v any) (*string, error) {
	if reflect.ValueOf(v).IsZero() {
		return nil, nil
	}
	doc, err := json.Marshal(v)
	return orNull(string(doc)), err
}

func progressArgs(o *domain.Operation) ([]any, error) {
	failures, err := jsonOrNull(o.Errors)
	n := &o.Counts
	return []any{string(o.State), n.Matched, n.NotFound, n.Done, n.Unchanged, n.Skipped, n.Failed, failures,
		clean(o.Fault), o.MatchedAt, o.EndedAt, uuidOrNull(o.Progress.Matched), o.Progress.StepAt}, err
}

func queueOperation(b *pgx.Batch, statement string, o *domain.Operation) error {
	tags, err := jsonOrNull(rows.ArgsOf(o))
	if err != nil {
		return err
	}
	filter, err := jsonOrNull(o.Filter)
	if err != nil {
		return err
	}
	progress, err := progressArgs(o)
	b.Queue(statement, append([]any{[16]byte(o.ID), string(o.Action), tags, o.Named, filter, o.Namespace,
		o.By.Key, clean(o.By.Name), clean(o.By.Address), string(o.Role), clean(o.RequestID), o.CreatedAt},
		progress...)...)
	return err
}

// readOperation returns an operation, or nil. In a transaction it is locked.
func readOperation(ctx context.Context, q querier, id domain.OperationID, lock string) (
	found *domain.Operation, err error) {
	err = each(ctx, q, func(r pgx.Rows) (err error) {
		found, err = scanOperation(r)
		return err
	}, selectOperation+lock, [16]byte(id))
	return found, err
}

// locked is the end of a query whose rows nobody else may change until the transaction ends.
const locked = ` FOR UPDATE`

// Create implements store.Operations.
func (p *operations) Create(ctx context.Context, o domain.Operation, pending []domain.JobID) error {
	create := func(tx pgx.Tx) error {
		is, err := readOperation(ctx, tx, o.ID, locked)
		switch {
		case err != nil:
			return err
		case is != nil && is.Same(&o):
			return nil // a repeat
		case is != nil:
			return domain.Conflict("operation %s exists already", o.ID)
		}
		b := new(pgx.Batch)
		if r, ok := store.OperationRecord(ctx, o.ID); ok {
			if err := keepRecord(ctx, tx, b, &r); err != nil {
				return err
			}
		}
		if err := queueOperation(b, insertOperation, &o); err != nil {
			return err
		}
		if e, ok := store.OperationEntry(ctx, &o); ok {
			b.Queue(raiseChange, changeArgs(&e)...)
		}
		b.Queue(insertPending, [16]byte(o.ID), bareIDs(pending))
		return send(ctx, tx, b)
	}
	err := transact(ctx, p.edit, create)
	if isCode(err, uniqueViolation) { // somebody else was faster
		err = transact(ctx, p.edit, create)
	}
	return fault("keep the operation", err)
}

// Get implements store.Operations.
func (p *operations) Get(ctx context.Context, id domain.OperationID) (domain.Operation, error) {
	found, err := readOperation(ctx, p.read, id, "")
	if err == nil && found == nil {
		err = store.NoOperation(id)
	}
	if err != nil {
		return domain.Operation{}, fault("read the operation", err)
	}
	return *found, nil
}

// List implements store.Operations.
func (p *operations) List(ctx context.Context, q store.OperationQuery) (found []domain.Operation, err error) {
	err = each(ctx, p.read, func(r pgx.Rows) error {
		o, err := scanOperation(r)
		found = append(found, *o)
		return err
	}, selectOperations, [16]byte(q.Before), q.Namespace, q.Open, q.Limit)
	return found, fault("list the operations", err)
}

// Match implements store.Operations.
func (p *operations) Match(ctx context.Context, o domain.Operation, pending []domain.JobID) error {
	return p.save(ctx, &o, insertPending, pending)
}

// Mark implements store.Operations.
func (p *operations) Mark(ctx context.Context, o domain.Operation, done []domain.JobID) error {
	return p.save(ctx, &o, deletePending, done)
}

// save writes the progress of an operation, and with it some of its jobs.
func (p *operations) save(ctx context.Context, o *domain.Operation, statement string, jobs []domain.JobID) error {
	return fault("keep the progress of the operation", transact(ctx, p.edit, func(tx pgx.Tx) error {
		is, err := readOperation(ctx, tx, o.ID, locked)
		if err != nil {
			return err
		}
		if is == nil {
			return store.NoOperation(o.ID)
		}
		next, differs, err := store.Progressed(is, o)
		if err != nil || !differs {
			return err
		}
		args, err := progressArgs(&next)
		if err != nil {
			return err
		}
		b := new(pgx.Batch)
		b.Queue(updateOperation, append([]any{[16]byte(o.ID)}, args...)...)
		b.Queue(statement, [16]byte(o.ID), bareIDs(jobs))
		return send(ctx, tx, b)
	}))
}

// Pending implements store.Operations.
func (p *operations) Pending(ctx context.Context, id domain.OperationID, limit int) (found []domain.JobID, err error) {
	err = each(ctx, p.read, func(r pgx.Rows) error {
		var job domain.JobID
		err := r.Scan((*[16]byte)(&job))
		found = append(found, job)
		return err
	}, `SELECT job_id FROM operation_job WHERE operation_id = $1 ORDER BY job_id LIMIT $2`, [16]byte(id), limit)
	return found, fault("read the jobs of the operation", err)
}

// Cancel implements store.Operations.
func (p *operations) Cancel(ctx context.Context, id domain.OperationID, by domain.Cancellation) error {
	return fault("cancel the operation", transact(ctx, p.edit, func(tx pgx.Tx) error {
		is, err := readOperation(ctx, tx, id, locked)
		switch {
		case err != nil:
			return err
		case is == nil:
			return store.NoOperation(id)
		case is.Cancelled.At != 0:
			return nil
		case is.State.Ended():
			return store.HasEnded(is)
		}
		b := new(pgx.Batch)
		if e, ok := store.CancelEntry(ctx, id); ok {
			queueEntry(b, &e)
		}
		b.Queue(cancelOperation, [16]byte(id), by.At, by.By.Key, clean(by.By.Name), clean(by.By.Address))
		return send(ctx, tx, b)
	}))
}

// Expire implements store.Operations.
func (p *operations) Expire(ctx context.Context, before int64) (gone int, err error) {
	if _, err = deleteAll(ctx, p.edit, prunePending); err == nil {
		gone, err = deleteAll(ctx, p.edit, pruneOperations, before)
	}
	return gone, fault("expire operations", err)
}

// deleteAll repeats a statement that deletes some rows, whose first parameter says how many at most, until
// none is left.
func deleteAll(ctx context.Context, q querier, statement string, args ...any) (gone int, err error) {
	for {
		tag, err := q.Exec(ctx, statement, append([]any{pruneChunk}, args...)...)
		gone += int(tag.RowsAffected())
		if err != nil || tag.RowsAffected() < pruneChunk {
			return gone, err
		}
	}
}
