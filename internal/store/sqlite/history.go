package sqlite

import (
	"context"
	"errors"
	"math"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// history implements store.History. ByJob is in byjob.go, Expire in expire.go.
type history struct {
	db        *jobsDB
	jobs      *jobs
	days      *days
	lock      *recordLock
	counters  *counters
	irregular *irregularJobs
	expiry    *expiry
	pace      *clock.Pace // of exports; may be nil
}

const (
	selectInstant = `SELECT scheduled_at, job_id, nonce FROM execution WHERE scheduled_at = ?`
	selectFact    = `
SELECT ` + executionColumns + ` FROM execution WHERE scheduled_at = ? AND job_id = ? AND nonce = ?`
)

// Execution implements store.History. The id starts with the scheduled
// instant; the executions of that instant are compared with the rest of it.
func (h *history) Execution(ctx context.Context, id domain.ExecutionID) (domain.Execution, error) {
	var found *domain.Execution
	at := id.ScheduledAt()
	err := h.days.read(ctx, dayOf(at), func(c *conn) error {
		key, ok, err := findKey(c, id, at)
		if err != nil || !ok {
			return err
		}
		found, err = readFact(c, key)
		return err
	})
	if err != nil {
		return domain.Execution{}, fault("read the execution", err)
	}
	if found == nil {
		return domain.Execution{}, domain.NotFound("execution", id)
	}
	return *found, nil
}

func findKey(c *conn, id domain.ExecutionID, at int64) (key domain.FireKey, found bool, err error) {
	err = c.query(selectInstant, func(s *sqlite.Stmt) error {
		if k := columnsKey(s); !found && k.ID() == id {
			key, found = k, true
		}
		return nil
	}, at)
	return key, found, err
}

// readFact returns the fact of a key, or nil.
func readFact(c *conn, k domain.FireKey) (found *domain.Execution, err error) {
	err = c.query(selectFact, func(s *sqlite.Stmt) error {
		e := columnsExecution(s)
		found = &e
		return nil
	}, k.ScheduledAt, k.JobID, k.Nonce)
	return found, err
}

// before returns the key that a page starts below. Zero is the newest: above
// every key that can be.
func before(p store.Page) domain.FireKey {
	if p.Before == (domain.FireKey{}) {
		return domain.FireKey{ScheduledAt: math.MaxInt64}
	}
	return p.Before
}

const (
	selectRecent = `
SELECT ` + executionColumns + ` FROM execution
 WHERE (scheduled_at, job_id, nonce) < (?, ?, ?)
 ORDER BY scheduled_at DESC, job_id DESC, nonce DESC LIMIT 0 + ?`

	selectFailed = `
SELECT ` + executionColumns + ` FROM execution INDEXED BY execution_failed
 WHERE status IN (2, 5) AND (scheduled_at, job_id, nonce) < (?, ?, ?)
 ORDER BY scheduled_at DESC, job_id DESC, nonce DESC LIMIT 0 + ?`

	selectFailedOfJob = `
SELECT ` + executionColumns + ` FROM execution INDEXED BY execution_failed_by_job
 WHERE status IN (2, 5) AND job_id = CAST(?5 AS BLOB) AND (scheduled_at, job_id, nonce) < (?1, ?2, ?3)
 ORDER BY scheduled_at DESC, nonce DESC LIMIT 0 + ?4`
)

// Recent implements store.History.
func (h *history) Recent(ctx context.Context, page store.Page) ([]domain.Execution, error) {
	return h.page(ctx, page, selectRecent)
}

// Failed implements store.History.
func (h *history) Failed(ctx context.Context, id domain.JobID, page store.Page) ([]domain.Execution, error) {
	if id.IsZero() {
		return h.page(ctx, page, selectFailed)
	}
	return h.page(ctx, page, selectFailedOfJob, id)
}

// page collects a page from the newest file down. The query's first four
// parameters are the key to start below and the number of rows.
func (h *history) page(ctx context.Context, page store.Page, query string, args ...any) ([]domain.Execution, error) {
	from := before(page)
	found := make([]domain.Execution, 0, max(0, min(page.Limit, 1_000)))
	collected := store.Meter{Rows: page.Limit, Bytes: page.MaxBytes}
	for _, d := range h.days.downFrom(dayOf(from.ScheduledAt)) {
		if collected.Full() {
			break
		}
		err := h.days.read(ctx, d, func(c *conn) error {
			params := append([]any{from.ScheduledAt, from.JobID, from.Nonce, collected.Remaining()}, args...)
			return c.query(query, func(s *sqlite.Stmt) error {
				if collected.Full() {
					return errFull
				}
				e := columnsExecution(s)
				found = append(found, e)
				collected.Add(e.Size())
				return nil
			}, params...)
		})
		if err != nil && !errors.Is(err, errFull) {
			return nil, fault("read the history", err)
		}
	}
	return found, nil
}

// Totals implements store.History.
func (h *history) Totals(ctx context.Context, since int64) (store.Totals, error) {
	if err := h.lock.freshForRead(ctx); err != nil {
		return store.Totals{}, fault("read the counters", err)
	}
	if since <= 0 {
		sum := h.counters.total()
		return sum.result(), nil
	}
	sum, err := h.counters.since(ctx, since)
	if err != nil {
		return store.Totals{}, fault("read the counters", err)
	}
	return sum.result(), nil
}

// Kept implements store.History.
func (h *history) Kept(ctx context.Context) (since int64, err error) {
	since, err = h.db.dropped(ctx)
	if asides := h.days.asides(); len(asides) > 0 {
		since = max(since, asides[len(asides)-1].end())
	}
	return since, err
}

// Expire implements store.History.
func (h *history) Expire(ctx context.Context, before int64) (int, error) {
	return h.expiry.run(ctx, before)
}
