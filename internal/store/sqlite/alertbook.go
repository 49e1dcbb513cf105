package sqlite

import (
	"cmp"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// opener is the failed execution of a job that opened an alert. With the job
// it names the alert: an execution is recorded once, so it opens one at most.
type opener struct{ scheduledAt, nonce int64 }

// liveAlert is what memory keeps of an open alert. The rest is in its row in
// the file of the day it was last changed by.
type liveAlert struct {
	by      opener
	firstAt int64
	lastAt  int64
	count   int64
	day     day
	spread  bool
}

// openAlerts holds the open alert of each job that has one, so that a success
// costs nothing where there is none.
type openAlerts map[domain.JobID]liveAlert

// alertChange is what one transaction does to one alert.
type alertChange struct {
	liveAlert
	job         domain.JobID
	from        day               // file that holds the row so far
	recoveredAt int64             // zero: still open
	touched     bool              // some execution had an effect
	latest      *domain.Execution // the latest failure, when this transaction has it
}

// plan applies the executions that a transaction has inserted to the open
// alerts, in the order in which they completed, and returns what changes in
// the file of day d. It changes nothing itself: see commit.
//
//   - A failure opens an alert if the job has none; otherwise it is added to its count.
//   - A success that completed after the last failure ends the alert.
func (open openAlerts) plan(d day, inserted []*domain.Execution) []*alertChange {
	events := open.relevant(inserted)
	var changes []*alertChange
	current := make(map[domain.JobID]*alertChange, len(events))
	for _, e := range events {
		c := current[e.JobID]
		if c == nil || c.recoveredAt != 0 {
			c = open.begin(d, e, c != nil)
			if c == nil {
				continue
			}
			changes = append(changes, c)
			current[e.JobID] = c
		}
		c.apply(e)
	}
	return slices.DeleteFunc(changes, func(c *alertChange) bool { return !c.touched })
}

// relevant returns the executions that can change an alert: failures, and the
// successes of jobs that have an open alert or a failure among them.
func (open openAlerts) relevant(inserted []*domain.Execution) []*domain.Execution {
	var failing map[domain.JobID]bool
	for _, e := range inserted {
		if e.Status.Alerts() {
			if failing == nil {
				failing = make(map[domain.JobID]bool)
			}
			failing[e.JobID] = true
		}
	}
	if failing == nil && len(open) == 0 {
		return nil
	}
	var events []*domain.Execution
	for _, e := range inserted {
		_, isOpen := open[e.JobID]
		if e.Status.Alerts() || e.Status == domain.StatusSuccess && (isOpen || failing[e.JobID]) {
			events = append(events, e)
		}
	}
	slices.SortStableFunc(events, func(a, b *domain.Execution) int { return cmp.Compare(a.CompletedAt, b.CompletedAt) })
	return events
}

// begin returns the change that an execution starts, or nil when it has no
// effect. With fresh the job's alert has ended in this transaction.
func (open openAlerts) begin(d day, e *domain.Execution, fresh bool) *alertChange {
	if live, ok := open[e.JobID]; ok && !fresh {
		c := &alertChange{liveAlert: live, job: e.JobID, from: live.day}
		c.spread = live.spread || live.day != d
		c.day = d
		return c
	}
	if !e.Status.Alerts() {
		return nil
	}
	return &alertChange{
		liveAlert: liveAlert{by: opener{e.ScheduledAt, e.Nonce}, firstAt: e.CompletedAt, day: d},
		job:       e.JobID, from: d,
	}
}

func (c *alertChange) apply(e *domain.Execution) {
	switch {
	case e.Status.Alerts():
		c.count++
		c.touched = true
		if e.CompletedAt >= c.lastAt {
			c.lastAt, c.latest = e.CompletedAt, e
		}
	case e.CompletedAt > c.lastAt:
		c.recoveredAt = e.CompletedAt
		c.touched = true
	}
}

// commit takes over changes that are durable.
func (open openAlerts) commit(changes []*alertChange) {
	for _, c := range changes {
		if c.recoveredAt != 0 {
			delete(open, c.job)
		} else {
			open[c.job] = c.liveAlert
		}
	}
}

const upsertAlert = `
INSERT INTO alert (job_id, opened_by, opened_nonce, first_at, last_at, failures, recovered_at, execution_id,
                   http_status, error, spread, untold)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
    ON CONFLICT DO UPDATE SET untold = 1, last_at = excluded.last_at, failures = excluded.failures,
       recovered_at = excluded.recovered_at, execution_id = excluded.execution_id,
       http_status = excluded.http_status, error = excluded.error, spread = excluded.spread`

const updateAlert = `
UPDATE alert SET untold = 1, failures = ?, recovered_at = ?, spread = ?
 WHERE job_id = ? AND opened_by = ? AND opened_nonce = ?`

// write stores a change in the transaction of its file. stored reads the row
// that another file has of the alert.
func (c *alertChange) write(conn *conn, stored func(*alertChange) (alertRow, error)) error {
	var recovered any
	if c.recoveredAt != 0 {
		recovered = c.recoveredAt
	}
	if c.latest == nil && c.from == c.day {
		return conn.exec(updateAlert, c.count, recovered, c.spread, c.job, c.by.scheduledAt, c.by.nonce)
	}
	var execution domain.ExecutionID
	var status int
	var message string
	if c.latest != nil {
		execution, status, message = c.latest.ID(), c.latest.HTTPStatus, c.latest.Error
	} else {
		row, err := stored(c)
		if err != nil {
			return err
		}
		execution, status, message = row.Execution, row.HTTPStatus, row.Error
	}
	var httpStatus any
	if status != 0 {
		httpStatus = status
	}
	return conn.exec(upsertAlert, c.job, c.by.scheduledAt, c.by.nonce, c.firstAt, c.lastAt, c.count, recovered,
		execution[:], httpStatus, rows.Text(message), c.spread)
}

// alertRow is a row of an alert table.
type alertRow struct {
	domain.Alert
	by     opener
	spread bool
	untold bool // of a row that is to be carried: it has a mark
}

const alertColumns = `job_id, opened_by, opened_nonce, first_at, last_at, failures, recovered_at, execution_id,
       http_status, error, spread`

func columnsAlert(s *sqlite.Stmt) (r alertRow) {
	r.JobID = columnJobID(s, 0)
	r.by = opener{s.ColumnInt64(1), s.ColumnInt64(2)}
	r.FirstAt, r.LastAt, r.Count = s.ColumnInt64(3), s.ColumnInt64(4), s.ColumnInt64(5)
	r.RecoveredAt = s.ColumnInt64(6)
	s.ColumnBytes(7, r.Execution[:])
	r.HTTPStatus, r.Error = s.ColumnInt(8), s.ColumnText(9)
	r.spread = s.ColumnBool(10)
	return r
}

func (r *alertRow) live(d day) liveAlert {
	return liveAlert{by: r.by, firstAt: r.FirstAt, lastAt: r.LastAt, count: r.Count, day: d, spread: r.spread}
}

// alertTable is the name of the table with the alerts of a day.
func (d day) alertTable() string {
	if d == carried {
		return "carried_alert"
	}
	return "alert"
}

// alertID names an alert.
type alertID struct {
	job domain.JobID
	by  opener
}

func collectAlerts(c *conn, d day, best map[alertID]liveAlert, ended map[alertID]bool) error {
	table := d.alertTable()
	err := c.query("SELECT "+alertColumns+" FROM "+table+" WHERE recovered_at IS NULL", func(s *sqlite.Stmt) error {
		r := columnsAlert(s)
		id := alertID{r.JobID, r.by}
		if b, ok := best[id]; ok {
			r.spread = true
			if b.count >= r.Count {
				b.spread = true
				best[id] = b
				return nil
			}
		}
		best[id] = r.live(d)
		return nil
	})
	if err != nil || d == carried {
		return err
	}
	return c.query(`SELECT job_id, opened_by, opened_nonce FROM alert WHERE recovered_at IS NOT NULL AND spread = 1`,
		func(s *sqlite.Stmt) error {
			ended[alertID{columnJobID(s, 0), opener{s.ColumnInt64(1), s.ColumnInt64(2)}}] = true
			return nil
		})
}
