package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// ledger implements store.Ledger.
type ledger struct {
	db        *jobsDB
	days      *days
	lock      *recordLock
	eraser    *eraser
	alerts    *alerts
	counters  *counters
	irregular *irregularJobs
	runs      *openRuns
	lease     *heldLease
}

// Record implements store.Ledger.
//
// The facts of one day, with their counters and alerts, are one transaction of the
// day's file. The jobs database is written last, and only if a fact may have an open
// run or the batch has open runs. A crash in between leaves an open run whose fact
// exists; OpenRuns does not return it.
func (l *ledger) Record(ctx context.Context, b store.Batch) error {
	if err := b.Unfenced(1); err != nil {
		return err
	}
	if err := l.lock.enter(ctx); err != nil {
		return err
	}
	defer l.lock.leave()
	if err := l.lock.fresh(ctx); err != nil {
		return fault("record", err)
	}
	records, err := l.fenced(ctx, &b)
	if err != nil {
		return fault("record", err)
	}
	facts, err := sortFacts(records)
	if err != nil {
		return err
	}
	for rest := facts; len(rest) > 0; {
		d := dayOf(rest[0].ScheduledAt)
		n := slices.IndexFunc(rest, func(e *domain.Execution) bool { return e.ScheduledAt >= d.end() })
		if n < 0 {
			n = len(rest)
		}
		if err := l.recordDay(ctx, d, rest[:n]); err != nil {
			return fault("record", err)
		}
		rest = rest[n:]
	}
	return l.recordRuns(ctx, facts, &b)
}

// fenced returns the facts and the decisions of a batch. The caller holds the lock.
func (l *ledger) fenced(ctx context.Context, b *store.Batch) ([]domain.Execution, error) {
	if err := l.lease.check(ctx, b.Fences); err != nil {
		return nil, err
	}
	if len(b.Decisions) == 0 {
		return b.Facts, nil
	}
	records := slices.Grow(slices.Clone(b.Facts), len(b.Decisions))
	for i := range b.Decisions {
		d := &b.Decisions[i]
		if counts, err := l.runs.mayEnd(ctx, d, b.Runner); err != nil {
			return nil, err
		} else if counts {
			records = append(records, d.Execution)
		}
	}
	return records, nil
}

// sortFacts returns the facts in the order of the table, so that a batch
// writes each page once.
func sortFacts(batch []domain.Execution) ([]*domain.Execution, error) {
	facts := make([]*domain.Execution, len(batch))
	sorted := true
	for i := range batch {
		e := &batch[i]
		if _, err := rows.StatusCode(e.Status); err != nil {
			return nil, fmt.Errorf("record execution of job %s: %w", e.JobID, err)
		}
		facts[i] = e
		sorted = sorted && (i == 0 || rows.CompareKeys(facts[i-1].FireKey, e.FireKey) <= 0)
	}
	if !sorted {
		slices.SortStableFunc(facts, func(a, b *domain.Execution) int { return rows.CompareKeys(a.FireKey, b.FireKey) })
	}
	return facts, nil
}

// recordDay commits the facts of one day with their counters and alerts. The
// caller holds the lock.
func (l *ledger) recordDay(ctx context.Context, d day, facts []*domain.Execution) error {
	if l.eraser.isRetiring(d) { // a late fact: its day begins again, with an empty file
		if err := l.eraser.eraseMarked(ctx); err != nil {
			return err
		}
	}
	f, err := l.days.acquire(ctx, d, true)
	if f == nil {
		return err
	}
	defer l.days.release(f)
	if err != nil {
		return err
	}
	c, err := f.write(ctx)
	if err != nil {
		return err
	}
	l.irregular.note(d, facts)
	done, err := l.commitDay(ctx, c, d, facts, insertAll)
	if errors.Is(err, errRepeat) {
		done, err = l.commitDay(ctx, c, d, facts, insertNew)
	}
	l.lock.noteCommit(d)
	if err != nil {
		if errors.Is(err, errCommit) {
			l.lock.stale.Store(true)
		}
		return err
	}
	l.alerts.commit(done.changes)
	l.counters.add(d, done.sums)
	return nil
}

