package sqlite

import (
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// Facts are inserted many to a statement where they are many: it saves the
// opening and closing of the table's four cursors for each row, some 40 % of
// the cost.
const (
	executionParams  = 13
	rowsPerStatement = 32
)

const executionColumns = `scheduled_at, job_id, nonce, version, status, drift_ms, duration_ms, http_status,
       retry_count, error, attempts, missed_from, missed_count`

// Almost all facts are plain, and differ in six columns only; the others are part
// of the statement.
const (
	plainParams = 6
	plainRow    = "(?, ?, 0, ?, 1, ?, ?, ?, 0, NULL, NULL, NULL, NULL)"
)

var (
	anyRow           = "(?" + strings.Repeat(", ?", executionParams-1) + ")"
	insertFact       = insertExecutions(anyRow, 1)
	insertManyFacts  = insertExecutions(anyRow, rowsPerStatement)
	insertPlainFacts = insertExecutions(plainRow, rowsPerStatement)
)

// insertExecutions returns the statement that inserts rows. After a fault the
// whole transaction is undone, so that SQLite need not be able to undo the
// statement alone (OR FAIL): it would keep a copy of each page that it changes.
func insertExecutions(row string, rows int) string {
	return "INSERT OR FAIL INTO execution (" + executionColumns + ") VALUES " + row + strings.Repeat(", "+row, rows-1) +
		" ON CONFLICT DO NOTHING"
}

// isPlain reports whether the fact is that of a scheduled fire which succeeded at
// once.
func isPlain(e *domain.Execution) bool {
	return e.Status == domain.StatusSuccess && e.Nonce == 0 && e.RetryCount == 0 && len(e.Attempts) == 0 &&
		e.StartedAt != 0 && e.CompletedAt != 0 && e.HTTPStatus != 0 && e.Error == "" && e.Missed == nil
}

func notPlain(e *domain.Execution) bool { return !isPlain(e) }

// bindPlain binds a plain fact as row number row, from 0, of an insertion of
// such.
func bindPlain(s *sqlite.Stmt, row int, e *domain.Execution) error {
	at := row * plainParams
	s.BindInt64(at+1, e.ScheduledAt)
	s.BindBytes(at+2, e.JobID[:])
	s.BindInt64(at+3, int64(e.Version))
	s.BindInt64(at+4, e.StartedAt-e.ScheduledAt)
	s.BindInt64(at+5, e.CompletedAt-e.StartedAt)
	s.BindInt64(at+6, int64(e.HTTPStatus))
	return nil
}

// bindExecution binds a fact as row number row, from 0, of an insertion.
func bindExecution(s *sqlite.Stmt, row int, e *domain.Execution) error {
	code, err := rows.StatusCode(e.Status)
	if err != nil {
		return err
	}
	at := row * executionParams
	s.BindInt64(at+1, e.ScheduledAt)
	s.BindBytes(at+2, e.JobID[:])
	s.BindInt64(at+3, e.Nonce)
	s.BindInt64(at+4, int64(e.Version))
	s.BindInt64(at+5, int64(code))
	base := e.ScheduledAt
	if e.StartedAt != 0 {
		base = e.StartedAt
		s.BindInt64(at+6, e.StartedAt-e.ScheduledAt)
	} else {
		s.BindNull(at + 6)
	}
	if e.CompletedAt != 0 {
		s.BindInt64(at+7, e.CompletedAt-base)
	} else {
		s.BindNull(at + 7)
	}
	bindNonZero(s, at+8, int64(e.HTTPStatus))
	s.BindInt64(at+9, int64(e.RetryCount))
	bindText(s, at+10, e.Error)
	if e.Missed != nil {
		s.BindInt64(at+12, e.Missed.From)
		s.BindInt64(at+13, e.Missed.Count)
	} else {
		s.BindNull(at + 12)
		s.BindNull(at + 13)
	}
	return bindAttempts(s, at+11, e.Attempts)
}

func bindAttempts(s *sqlite.Stmt, i int, attempts []domain.Attempt) error {
	doc, err := rows.EncodeAttempts(attempts)
	if err != nil {
		return err
	}
	bindText(s, i, string(doc))
	return nil
}

// columnsExecution reads a row of executionColumns.
func columnsExecution(s *sqlite.Stmt) domain.Execution {
	e := domain.Execution{
		FireKey:    columnsKey(s),
		Version:    s.ColumnInt(3),
		Status:     rows.StatusOf(s.ColumnInt64(4)),
		HTTPStatus: s.ColumnInt(7),
		RetryCount: s.ColumnInt(8),
		Error:      s.ColumnText(9),
	}
	base := e.ScheduledAt
	if !s.ColumnIsNull(5) {
		base += s.ColumnInt64(5)
		e.StartedAt = base
	}
	if !s.ColumnIsNull(6) {
		e.CompletedAt = base + s.ColumnInt64(6)
	}
	if !s.ColumnIsNull(12) {
		e.Missed = &domain.MissedRange{From: s.ColumnInt64(11), Count: s.ColumnInt64(12)}
	}
	e.Attempts = rows.DecodeAttempts(s.ColumnText(10))
	return e
}

// columnsKey reads scheduled_at, job_id and nonce from the first columns.
func columnsKey(s *sqlite.Stmt) domain.FireKey {
	return domain.FireKey{ScheduledAt: s.ColumnInt64(0), JobID: columnJobID(s, 1), Nonce: s.ColumnInt64(2)}
}

const selectExists = `SELECT 1 FROM execution WHERE scheduled_at = ? AND job_id = ? AND nonce = ?`

// hasFact reports whether the file holds a fact of the key.
func (c *conn) hasFact(k domain.FireKey) (bool, error) {
	n, err := c.number(selectExists, k.ScheduledAt, k.JobID, k.Nonce)
	return n == 1, err
}
