package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/store"
)

// The conditions of the index version_pause.
const selectPauses = `
SELECT options ->> '$.pause.until', job_id, number
  FROM version INDEXED BY version_pause
 WHERE effective_to IS NULL AND instr(options, '"pause":{') > 0 AND json_valid(options)
   AND options ->> '$.pause.until' <= ?1 AND (options ->> '$.pause.until', job_id) > (?2, CAST(?3 AS BLOB))
 ORDER BY options ->> '$.pause.until', job_id LIMIT 0 + ?4`

// Pauses implements store.Timelines.
func (j *jobs) Pauses(ctx context.Context, until int64, after store.PauseEnd, limit int) (found []store.PauseEnd,
	err error) {
	err = j.db.read(ctx, func(c *conn) error {
		found = nil
		return c.query(selectPauses, func(s *sqlite.Stmt) error {
			p := store.PauseEnd{Until: s.ColumnInt64(0), JobID: columnJobID(s, 1), Version: s.ColumnInt(2)}
			found = append(found, p)
			return nil
		}, until, after.Until, after.JobID, limit)
	})
	return found, fault("read the pauses that end", err)
}
