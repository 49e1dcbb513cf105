package postgres

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// alertRow is a row of the table alert.
type alertRow struct {
	domain.Alert
	openedAt, openedNonce int64 // the failure that opened it
	day                   int64 // of the fire that changed it last

	changed bool // it is not as it was read
	told    bool // it has no mark: see store.Notices
}

const alertColumns = `job_id, opened_at, opened_nonce, first_at, last_at, failures, recovered_at, execution_id,
       http_status, error, day`

const (
	selectOpenAlerts = `
SELECT ` + alertColumns + ` FROM alert WHERE recovered_at IS NULL AND job_id = ANY($1::uuid[])
 ORDER BY job_id FOR UPDATE`

	upsertAlert = `
INSERT INTO alert (` + alertColumns + `, untold) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (job_id, opened_at, opened_nonce) DO UPDATE SET last_at = excluded.last_at,
       failures = excluded.failures, recovered_at = excluded.recovered_at, execution_id = excluded.execution_id,
       http_status = excluded.http_status, error = excluded.error, day = excluded.day, untold = excluded.untold`

	// A success of each job, and no failure: what the plan would do, without reading the alerts first. Where the index
	// says that no alert is open, no job is looked up.
	endAlerts = `
UPDATE alert a SET recovered_at = n.completed_at, day = n.day, untold = true
  FROM unnest($1::uuid[], $2::bigint[], $3::int[]) n (job_id, completed_at, day)
 WHERE a.recovered_at IS NULL AND a.job_id = n.job_id AND n.completed_at > a.last_at
   AND (SELECT o.job_id FROM alert o WHERE o.recovered_at IS NULL ORDER BY o.job_id LIMIT 1) IS NOT NULL`
)

func scanAlert(r pgx.Rows) (a alertRow, err error) {
	var recovered *int64
	err = r.Scan((*[16]byte)(&a.JobID), &a.openedAt, &a.openedNonce, &a.FirstAt, &a.LastAt, &a.Count, &recovered,
		(*[16]byte)(&a.Execution), &a.HTTPStatus, &a.Error, &a.day)
	if recovered != nil {
		a.RecoveredAt = *recovered
	}
	return a, err
}

func (a *alertRow) queue(b *pgx.Batch) {
	var recovered *int64
	if a.RecoveredAt != 0 {
		recovered = &a.RecoveredAt
	}
	b.Queue(upsertAlert, [16]byte(a.JobID), a.openedAt, a.openedNonce, a.FirstAt, a.LastAt, a.Count, recovered,
		[16]byte(a.Execution), a.HTTPStatus, clean(a.Error), a.day, !a.told)
}

// apply changes an alert by an execution of its job.
func (a *alertRow) apply(e *domain.Execution) {
	switch {
	case e.Status.Alerts():
		a.Count++
		if e.CompletedAt >= a.LastAt {
			a.LastAt, a.Execution, a.HTTPStatus, a.Error = e.CompletedAt, e.ID(), e.HTTPStatus, e.Error
		}
	case e.CompletedAt > a.LastAt:
		a.RecoveredAt = e.CompletedAt
	default:
		return // a success from before the last failure
	}
	a.day, a.changed = int64(dayOf(e.ScheduledAt)), true
}

// planAlerts applies the executions that a transaction has inserted to the open alerts, in the order in
// which they completed, and returns the rows that change.
//
//   - A failure opens an alert if the job has none; otherwise it is added to its count.
//   - A success that completed after the last failure ends the alert.
func planAlerts(open map[domain.JobID]*alertRow, inserted []*domain.Execution) (changed []*alertRow) {
	events := slices.Clone(inserted)
	slices.SortStableFunc(events, func(a, b *domain.Execution) int { return cmp.Compare(a.CompletedAt, b.CompletedAt) })
	var all []*alertRow
	for _, a := range open {
		all = append(all, a)
	}
	for _, e := range events {
		a := open[e.JobID]
		if a == nil && e.Status.Alerts() {
			a = &alertRow{
				Alert:    domain.Alert{JobID: e.JobID, FirstAt: e.CompletedAt},
				openedAt: e.ScheduledAt, openedNonce: e.Nonce,
			}
			open[e.JobID], all = a, append(all, a)
		}
		if a == nil || !e.Status.Alerts() && e.Status != domain.StatusSuccess {
			continue
		}
		if a.apply(e); !a.Open() {
			delete(open, e.JobID)
		}
	}
	all = slices.DeleteFunc(all, func(a *alertRow) bool { return !a.changed })
	slices.SortStableFunc(all, func(a, b *alertRow) int {
		return cmp.Or(bytes.Compare(a.JobID[:], b.JobID[:]), cmp.Compare(a.LastAt, b.LastAt))
	})
	return all
}
