package postgres

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// alerts implements store.Alerts.
type alerts struct{ read, edit *pgxpool.Pool }

const (
	// The open ones are sorted: an index by their latest failure would have to be changed with each failure.
	selectOpen = `
SELECT ` + alertColumns + ` FROM alert
 WHERE recovered_at IS NULL AND (last_at, job_id) %s ($1, $2) AND last_at >= $4%s ORDER BY last_at DESC, job_id DESC LIMIT $3`
	selectEnded = `
SELECT ` + alertColumns + ` FROM alert
 WHERE recovered_at IS NOT NULL AND (last_at, job_id) %s ($1, $2) AND last_at >= $4%s ORDER BY last_at DESC, job_id DESC LIMIT $3`

	insertLosses = `
INSERT INTO lost_fire (scheduled_at, job_id, version, found_at)
SELECT n.*, $4::bigint FROM unnest($1::bigint[], $2::uuid[], $3::int[]) n ON CONFLICT DO NOTHING
RETURNING scheduled_at, job_id`

	// One alert of the lost fires of each job.
	selectLost = `
SELECT job_id, count(*), min(found_at), max(found_at), max(scheduled_at) FROM lost_fire
 WHERE $4::uuid IS NULL OR job_id = $4
 GROUP BY job_id HAVING (max(found_at), job_id) < ($1, $2) AND max(found_at) >= $5 ORDER BY max(found_at) DESC, job_id DESC LIMIT $3`
)

// List implements store.Alerts.
func (a *alerts) List(ctx context.Context, page store.AlertPage) ([]domain.Alert, error) {
	if page.BeforeAt == 0 {
		page.BeforeAt, page.BeforeJob = domain.Forever, domain.JobID{}
	}
	below := "<"
	if page.BeforeLost { // its failures come after it
		below = "<="
	}
	queries := []string{selectOpen, selectEnded}
	if page.OpenOnly {
		queries = queries[:1]
	}
	if page.LostOnly {
		queries = nil
	}
	of, args := "", []any{page.BeforeAt, [16]byte(page.BeforeJob), page.Limit, page.From}
	if !page.JobID.IsZero() {
		of, args = " AND job_id = $5", append(args, [16]byte(page.JobID))
	}
	var found []domain.Alert
	var err error
	if !page.FailuresOnly {
		found, err = a.lost(ctx, page)
	}
	for _, query := range queries {
		if err != nil {
			break
		}
		err = each(ctx, a.read, func(r pgx.Rows) error {
			row, err := scanAlert(r)
			found = append(found, row.Alert)
			return err
		}, fmt.Sprintf(query, below, of), args...)
	}
	if err != nil {
		return nil, fault("list the alerts", err)
	}
	slices.SortStableFunc(found, func(x, y domain.Alert) int { // the lost ones of a job are first, as they were added
		return cmp.Or(cmp.Compare(y.LastAt, x.LastAt), bytes.Compare(y.JobID[:], x.JobID[:]))
	})
	return found[:min(len(found), page.Limit)], nil
}

const selectMostFailures = `
SELECT job_id, failures FROM alert
 WHERE recovered_at IS NULL AND ($1::bigint = 0 OR failures < $1 OR failures = $1 AND job_id > $2)
 ORDER BY failures DESC, job_id LIMIT $3`

// MostFailures implements store.Alerts.
func (a *alerts) MostFailures(ctx context.Context, after store.JobFailures, limit int) (found []store.JobFailures,
	err error) {
	err = each(ctx, a.read, func(r pgx.Rows) error {
		var f store.JobFailures
		err := r.Scan((*[16]byte)(&f.JobID), &f.Count)
		found = append(found, f)
		return err
	}, selectMostFailures, after.Count, [16]byte(after.JobID), limit)
	return found, fault("list the alerts", err)
}

func (a *alerts) lost(ctx context.Context, page store.AlertPage) (found []domain.Alert, err error) {
	var of *[16]byte
	if !page.JobID.IsZero() {
		of = (*[16]byte)(&page.JobID)
	}
	err = each(ctx, a.read, func(r pgx.Rows) error {
		l := domain.Alert{Lost: true}
		var at int64
		err := r.Scan((*[16]byte)(&l.JobID), &l.Count, &l.FirstAt, &l.LastAt, &at)
		l.Execution, l.Error = domain.NewExecutionID(l.JobID, at, 0), domain.LossText(at)
		found = append(found, l)
		return err
	}, selectLost, page.BeforeAt, [16]byte(page.BeforeJob), page.Limit, of, page.From)
	return found, err
}

// AddLost implements store.Alerts.
func (a *alerts) AddLost(ctx context.Context, losses []domain.Loss, foundAt int64) (added []domain.Loss, err error) {
	for part := range slices.Chunk(losses, pruneChunk) {
		var at []int64
		var ids [][16]byte
		var versions []int
		for _, l := range part {
			at, ids, versions = append(at, l.ScheduledAt), append(ids, l.JobID), append(versions, l.Version)
		}
		fresh := make(map[domain.FireKey]bool)
		err := pipeline(ctx, a.edit, func(b *pgx.Batch) {
			clear(fresh)
			b.Queue(insertLosses, at, ids, versions, foundAt).Query(func(r pgx.Rows) error {
				var k domain.FireKey
				_, err := pgx.ForEachRow(r, []any{&k.ScheduledAt, (*[16]byte)(&k.JobID)}, func() error {
					fresh[k] = true
					return nil
				})
				return err
			})
		})
		if err != nil {
			return added, fault("store lost fires", err)
		}
		for _, l := range part {
			if k := (domain.FireKey{ScheduledAt: l.ScheduledAt, JobID: l.JobID}); fresh[k] {
				added = append(added, l)
				delete(fresh, k)
			}
		}
	}
	return added, nil
}
