package postgres

import (
	"context"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

const recordColumns = `key, caller, fingerprint, at, job_id, execution_id, key_id, items, digest, done, status, refusal,
       operation_id`

const (
	insertRecord = `
INSERT INTO idempotency (` + recordColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`

	replaceRecord = insertRecord + `
    ON CONFLICT (key) DO UPDATE SET caller = excluded.caller, fingerprint = excluded.fingerprint, at = excluded.at,
       job_id = excluded.job_id, execution_id = excluded.execution_id, key_id = excluded.key_id,
       items = excluded.items, digest = excluded.digest, done = excluded.done, status = excluded.status,
       refusal = excluded.refusal, operation_id = excluded.operation_id`

	selectRecord  = `SELECT ` + recordColumns + ` FROM idempotency WHERE key = $1`
	selectRecords = `SELECT ` + recordColumns + ` FROM idempotency WHERE key = ANY($1) ORDER BY key FOR UPDATE`

	addUse = `
INSERT INTO idempotency_use AS u (caller, slot, bytes) VALUES ($1, $2, $3)
    ON CONFLICT (caller, slot) DO UPDATE SET bytes = u.bytes + excluded.bytes`
)

// useSlots is over how many rows the use of a caller is spread.
const useSlots = 64

// queueRecord adds the record of a request to a batch, in place of an old one if that is not nil.
func queueRecord(b *pgx.Batch, r, old *domain.IdempotencyRecord) {
	statement := insertRecord
	if old != nil {
		statement = replaceRecord
		queueUse(b, old.Caller, -old.Bytes())
	}
	b.Queue(statement, recordArgs(r)...)
	queueUse(b, r.Caller, r.Bytes())
}

func recordArgs(r *domain.IdempotencyRecord) []any {
	digest := []byte{}
	if r.Import.Items > 0 {
		digest = r.Import.Digest[:]
	}
	refusal := r.Refusal
	if len(refusal) == 0 {
		refusal = nil
	}
	return []any{r.Key[:], r.Caller, r.Fingerprint[:], r.At, uuidOrNull(r.JobID), uuidOrNull(r.Execution), r.KeyID,
		r.Import.Items, digest, r.Import.Done, r.Status, refusal, uuidOrNull(r.Operation)}
}

func queueUse(b *pgx.Batch, caller string, bytes int64) {
	b.Queue(addUse, caller, rand.IntN(useSlots), bytes)
}

func scanRecord(r pgx.Rows) (*domain.IdempotencyRecord, error) {
	var is domain.IdempotencyRecord
	var key, fingerprint, digest []byte
	var job, execution, operation *[16]byte
	err := r.Scan(&key, &is.Caller, &fingerprint, &is.At, &job, &execution, &is.KeyID, &is.Import.Items, &digest,
		&is.Import.Done, &is.Status, &is.Refusal, &operation)
	copy(is.Key[:], key)
	copy(is.Fingerprint[:], fingerprint)
	copy(is.Import.Digest[:], digest)
	if job != nil {
		is.JobID = *job
	}
	if execution != nil {
		is.Execution = *execution
	}
	if operation != nil {
		is.Operation = *operation
	}
	return &is, err
}

// readRecords returns the records of keys, and keeps others from changing them.
func readRecords(ctx context.Context, q querier, of []domain.IdempotencyRecord) (
	found map[domain.IdempotencyKey]*domain.IdempotencyRecord, err error) {
	found = make(map[domain.IdempotencyKey]*domain.IdempotencyRecord)
	keys := make([][]byte, len(of))
	for i := range of {
		keys[i] = of[i].Key[:]
	}
	err = each(ctx, q, func(r pgx.Rows) error {
		is, err := scanRecord(r)
		if err == nil {
			found[is.Key] = is
		}
		return err
	}, selectRecords, keys)
	return found, err
}

// keepRecord writes the record of a request in the transaction of what the request made. Two
// requests with one key that nobody had before meet in the table's key: the later one fails, and
// is done again.
func keepRecord(ctx context.Context, q querier, b *pgx.Batch, r *domain.IdempotencyRecord) error {
	known, err := readRecords(ctx, q, []domain.IdempotencyRecord{*r})
	if err != nil {
		return err
	}
	old := known[r.Key]
	if old != nil {
		if replaces, err := r.Replaces(old); err != nil || !replaces {
			return err
		}
	}
	queueRecord(b, r, old)
	return nil
}
