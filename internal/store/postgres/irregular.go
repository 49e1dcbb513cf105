package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// irregularArrays are days on which jobs have executions that no calendar names, as the parameters of
// one statement.
type irregularArrays struct {
	ids  [][16]byte
	days []int32
}

const insertIrregular = `
INSERT INTO irregular (job_id, day)
SELECT DISTINCT n.job_id, n.day FROM unnest($1::uuid[], $2::int[]) n (job_id, day)
 WHERE NOT EXISTS (SELECT 1 FROM irregular i WHERE i.job_id = n.job_id AND i.day = n.day)
 ORDER BY 1, 2 ON CONFLICT DO NOTHING`

func (a *irregularArrays) add(e *domain.Execution) {
	if e.Nonce == 0 && e.Status != domain.StatusMissed {
		return
	}
	a.ids = append(a.ids, e.JobID)
	a.days = append(a.days, int32(dayOf(e.ScheduledAt))) //nolint:gosec // the column of days is as narrow
}

func (a *irregularArrays) queue(b *pgx.Batch) {
	if len(a.ids) > 0 {
		b.Queue(insertIrregular, a.ids, a.days)
	}
}

// irregularDays returns the days of a job that are in the table irregular.
func irregularDays(ctx context.Context, q querier, ids ...domain.JobID) (
	found map[domain.JobID]map[day]bool, err error) {
	found = make(map[domain.JobID]map[day]bool)
	err = each(ctx, q, func(r pgx.Rows) error {
		var id domain.JobID
		var d int64
		err := r.Scan((*[16]byte)(&id), &d)
		if found[id] == nil {
			found[id] = make(map[day]bool)
		}
		found[id][day(d)] = true
		return err
	}, `SELECT job_id, day FROM irregular WHERE job_id = ANY($1::uuid[])`, bareIDs(ids))
	return found, err
}
