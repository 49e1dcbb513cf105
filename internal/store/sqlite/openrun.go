package sqlite

import (
	"context"
	"sync"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

const (
	upsertOpenRun = `
INSERT INTO open_run (scheduled_at, job_id, nonce, version, next_at, crashes, in_flight, created_at, attempts,
       runner, run_until)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
    ON CONFLICT DO UPDATE SET version = excluded.version, next_at = excluded.next_at, crashes = excluded.crashes,
       in_flight = excluded.in_flight, created_at = excluded.created_at, attempts = excluded.attempts,
       runner = excluded.runner, run_until = excluded.run_until
 WHERE runner = ?12 OR excluded.runner <> 0 AND runner = excluded.runner` // as store.Replaces

	deleteOpenRun = `DELETE FROM open_run WHERE scheduled_at = ? AND job_id = ? AND nonce = ?`

	selectOpenRuns = `
SELECT scheduled_at, job_id, nonce, version, next_at, crashes, in_flight, created_at, attempts, runner, run_until
  FROM open_run WHERE (scheduled_at, job_id, nonce) > (?, ?, ?)
 ORDER BY scheduled_at, job_id, nonce LIMIT 0 + ?`

	selectOpenRun = `
SELECT scheduled_at, job_id, nonce, version, next_at, crashes, in_flight, created_at, attempts, runner, run_until
  FROM open_run WHERE scheduled_at = ? AND job_id = ? AND nonce = ?`
)

// openRunRow is an open run with its attempts encoded, ready for the writer's
// goroutine.
type openRunRow struct {
	domain.OpenRun
	attempts rows.Text
}

func encodeOpenRun(r domain.OpenRun) (row openRunRow, err error) {
	row.OpenRun = r
	if len(r.Attempts) > 0 {
		row.attempts, err = rows.EncodeJSON(r.Attempts)
	}
	row.Attempts = nil
	return row, err
}

func (r *openRunRow) upsert(c *conn) error {
	return c.exec(upsertOpenRun, r.ScheduledAt, r.JobID, r.Nonce, r.Version, r.NextAt, r.Crashes, r.InFlight,
		r.CreatedAt, r.attempts, r.Runner, r.RunUntil, r.TakenFrom)
}

func columnsOpenRun(s *sqlite.Stmt) domain.OpenRun {
	r := domain.OpenRun{
		FireKey: columnsKey(s), Version: s.ColumnInt(3), NextAt: s.ColumnInt64(4), Crashes: s.ColumnInt(5),
		InFlight: s.ColumnBool(6), CreatedAt: s.ColumnInt64(7),
	}
	r.Attempts = rows.DecodeAttempts(s.ColumnText(8))
	r.Runner, r.RunUntil = s.ColumnInt64(9), s.ColumnInt64(10)
	return r
}

// openRuns are the open runs in the jobs database.
type openRuns struct {
	db   *jobsDB
	days *days // a run whose fact is there has ended

	// Keys that may have an open run; written under mu. Only change adds some, under
	// the recordLock.
	mu   sync.RWMutex
	keys map[domain.FireKey]struct{}
}

// openRunChunk is how many open runs are read in one go.
const openRunChunk = 1_000

// each reads all open runs in the order of their keys, and hands them
// over in chunks.
func (o *openRuns) each(ctx context.Context, fn func([]domain.OpenRun) error) error {
	after := domain.FireKey{ScheduledAt: -1}
	for {
		var chunk []domain.OpenRun
		err := o.db.read(ctx, func(c *conn) error {
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

// load implements fileCopy.
func (o *openRuns) load(ctx context.Context) error {
	keys := make(map[domain.FireKey]struct{})
	err := o.each(ctx, func(chunk []domain.OpenRun) error {
		for _, r := range chunk {
			keys[r.FireKey] = struct{}{}
		}
		return nil
	})
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.keys = keys
	return nil
}

// open hands over every open run: see store.Ledger. A run whose fact exists was left by a
// crash between the two files; it is deleted.
func (o *openRuns) open(ctx context.Context, fn func(domain.OpenRun) error) error {
	var dead []domain.FireKey
	err := o.each(ctx, func(chunk []domain.OpenRun) error {
		for _, r := range chunk {
			ended, err := o.hasFact(ctx, r.FireKey)
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
	return o.change(ctx, dead, nil, nil)
}

// of returns the open runs that there are of the keys: see store.Ledger.
func (o *openRuns) of(ctx context.Context, keys []domain.FireKey) (found []domain.OpenRun, err error) {
	err = o.db.read(ctx, func(c *conn) error {
		for _, k := range keys {
			err := c.query(selectOpenRun, func(s *sqlite.Stmt) error {
				found = append(found, columnsOpenRun(s))
				return nil
			}, k.ScheduledAt, k.JobID, k.Nonce)
			if err != nil {
				return err
			}
		}
		return nil
	})
	live := found[:0]
	for i := 0; err == nil && i < len(found); i++ {
		var ended bool
		if ended, err = o.hasFact(ctx, found[i].FireKey); !ended {
			live = append(live, found[i])
		}
	}
	return live, fault("read open runs", err)
}

// hasFact reports whether a fact of the key is on record.
func (o *openRuns) hasFact(ctx context.Context, k domain.FireKey) (found bool, err error) {
	err = o.days.read(ctx, dayOf(k.ScheduledAt), func(c *conn) (err error) {
		found, err = c.hasFact(k)
		return err
	})
	return found, err
}

// change deletes open runs and inserts or replaces others, in one step.
func (o *openRuns) change(ctx context.Context, ended []domain.FireKey, rows []openRunRow,
	records []domain.IdempotencyRecord) error {
	o.mu.Lock()
	for _, r := range rows { // before the write: it may succeed and be reported as failed
		o.keys[r.FireKey] = struct{}{}
	}
	o.mu.Unlock()
	err := o.db.write(ctx, len(ended)+len(rows)+len(records), func(c *conn) (tally, error) {
		for i := range records {
			if err := keepFirstRecord(c, &records[i]); err != nil {
				return tally{}, err
			}
		}
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
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, k := range ended {
		delete(o.keys, k)
	}
	return nil
}

const selectRunner = `SELECT runner FROM open_run WHERE scheduled_at = ? AND job_id = ? AND nonce = ?`

// mayEnd reports whether a decision of a process counts: see store.Decision. The caller holds
// the recordLock.
func (o *openRuns) mayEnd(ctx context.Context, d *store.Decision, process int64) (bool, error) {
	o.mu.RLock()
	_, open := o.keys[d.FireKey]
	o.mu.RUnlock()
	if !open {
		return true, nil
	}
	runner := int64(0)
	err := o.db.read(ctx, func(c *conn) (err error) {
		runner, err = c.number(selectRunner, d.ScheduledAt, d.JobID, d.Nonce)
		return err
	})
	return d.MayEnd(process, runner), err
}

// ended returns the keys of facts that may have an open run.
func (o *openRuns) ended(facts []*domain.Execution) (ended []domain.FireKey) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if len(o.keys) == 0 {
		return nil
	}
	for _, e := range facts {
		if _, ok := o.keys[e.FireKey]; ok {
			ended = append(ended, e.FireKey)
		}
	}
	return ended
}
