package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// factChunk is how many keys are read in one go.
const factChunk = 10_000

const (
	factColumns = `scheduled_at, job_id, nonce, version, status, drift_ms, missed_from, missed_count`

	selectKeys = `
SELECT ` + factColumns + ` FROM execution
 WHERE (scheduled_at, job_id, nonce) > (?, ?, ?) AND scheduled_at <= ?
 ORDER BY scheduled_at, job_id, nonce LIMIT 0 + ?`

	selectRanges = `
SELECT ` + factColumns + ` FROM execution INDEXED BY execution_summary
 WHERE missed_from IS NOT NULL AND (scheduled_at, job_id, nonce) > (?, ?, ?) AND scheduled_at <= ?
 ORDER BY scheduled_at, job_id, nonce LIMIT 0 + ?`
)

// columnsFactRange reads a row of factColumns.
func columnsFactRange(s *sqlite.Stmt) store.FactRange {
	r := store.FactRange{
		Key: columnsKey(s), Version: s.ColumnInt(3), Status: rows.StatusOf(s.ColumnInt64(4)), Count: 1,
	}
	r.From = r.Key.ScheduledAt
	if !s.ColumnIsNull(5) {
		r.StartedAt = r.Key.ScheduledAt + s.ColumnInt64(5)
	}
	if !s.ColumnIsNull(6) {
		r.From, r.Count = s.ColumnInt64(6), s.ColumnInt64(7)
	}
	return r
}

// Facts implements store.Ledger.
func (l *ledger) Facts(ctx context.Context, of store.ShardSet, after, until int64,
	fn func(store.FactRange) error) error {
	return l.streamFacts(ctx, of, selectKeys, after, until, fn)
}

// Ranges implements store.Ledger.
func (l *ledger) Ranges(ctx context.Context, of store.ShardSet, after int64, fn func(store.FactRange) error) error {
	return l.streamFacts(ctx, of, selectRanges, after, domain.Forever, fn)
}

func (l *ledger) streamFacts(ctx context.Context, of store.ShardSet, query string, after, until int64,
	fn func(store.FactRange) error) error {
	if !of.Has(theShard) {
		return nil
	}
	if err := l.days.whole(after+1, until); err != nil {
		return err
	}
	for _, d := range l.days.all() {
		if d.end() <= after || d.start() > until {
			continue
		}
		if err := l.factsOfDay(ctx, d, query, after, until, fn); err != nil {
			return err
		}
	}
	return nil
}

func (l *ledger) factsOfDay(ctx context.Context, d day, query string, after, until int64,
	fn func(store.FactRange) error) error {
	last := domain.FireKey{ScheduledAt: after + 1, Nonce: -1 << 63}
	var chunk []store.FactRange
	for {
		chunk = chunk[:0]
		err := l.days.read(ctx, d, func(c *conn) error {
			return c.query(query, func(s *sqlite.Stmt) error {
				chunk = append(chunk, columnsFactRange(s))
				return nil
			}, last.ScheduledAt, last.JobID, last.Nonce, until, factChunk)
		})
		if err != nil {
			return fault("read the facts", err)
		}
		for _, r := range chunk {
			if err := fn(r); err != nil {
				return err
			}
		}
		if len(chunk) < factChunk {
			return nil
		}
		last = chunk[len(chunk)-1].Key
	}
}
