package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// List implements store.Alerts.
func (a *alerts) List(ctx context.Context, page store.AlertPage) ([]domain.Alert, error) {
	if err := a.lock.freshForRead(ctx); err != nil {
		return nil, fault("read the alerts", err)
	}
	if page.BeforeAt == 0 && page.BeforeJob.IsZero() {
		page.BeforeAt = math.MaxInt64
	}
	list := a.listAll
	if page.OpenOnly {
		list = a.listOpen
	}
	if page.LostOnly {
		list = func(context.Context, store.AlertPage) ([]domain.Alert, error) { return nil, nil }
	}
	found, err := list(ctx, page)
	if err != nil {
		return nil, fault("read the alerts", err)
	}
	if page.FailuresOnly {
		return newestAlerts(found, page.Limit), nil
	}
	lost, err := a.listLost(ctx, page)
	if err != nil {
		return nil, fault("read the alerts", err)
	}
	found = append(lost, found...) // of a job at one instant the lost fires come first
	return newestAlerts(found, page.Limit), nil
}

// MostFailures implements store.Alerts.
func (a *alerts) MostFailures(ctx context.Context, after store.JobFailures, limit int) ([]store.JobFailures, error) {
	if err := a.lock.freshForRead(ctx); err != nil {
		return nil, fault("read the alerts", err)
	}
	most := store.NewMostFailures(after, limit)
	eachOpen(a, func(job domain.JobID, live liveAlert) {
		most.Add(store.JobFailures{JobID: job, Count: live.count})
	})
	return most.Found(), nil
}

// openPiece is how many open alerts are looked at in one turn, in which nothing is recorded.
const openPiece = 512

// eachOpen looks at all open alerts. The lock is let go between two pieces: there may be one for each job. An
// alert that opens or ends meanwhile may be missing, and one that does both may be there twice.
func eachOpen(a *alerts, see func(domain.JobID, liveAlert)) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	seen := 0
	for job, live := range a.open {
		if seen++; seen%openPiece == 0 {
			a.mu.RUnlock()
			a.mu.RLock() // after whoever waits to write
		}
		see(job, live)
	}
}

// newestAlerts returns the first of the list in its order.
func newestAlerts(all []domain.Alert, limit int) []domain.Alert {
	slices.SortStableFunc(all, func(x, y domain.Alert) int {
		return newestFirst(x.LastAt, x.JobID, y.LastAt, y.JobID)
	})
	n := max(0, min(limit, len(all)))
	clear(all[n:])
	return all[:n]
}

// newestFirst orders alerts by (LastAt, JobID) descending.
func newestFirst(aAt int64, aJob domain.JobID, bAt int64, bJob domain.JobID) int {
	if c := cmp.Compare(bAt, aAt); c != 0 {
		return c
	}
	return bytes.Compare(bJob[:], aJob[:])
}

// listOpen takes the order from memory and the rows from the files.
func (a *alerts) listOpen(ctx context.Context, page store.AlertPage) ([]domain.Alert, error) {
	type entry struct {
		job domain.JobID
		liveAlert
	}
	var open []entry
	eachOpen(a, func(job domain.JobID, live liveAlert) {
		if live.lastAt < page.From || !page.JobID.IsZero() && page.JobID != job {
			return
		}
		if c := newestFirst(live.lastAt, job, page.BeforeAt, page.BeforeJob); c > 0 || c == 0 && page.BeforeLost {
			open = append(open, entry{job, live})
		}
	})
	slices.SortFunc(open, func(x, y entry) int { return newestFirst(x.lastAt, x.job, y.lastAt, y.job) })

	found := make([]domain.Alert, 0, min(page.Limit, len(open)))
	for _, e := range open[:max(0, min(page.Limit, len(open)))] {
		row, err := a.stored(ctx, &alertChange{liveAlert: e.liveAlert, job: e.job, from: e.day})
		if err != nil {
			return nil, err
		}
		if row.Count > 0 { // otherwise Expire has just moved it
			found = append(found, row.Alert)
		}
	}
	return found, nil
}

// listAll gathers the first rows of every file.
func (a *alerts) listAll(ctx context.Context, page store.AlertPage) ([]domain.Alert, error) {
	var found []domain.Alert
	for _, d := range append(a.days.all(), carried) {
		err := a.readDay(ctx, d, func(c *conn) error {
			rows, err := alertsOfDay(a, c, d, page)
			found = append(found, rows...)
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(found) > 2*page.Limit { // there may be hundreds of files with a page each
			found = newestAlerts(found, page.Limit)
		}
	}
	return found, nil
}

// alertsOfDay returns the newest alerts below a page's start of which the file of a
// day has the row that counts. A row that says recovered is final. An open one
// counts when memory says that its alert is open and that this is its file.
func alertsOfDay(a *alerts, c *conn, d day, page store.AlertPage) ([]domain.Alert, error) {
	var found []domain.Alert
	below := "<"
	if page.BeforeLost { // its failures come after it
		below = "<="
	}
	query := "SELECT " + alertColumns + " FROM " + d.alertTable() + " WHERE (last_at, job_id) " + below +
		" (?1, ?2) AND last_at >= ?3"
	args := []any{page.BeforeAt, page.BeforeJob, page.From}
	if !page.JobID.IsZero() { // by its key: the plus keeps the index by time away
		query = "SELECT " + alertColumns + " FROM " + d.alertTable() + " WHERE (+last_at, job_id) " + below +
			" (?1, ?2) AND +last_at >= ?3 AND job_id = CAST(?4 AS BLOB)"
		args = append(args, page.JobID)
	}
	err := c.query(query+" ORDER BY last_at DESC, job_id DESC", func(s *sqlite.Stmt) error {
		if len(found) >= page.Limit {
			return errFull
		}
		if row := columnsAlert(s); !row.Open() || a.counts(d, &row) {
			found = append(found, row.Alert)
		}
		return nil
	}, args...)
	if errors.Is(err, errFull) {
		err = nil
	}
	return found, err
}