// dayCommit is what a transaction of a history file did beside its facts.
type dayCommit struct {
	sums    counts
	changes []*alertChange
}

func (l *ledger) commitDay(ctx context.Context, c *conn, d day, facts []*domain.Execution,
	insert func(*conn, []*domain.Execution) ([]*domain.Execution, error)) (done dayCommit, err error) {
	err = c.transact(ctx, func() error {
		inserted, err := insert(c, facts)
		if err != nil {
			return err
		}
		for _, e := range inserted {
			if err := done.sums.add(e); err != nil {
				return err
			}
		}
		if err := done.sums.write(c); err != nil {
			return err
		}
		if err := writePoints(c, pointsOf(inserted)); err != nil {
			return err
		}
		done.changes = l.alerts.plan(d, inserted)
		return l.alerts.write(ctx, c, done.changes)
	})
	return done, err
}

// errRepeat says that a fact of the batch is on record already.
var errRepeat = errors.New("repeat")

// insertAll inserts facts of which none is there before, as it almost always
// is. It returns errRepeat otherwise.
func insertAll(c *conn, facts []*domain.Execution) ([]*domain.Execution, error) {
	for rest := facts; len(rest) > 0; {
		n, query, bind := 1, insertFact, bindExecution
		if len(rest) >= rowsPerStatement {
			n, query = rowsPerStatement, insertManyFacts
			if !slices.ContainsFunc(rest[:n], notPlain) {
				query, bind = insertPlainFacts, bindPlain
			}
		}
		s, err := c.prepare(query)
		if err != nil {
			return nil, err
		}
		if inserted, err := insertRows(c, s, bind, rest[:n]); err != nil {
			return nil, err
		} else if inserted != n {
			return nil, errRepeat
		}
		rest = rest[n:]
	}
	return facts, nil
}

// insertNew inserts facts one by one and returns those that were not there
// before.
func insertNew(c *conn, facts []*domain.Execution) (inserted []*domain.Execution, err error) {
	s, err := c.prepare(insertFact)
	if err != nil {
		return nil, err
	}
	for i := range facts {
		n, err := insertRows(c, s, bindExecution, facts[i:i+1])
		if err != nil {
			return nil, err
		}
		if n == 1 {
			inserted = append(inserted, facts[i])
		}
	}
	return inserted, nil
}

// bindFact binds a fact as row number row of an insertion.
type bindFact func(s *sqlite.Stmt, row int, e *domain.Execution) error

// insertRows runs an insertion and returns how many rows were new.
func insertRows(c *conn, s *sqlite.Stmt, bind bindFact, facts []*domain.Execution) (int, error) {
	for row, e := range facts {
		if err := bind(s, row, e); err != nil {
			return 0, err
		}
	}
	if _, err := s.Step(); err != nil {
		return 0, err
	}
	return c.Changes(), s.Reset()
}

// recordRuns ends the open runs of facts and writes the open runs of a batch, and its
// records of Idempotency-Keys. The caller holds the lock.
func (l *ledger) recordRuns(ctx context.Context, facts []*domain.Execution, b *store.Batch) error {
	ended := l.runs.ended(facts)
	rows := make([]openRunRow, 0, len(b.Open))
	for _, r := range b.Open {
		won, err := l.runs.hasFact(ctx, r.FireKey)
		if err != nil {
			return fault("record", err)
		}
		if won {
			continue
		}
		row, err := encodeOpenRun(r)
		if err != nil {
			return fmt.Errorf("record open run of job %s: %w", r.JobID, err)
		}
		rows = append(rows, row)
	}
	if len(ended) == 0 && len(rows) == 0 && len(b.Idempotency) == 0 {
		return nil
	}
	return l.runs.change(ctx, ended, rows, b.Idempotency)
}

// OpenRuns implements store.Ledger.
func (l *ledger) OpenRuns(ctx context.Context, of store.ShardSet, fn func(domain.OpenRun) error) error {
	if !of.Has(theShard) {
		return nil
	}
	return l.runs.open(ctx, fn)
}

// RunsOf implements store.Ledger.
func (l *ledger) RunsOf(ctx context.Context, keys []domain.FireKey) ([]domain.OpenRun, error) {
	return l.runs.of(ctx, keys)
}
