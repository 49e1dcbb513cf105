package sqlite

import (
	"context"
	"sync"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// alerts are the runs of failures, in the file of the day that changed each last, and
// the lost fires. It implements store.Alerts: see alertlist.go.
type alerts struct {
	db   *jobsDB
	days *days
	lock *recordLock

	mu   sync.RWMutex
	open openAlerts // written under the recordLock and mu, read under either
	// untold has the alerts that are marked, and the file whose row has the mark; as open.
	untold untoldAlerts
}

// load implements fileCopy. It finds the open alerts: of each alert with an open row, the row
// with the most failures, unless a file has a row that says it has recovered.
func (a *alerts) load(ctx context.Context) error {
	best := make(map[alertID]liveAlert)
	ended := make(map[alertID]bool)
	for _, d := range append(a.days.all(), carried) {
		err := a.readDay(ctx, d, func(c *conn) error { return collectAlerts(c, d, best, ended) })
		if err != nil {
			return err
		}
	}
	open := make(openAlerts, len(best))
	for id, live := range best {
		if other, taken := open[id.job]; !ended[id] && (!taken || other.lastAt < live.lastAt) {
			open[id.job] = live
		}
	}
	untold := make(untoldAlerts)
	for _, d := range append(a.days.all(), carried) {
		if err := a.readDay(ctx, d, func(c *conn) error { return untold.collect(c, d, open) }); err != nil {
			return err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open, a.untold = open, untold
	return nil
}

// plan returns what the executions that a transaction has inserted change in the file
// of a day. The caller holds the recordLock.
func (a *alerts) plan(d day, inserted []*domain.Execution) []*alertChange {
	return a.open.plan(d, inserted)
}

// write stores changes in the transaction of the file of their day. The caller holds
// the recordLock.
func (a *alerts) write(ctx context.Context, c *conn, changes []*alertChange) error {
	stored := func(ch *alertChange) (alertRow, error) { return a.stored(ctx, ch) }
	for _, ch := range changes {
		if err := ch.write(c, stored); err != nil {
			return err
		}
	}
	return nil
}

// commit takes over changes that are durable. The caller holds the recordLock.
func (a *alerts) commit(changes []*alertChange) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open.commit(changes)
	a.untold.commit(changes)
}

// carry takes note that the file of a day goes, and that its open alerts are in the jobs database now. The
// caller holds the recordLock.
func (a *alerts) carry(d day, rows []alertRow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.untold.carry(d, rows)
	for i := range rows {
		live := a.open[rows[i].JobID]
		live.day = carried
		a.open[rows[i].JobID] = live
	}
}

// dropCarried forgets the carried alerts of jobs that are gone. The caller holds the
// recordLock.
func (a *alerts) dropCarried(gone map[domain.JobID]bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for job := range gone {
		if a.open[job].day == carried {
			delete(a.untold, alertID{job, a.open[job].by})
			delete(a.open, job)
		}
	}
}

// counts reports whether an open row of the file of a day is the one that
// counts.
func (a *alerts) counts(d day, row *alertRow) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	live, ok := a.open[row.JobID]
	return ok && live.by == row.by && live.day == d
}

// isOpen reports whether a job has an open alert.
func (a *alerts) isOpen(id domain.JobID) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	_, ok := a.open[id]
	return ok
}

// openJobs returns the jobs that have open alerts, in any order, unless there are more than most.
func (a *alerts) openJobs(most int) (ids []domain.JobID, ok bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if len(a.open) > most {
		return nil, false
	}
	ids = make([]domain.JobID, 0, len(a.open))
	for id := range a.open {
		ids = append(ids, id)
	}
	return ids, true
}

// stored reads the row of an alert from the file that it was in so far.
func (a *alerts) stored(ctx context.Context, ch *alertChange) (row alertRow, err error) {
	err = a.readDay(ctx, ch.from, func(c *conn) error {
		return c.query("SELECT "+alertColumns+" FROM "+ch.from.alertTable()+
			" WHERE job_id = ? AND opened_by = ? AND opened_nonce = ?", func(s *sqlite.Stmt) error {
			row = columnsAlert(s)
			return nil
		}, ch.job, ch.by.scheduledAt, ch.by.nonce)
	})
	return row, err
}

// openOf returns the open alerts whose row is in the file of a day.
func (a *alerts) openOf(ctx context.Context, d day) (rows []alertRow, err error) {
	err = a.days.read(ctx, d, func(c *conn) error {
		return c.query("SELECT "+alertColumns+" FROM alert WHERE recovered_at IS NULL", func(stmt *sqlite.Stmt) error {
			if row := columnsAlert(stmt); a.counts(d, &row) {
				rows = append(rows, row)
			}
			return nil
		})
	})
	return rows, err
}

// readDay lends a reading connection to the file of a day, or to the jobs
// database for the carried alerts.
func (a *alerts) readDay(ctx context.Context, d day, fn func(*conn) error) error {
	if d == carried {
		return a.db.read(ctx, fn)
	}
	return a.days.read(ctx, d, fn)
}
