package sqlite

import (
	"context"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	lossChunk = 1_000 // rows of one operation of the writer

	insertLoss = `INSERT INTO lost_fire (scheduled_at, job_id, version, found_at) VALUES (?, ?, ?, ?) ON ` +
		`CONFLICT DO NOTHING`

	// selectLost makes one alert of the lost fires of each job. A bare column
	// beside max() is of the row that has the maximum.
	selectLost = `
SELECT job_id, count(*), min(found_at), max(found_at) AS last_at, latest FROM (
       SELECT job_id, found_at, max(scheduled_at) OVER (PARTITION BY job_id) AS latest FROM lost_fire
        WHERE ?4 IS NULL OR job_id = ?4)
 GROUP BY job_id HAVING (last_at, job_id) < (?1, ?2) AND last_at >= ?5 ORDER BY last_at DESC, job_id DESC
 LIMIT 0 + ?3`
)

// AddLost implements store.Alerts.
func (a *alerts) AddLost(ctx context.Context, losses []domain.Loss, foundAt int64) (added []domain.Loss, err error) {
	for part := range slices.Chunk(losses, lossChunk) {
		answer := make(chan []domain.Loss, 1) // the operation may run when nobody waits any more
		err := a.db.write(ctx, len(part), func(c *conn) (tally, error) {
			var fresh []domain.Loss
			for _, l := range part {
				if err := c.exec(insertLoss, l.ScheduledAt, l.JobID, l.Version, foundAt); err != nil {
					return tally{}, err
				}
				if c.Changes() == 1 {
					fresh = append(fresh, l)
				}
			}
			answer <- fresh
			return tally{}, nil
		})
		if err != nil {
			return added, fault("store lost fires", err)
		}
		added = append(added, <-answer...)
	}
	return added, nil
}

// listLost returns the alerts of lost fires below a page's start.
func (a *alerts) listLost(ctx context.Context, page store.AlertPage) (found []domain.Alert, err error) {
	var of any
	if !page.JobID.IsZero() {
		of = page.JobID
	}
	err = a.db.read(ctx, func(c *conn) error {
		return c.query(selectLost, func(s *sqlite.Stmt) error {
			l := domain.Alert{
				JobID: columnJobID(s, 0), Lost: true, Count: s.ColumnInt64(1),
				FirstAt: s.ColumnInt64(2), LastAt: s.ColumnInt64(3),
			}
			at := s.ColumnInt64(4)
			l.Execution = domain.NewExecutionID(l.JobID, at, 0)
			l.Error = domain.LossText(at)
			found = append(found, l)
			return nil
		}, page.BeforeAt, page.BeforeJob, page.Limit, of, page.From)
	})
	return found, err
}

// pruneLosses drops the lost fires of days that are gone.
const pruneLosses = `DELETE FROM lost_fire WHERE (scheduled_at, job_id) IN (
 SELECT scheduled_at, job_id FROM lost_fire WHERE scheduled_at < ? LIMIT 0 + ?)`
