package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

const (
	upsertOpenRun = `
INSERT INTO open_run (scheduled_at, job_id, nonce, version, next_at, crashes, in_flight, created_at, attempts)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET version = excluded.version, next_at = excluded.next_at, crashes = excluded.crashes,
       in_flight = excluded.in_flight, created_at = excluded.created_at, attempts = excluded.attempts`

	deleteOpenRun = `DELETE FROM open_run WHERE scheduled_at = ? AND job_id = ? AND nonce = ?`

	selectOpenRuns = `
SELECT scheduled_at, job_id, nonce, version, next_at, crashes, in_flight, created_at, attempts
  FROM open_run WHERE (scheduled_at, job_id, nonce) > (?, ?, ?)
 ORDER BY scheduled_at, job_id, nonce LIMIT 0 + ?`
)

// openRunRow is an open run with its attempts encoded, ready for the writer's
// goroutine.
type openRunRow struct {
	domain.OpenRun
	attempts text
}

func encodeOpenRun(r domain.OpenRun) (row openRunRow, err error) {
	row.OpenRun = r
	if len(r.Attempts) > 0 {
		row.attempts, err = encodeJSON(r.Attempts)
	}
	row.Attempts = nil
	return row, err
}

func (r *openRunRow) upsert(c *conn) error {
	return c.exec(upsertOpenRun, r.ScheduledAt, r.JobID, r.Nonce, r.Version, r.NextAt, r.Crashes, r.InFlight,
		r.CreatedAt, r.attempts)
}

func columnsOpenRun(s *sqlite.Stmt) domain.OpenRun {
	r := domain.OpenRun{
		FireKey: columnsKey(s), Version: s.ColumnInt(3), NextAt: s.ColumnInt64(4), Crashes: s.ColumnInt(5),
		InFlight: s.ColumnBool(6), CreatedAt: s.ColumnInt64(7),
	}
	r.Attempts = columnAttempts(s, 8)
	return r
}

// openRunChunk is how many open runs are read in one go.
const openRunChunk = 1_000

// eachOpenRun reads all open runs in the order of their keys, and hands them
// over in chunks.
func (s *Store) eachOpenRun(ctx context.Context, fn func([]domain.OpenRun) error) error {
	after := domain.FireKey{ScheduledAt: -1}
	for {
		var chunk []domain.OpenRun
		err := s.readers.with(ctx, func(c *conn) error {
			return c.query(selectOpenRuns, func(s *sqlite.Stmt) error {
				chunk = append(chunk, columnsOpenRun(s))
				return nil
			}, after.ScheduledAt, after.JobID, after.Nonce, openRunChunk)
		})
		if err != nil || len(chunk) == 0 {
			return fault("read the open runs", err)
		}
		after = chunk[len(chunk)-1].FireKey
		if err := fn(chunk); err != nil {
			return err
		}
	}
}

func (s *Store) loadOpenRuns(ctx context.Context) (map[domain.FireKey]struct{}, error) {
	keys := make(map[domain.FireKey]struct{})
	err := s.eachOpenRun(ctx, func(chunk []domain.OpenRun) error {
		for _, r := range chunk {
			keys[r.FireKey] = struct{}{}
		}
		return nil
	})
	return keys, err
}

// OpenRuns implements store.Ledger. A run whose fact exists was left by a
// crash between the two files; it is deleted.
func (l ledger) OpenRuns(ctx context.Context, fn func(domain.OpenRun) error) error {
	var dead []domain.FireKey
	err := l.eachOpenRun(ctx, func(chunk []domain.OpenRun) error {
		for _, r := range chunk {
			ended, err := l.hasFact(ctx, r.FireKey)
			if err != nil {
				return fault("read the open runs", err)
			}
			if ended {
				dead = append(dead, r.FireKey)
				continue
			}
			if err := fn(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || len(dead) == 0 {
		return err
	}
	return l.changeOpenRuns(ctx, dead, nil)
}

// hasFact reports whether a fact of the key is on record.
func (s *Store) hasFact(ctx context.Context, k domain.FireKey) (found bool, err error) {
	err = s.days.read(ctx, dayOf(k.ScheduledAt), func(c *conn) (err error) {
		found, err = c.hasFact(k)
		return err
	})
	return found, err
}

// changeOpenRuns deletes open runs and inserts or replaces others, in one step.
func (s *Store) changeOpenRuns(ctx context.Context, ended []domain.FireKey, rows []openRunRow) error {
	s.state.Lock()
	for _, r := range rows { // before the write: it may succeed and be reported as failed
		s.openRuns[r.FireKey] = struct{}{}
	}
	s.state.Unlock()
	err := s.writer.do(ctx, len(ended)+len(rows), func(c *conn) (tally, error) {
		for _, k := range ended {
			if err := c.exec(deleteOpenRun, k.ScheduledAt, k.JobID, k.Nonce); err != nil {
				return tally{}, err
			}
		}
		for i := range rows {
			if err := rows[i].upsert(c); err != nil {
				return tally{}, err
			}
		}
		return tally{}, nil
	})
	if err != nil {
		return fault("write the open runs", err)
	}
	s.state.Lock()
	defer s.state.Unlock()
	for _, k := range ended {
		delete(s.openRuns, k)
	}
	return nil
}
