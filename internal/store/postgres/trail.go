package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const changeColumns = `at, nonce, action, by_key, by_name, by_address, job_id, version, execution_id, key_id,
       count, request_id, detail, times, last_at, operation_id`

const (
	insertOneChange = `
INSERT INTO change AS c (` + changeColumns + `)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
    ON CONFLICT (at, nonce) DO UPDATE SET `

	// Only an import has a count, so that a repeat of anything else adds zero.
	insertChange = insertOneChange + `count = c.count + excluded.count`

	// A repeat has the sums.
	raiseChange = insertOneChange + `count = greatest(c.count, excluded.count),
       times = greatest(c.times, excluded.times), last_at = greatest(c.last_at, excluded.last_at)`
)

// clean makes a text storable: PostgreSQL takes neither a zero byte nor what is not UTF-8.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// uuidOrNull is an id as a parameter: a zero one is NULL.
func uuidOrNull[T ~[16]byte](id T) *[16]byte {
	if id == (T{}) {
		return nil
	}
	bare := [16]byte(id)
	return &bare
}

func changeArgs(e *domain.Change) []any {
	return []any{e.At, e.Nonce, string(e.Action), e.By.Key, clean(e.By.Name), clean(e.By.Address), uuidOrNull(e.JobID),
		e.Version, uuidOrNull(e.Execution), e.KeyID, e.Count, orNull(clean(e.RequestID)), clean(e.Detail), e.Times,
		e.LastAt, uuidOrNull(e.Operation)}
}

// queueEntry adds an entry of the trail to a batch.
func queueEntry(b *pgx.Batch, e *domain.Change) { b.Queue(insertChange, changeArgs(e)...) }

// queueEntryOf adds the entry that a context has, if it has one.
func queueEntryOf(ctx context.Context, b *pgx.Batch) {
	if e, ok := store.ChangeOf(ctx); ok {
		queueEntry(b, &e)
	}
}

// queueJobEntry adds the entry of a write to one job, if its context has one.
func queueJobEntry(ctx context.Context, b *pgx.Batch, action domain.Action, id domain.JobID, number int) {
	if e, ok := store.JobEntry(ctx, action, id, number); ok {
		queueEntry(b, &e)
	}
}

// queueKeyEntry adds the entry of a write to a key, if its context has one.
func queueKeyEntry(ctx context.Context, b *pgx.Batch, action domain.Action, id string) {
	if e, ok := store.KeyEntry(ctx, action, id); ok {
		queueEntry(b, &e)
	}
}

// send runs a batch of a transaction.
func send(ctx context.Context, q querier, b *pgx.Batch) error {
	if b.Len() == 0 {
		return nil
	}
	return q.SendBatch(ctx, b).Close()
}
