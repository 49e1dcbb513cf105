package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/store"
)

// The conditions of the index version_pause.
const selectPauses = `
SELECT (options::jsonb #>> '{pause,until}')::bigint, job_id, number FROM version
 WHERE effective_to IS NULL AND options LIKE '%"pause":{%'
   AND (options::jsonb #>> '{pause,until}')::bigint <= $1
   AND ((options::jsonb #>> '{pause,until}')::bigint, job_id) > ($2::bigint, $3::uuid)
 ORDER BY (options::jsonb #>> '{pause,until}')::bigint, job_id LIMIT $4`

// Pauses implements store.Timelines.
func (j *jobs) Pauses(ctx context.Context, until int64, after store.PauseEnd, limit int) (found []store.PauseEnd,
	err error) {
	err = each(ctx, j.read, func(r pgx.Rows) error {
		var p store.PauseEnd
		err := r.Scan(&p.Until, (*[16]byte)(&p.JobID), &p.Version)
		found = append(found, p)
		return err
	}, selectPauses, until, after.Until, [16]byte(after.JobID), limit)
	return found, fault("read the pauses that end", err)
}
