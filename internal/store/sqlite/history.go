package sqlite

import (
	"context"

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
