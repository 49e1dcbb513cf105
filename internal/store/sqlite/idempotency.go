package sqlite

import (
	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

const recordColumns = `key, caller, fingerprint, at, job_id, execution_id, key_id, items, digest, done, status, ` +
	`refusal, operation_id`

const (
	insertRecord = `
INSERT INTO idempotency (` + recordColumns + `, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	selectRecord = `SELECT ` + recordColumns + ` FROM idempotency WHERE key = ?`
	deleteRecord = `DELETE FROM idempotency WHERE key = ?`
)

// keepRecord writes the record of a request, in the transaction of what the request made.
func keepRecord(c *conn, r *domain.IdempotencyRecord) error {
	old, err := readRecord(c, r.Key)
	if err != nil {
		return err
	}
	if old != nil {
		replaces, err := r.Replaces(old)
		if err != nil || !replaces {
			return err
		}
		if err := c.exec(deleteRecord, r.Key[:]); err != nil {
			return err
		}
	}
	var job, execution, digest, refusal, operation any
	if !r.JobID.IsZero() {
		job = r.JobID
	}
	if r.Execution != (domain.ExecutionID{}) {
		execution = r.Execution[:]
	}
	if r.Import.Items > 0 {
		digest = r.Import.Digest[:]
	}
	if len(r.Refusal) > 0 {
		refusal = r.Refusal
	}
	if !r.Operation.IsZero() {
		operation = r.Operation[:]
	}
	return c.exec(insertRecord, r.Key[:], r.Caller, r.Fingerprint[:], r.At, job, execution, rows.Text(r.KeyID),
		r.Import.Items, digest, r.Import.Done, r.Status, refusal, operation,
		r.Bytes())
}

// keepFirstRecord is keepRecord where another record of the key stays.
func keepFirstRecord(c *conn, r *domain.IdempotencyRecord) error {
	err := keepRecord(c, r)
	if domain.ErrorCode(err) == domain.CodeConflict {
		return nil
	}
	return err
}

// readRecord returns the record of a key, however old, or nil.
func readRecord(c *conn, key domain.IdempotencyKey) (found *domain.IdempotencyRecord, err error) {
	err = c.query(selectRecord, func(s *sqlite.Stmt) error {
		found = columnsRecord(s)
		return nil
	}, key[:])
	return found, err
}

func columnsRecord(s *sqlite.Stmt) *domain.IdempotencyRecord {
	r := &domain.IdempotencyRecord{Caller: s.ColumnText(1), At: s.ColumnInt64(3), JobID: columnJobID(s, 4),
		KeyID: s.ColumnText(6), Status: s.ColumnInt(10)}
	s.ColumnBytes(0, r.Key[:])
	s.ColumnBytes(2, r.Fingerprint[:])
	s.ColumnBytes(5, r.Execution[:])
	r.Import = domain.ImportState{Items: s.ColumnInt(7), Done: s.ColumnBool(9)}
	s.ColumnBytes(8, r.Import.Digest[:])
	if n := s.ColumnLen(11); n > 0 {
		r.Refusal = make([]byte, n)
		s.ColumnBytes(11, r.Refusal)
	}
	s.ColumnBytes(12, r.Operation[:])
	return r
}
