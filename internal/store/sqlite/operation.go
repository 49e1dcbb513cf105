package sqlite

import (
	"encoding/json"
	"reflect"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

const (
	operationColumns = `id, action, tags, named, filter, namespace, by_key, by_name, by_address, role, request_id, ` +
		`created_at, state, matched, not_found, done, unchanged, skipped, failed, errors, fault, matched_at, ` +
		`ended_at, matched_to, step_at, cancel_at, cancel_key, cancel_name, cancel_address`

	selectOperation = `SELECT ` + operationColumns + ` FROM operation WHERE id = ?`

	insertOperation = `
INSERT INTO operation (` + operationColumns + `)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24,
        ?25, NULL, NULL, NULL, NULL)`

	updateOperation = `
UPDATE operation SET state = ?2, matched = ?3, not_found = ?4, done = ?5, unchanged = ?6, skipped = ?7, failed = ?8,
       errors = ?9, fault = ?10, matched_at = ?11, ended_at = ?12, matched_to = ?13, step_at = ?14
 WHERE id = ?1`
)

// readOperation returns an operation, or nil.
func readOperation(c *conn, id domain.OperationID) (found *domain.Operation, err error) {
	err = c.query(selectOperation, func(s *sqlite.Stmt) error {
		found, err = columnsOperation(s)
		return err
	}, id[:])
	return found, err
}

func columnsOperation(s *sqlite.Stmt) (*domain.Operation, error) {
	o := &domain.Operation{
		Action: domain.BulkAction(s.ColumnText(1)), Named: s.ColumnInt(3), Namespace: s.ColumnText(5),
		By:   domain.Author{Key: s.ColumnText(6), Name: s.ColumnText(7), Address: s.ColumnText(8)},
		Role: domain.Role(s.ColumnText(9)), RequestID: s.ColumnText(10), CreatedAt: s.ColumnInt64(11),
		State: domain.OperationState(s.ColumnText(12)),
		Counts: domain.OperationCounts{
			Matched: s.ColumnInt64(13), NotFound: s.ColumnInt64(14), Done: s.ColumnInt64(15),
			Unchanged: s.ColumnInt64(16), Skipped: s.ColumnInt64(17), Failed: s.ColumnInt64(18),
		},
		Fault: s.ColumnText(20), MatchedAt: s.ColumnInt64(21), EndedAt: s.ColumnInt64(22),
		Progress: domain.OperationProgress{Matched: columnJobID(s, 23), StepAt: s.ColumnInt64(24)},
		Cancelled: domain.Cancellation{At: s.ColumnInt64(25), By: domain.Author{
			Key: s.ColumnText(26), Name: s.ColumnText(27), Address: s.ColumnText(28),
		}},
	}
	s.ColumnBytes(0, o.ID[:])
	var args rows.ActionArgs
	for column, into := range map[int]any{2: &args, 4: &o.Filter, 19: &o.Errors} {
		if text := s.ColumnText(column); text != "" {
			if err := json.Unmarshal([]byte(text), into); err != nil {
				return nil, err
			}
		}
	}
	args.Set(o)
	return o, nil
}

// jsonText returns a value as JSON; empty: it is zero.
func jsonText(v any) (rows.Text, error) {
	if reflect.ValueOf(v).IsZero() {
		return "", nil
	}
	b, err := json.Marshal(v)
	return rows.Text(b), err
}

// whenNot returns an instant, NULL where it is zero.
func whenNot(zero int64) any {
	if zero == 0 {
		return nil
	}
	return zero
}

func writeOperation(c *conn, o *domain.Operation) error {
	tags, err := jsonText(rows.ArgsOf(o))
	if err != nil {
		return err
	}
	filter, err := jsonText(o.Filter)
	if err != nil {
		return err
	}
	failures, err := jsonText(o.Errors)
	if err != nil {
		return err
	}
	n := &o.Counts
	return c.exec(insertOperation, o.ID[:], string(o.Action), tags, o.Named, filter, rows.Text(o.Namespace),
		o.By.Key, rows.Text(o.By.Name), rows.Text(o.By.Address), string(o.Role), rows.Text(o.RequestID), o.CreatedAt,
		string(o.State), n.Matched, n.NotFound, n.Done, n.Unchanged, n.Skipped, n.Failed, failures,
		rows.Text(o.Fault), whenNot(o.MatchedAt), whenNot(o.EndedAt), o.Progress.Matched, o.Progress.StepAt)
}

func writeProgress(c *conn, o *domain.Operation) error {
	failures, err := jsonText(o.Errors)
	if err != nil {
		return err
	}
	n := &o.Counts
	return c.exec(updateOperation, o.ID[:], string(o.State), n.Matched, n.NotFound, n.Done, n.Unchanged, n.Skipped,
		n.Failed, failures, rows.Text(o.Fault), whenNot(o.MatchedAt), whenNot(o.EndedAt), o.Progress.Matched,
		o.Progress.StepAt)
}

const (
	insertPending = `INSERT INTO operation_job (operation_id, job_id) VALUES (?, ?) ON CONFLICT DO NOTHING`
	deletePending = `DELETE FROM operation_job WHERE operation_id = ? AND job_id = ?`
)

// eachJob runs a statement about an operation for each of some jobs.
func eachJob(c *conn, statement string, id domain.OperationID, jobs []domain.JobID) error {
	for i := range jobs {
		if err := c.exec(statement, id[:], jobs[i]); err != nil {
			return err
		}
	}
	return nil
}
