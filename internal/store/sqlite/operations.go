package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// operations implements store.Operations.
type operations struct{ db *jobsDB }

// Create implements store.Operations.
func (p *operations) Create(ctx context.Context, o domain.Operation, pending []domain.JobID) error {
	return fault("keep the operation", p.db.write(ctx, 1+len(pending), func(c *conn) (tally, error) {
		is, err := readOperation(c, o.ID)
		switch {
		case err != nil:
			return tally{}, err
		case is != nil && is.Same(&o):
			return tally{}, nil // a repeat
		case is != nil:
			return tally{}, domain.Conflict("operation %s exists already", o.ID)
		}
		if r, ok := store.OperationRecord(ctx, o.ID); ok {
			if err := keepRecord(c, &r); err != nil {
				return tally{}, err
			}
		}
		if err := writeOperation(c, &o); err != nil {
			return tally{}, err
		}
		if e, ok := store.OperationEntry(ctx, &o); ok {
			if err := putEntry(c, raiseChange, &e); err != nil {
				return tally{}, err
			}
		}
		return tally{}, eachJob(c, insertPending, o.ID, pending)
	}))
}

// Get implements store.Operations.
func (p *operations) Get(ctx context.Context, id domain.OperationID) (domain.Operation, error) {
	var found *domain.Operation
	err := p.db.read(ctx, func(c *conn) (err error) {
		found, err = readOperation(c, id)
		return err
	})
	if err == nil && found == nil {
		err = store.NoOperation(id)
	}
	if err != nil {
		return domain.Operation{}, fault("read the operation", err)
	}
	return *found, nil
}

const (
	// Above every id.
	lastOperation = `x'ffffffffffffffffffffffffffffffffff'`

	beforeOperation = ` id < coalesce(?1, ` + lastOperation + `) ORDER BY id DESC LIMIT 0 + ?2`

	selectOperations     = `SELECT ` + operationColumns + ` FROM operation WHERE` + beforeOperation
	selectOpenOperations = `
SELECT ` + operationColumns + ` FROM operation INDEXED BY operation_open WHERE ended_at IS NULL AND` + beforeOperation
	selectOperationsOf = `
SELECT ` + operationColumns + ` FROM operation INDEXED BY operation_namespace
 WHERE namespace = ?3 AND namespace IS NOT NULL AND` + beforeOperation
)

// List implements store.Operations. Those that have not ended are few, whatever their namespace.
func (p *operations) List(ctx context.Context, q store.OperationQuery) (found []domain.Operation, err error) {
	query, limit, args := selectOperations, q.Limit, []any{nil}
	if !q.Before.IsZero() {
		args[0] = q.Before[:]
	}
	switch {
	case q.Open:
		query, limit = selectOpenOperations, domain.MaxOpenOperations
	case q.Namespace != "":
		query = selectOperationsOf
	}
	args = append(args, limit)
	if query == selectOperationsOf {
		args = append(args, q.Namespace)
	}
	err = p.db.read(ctx, func(c *conn) error {
		return c.query(query, func(s *sqlite.Stmt) error {
			o, err := columnsOperation(s)
			if err == nil && len(found) < q.Limit && (q.Namespace == "" || q.Namespace == o.Namespace) {
				found = append(found, *o)
			}
			return err
		}, args...)
	})
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
	return fault("keep the progress of the operation", p.db.write(ctx, 1+len(jobs), func(c *conn) (tally, error) {
		is, err := readOperation(c, o.ID)
		if err != nil {
			return tally{}, err
		}
		if is == nil {
			return tally{}, store.NoOperation(o.ID)
		}
		next, differs, err := store.Progressed(is, o)
		if err != nil || !differs {
			return tally{}, err
		}
		if err := writeProgress(c, &next); err != nil {
			return tally{}, err
		}
		return tally{}, eachJob(c, statement, o.ID, jobs)
	}))
}

const selectPending = `SELECT job_id FROM operation_job WHERE operation_id = ? ORDER BY job_id LIMIT 0 + ?`

// Pending implements store.Operations.
func (p *operations) Pending(ctx context.Context, id domain.OperationID, limit int) (found []domain.JobID, err error) {
	err = p.db.read(ctx, func(c *conn) error {
		return c.query(selectPending, func(s *sqlite.Stmt) error {
			found = append(found, columnJobID(s, 0))
			return nil
		}, id[:], limit)
	})
	return found, fault("read the jobs of the operation", err)
}

const cancelOperation = `
UPDATE operation SET cancel_at = ?2, cancel_key = ?3, cancel_name = ?4, cancel_address = ?5 WHERE id = ?1`

// Cancel implements store.Operations.
func (p *operations) Cancel(ctx context.Context, id domain.OperationID, by domain.Cancellation) error {
	return fault("cancel the operation", p.db.write(ctx, 1, func(c *conn) (tally, error) {
		is, err := readOperation(c, id)
		switch {
		case err != nil:
			return tally{}, err
		case is == nil:
			return tally{}, store.NoOperation(id)
		case is.Cancelled.At != 0:
			return tally{}, nil
		case is.State.Ended():
			return tally{}, store.HasEnded(is)
		}
		if e, ok := store.CancelEntry(ctx, id); ok {
			if err := insertEntry(c, &e); err != nil {
				return tally{}, err
			}
		}
		return tally{}, c.exec(cancelOperation, id[:], by.At, by.By.Key,
			rows.Text(by.By.Name), rows.Text(by.By.Address))
	}))
}

const (
	selectWithoutUse = `
SELECT o.id FROM operation o INDEXED BY operation_ended
 WHERE o.ended_at IS NOT NULL AND EXISTS (SELECT 1 FROM operation_job j WHERE j.operation_id = o.id)`

	prunePending = `
DELETE FROM operation_job WHERE operation_id = ?1
   AND job_id IN (SELECT job_id FROM operation_job WHERE operation_id = ?1 LIMIT 0 + ?2)`

	pruneOperations = `
DELETE FROM operation WHERE id IN (
       SELECT id FROM operation WHERE ended_at IS NOT NULL AND ended_at <= ?1 LIMIT 0 + ?2)`
)

// Expire implements store.Operations.
func (p *operations) Expire(ctx context.Context, before int64) (gone int, err error) {
	var ended [][]byte
	err = p.db.read(ctx, func(c *conn) error {
		return c.query(selectWithoutUse, func(s *sqlite.Stmt) error {
			id := make([]byte, len(domain.OperationID{}))
			s.ColumnBytes(0, id)
			ended = append(ended, id)
			return nil
		})
	})
	for i := 0; err == nil && i < len(ended); i++ {
		_, err = pruneAll(ctx, p.db, prunePending, ended[i])
	}
	if err == nil {
		gone, err = pruneAll(ctx, p.db, pruneOperations, before)
	}
	return gone, fault("expire operations", err)
}
