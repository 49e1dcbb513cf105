package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// pruneChunk is how many rows one operation deletes, so that pruning does not
// hold up the writer.
const pruneChunk = 1_000

const (
	// Versions are kept while a fire of theirs may still have to be computed:
	// above the watermark, or for an open run.
	pruneVersions = `
DELETE FROM version WHERE (job_id, number) IN (
       SELECT v.job_id, v.number FROM version v
        WHERE v.effective_to <= min(?1, (SELECT watermark FROM shard))
          AND (v.job_id, v.number) NOT IN (SELECT job_id, version FROM open_run)
        LIMIT 0 + ?2)`

	pruneJobs = `
DELETE FROM job WHERE id IN (
       SELECT j.id FROM job j
        WHERE j.deleted_at <= ?1 AND NOT EXISTS (SELECT 1 FROM version v WHERE v.job_id = j.id)
        LIMIT 0 + ?2)`

	pruneAlerts = `DELETE FROM carried_alert WHERE job_id NOT IN (SELECT id FROM job)`
)

// prune deletes the audit trail up to an instant, the closed versions that
// ended at or before it, and then the deleted jobs that have none left.
func (x *expiry) prune(ctx context.Context, before int64) error {
	for _, query := range []string{pruneChanges, pruneKeys, pruneVersions, pruneJobs, pruneLosses} {
		gone, err := pruneAll(ctx, x.db, query, before)
		if query == pruneJobs && gone > 0 {
			x.maker.jobsPruned()
		}
		if err != nil {
			return err
		}
	}
	return x.deleteCarriedAlerts(ctx)
}

// pruneAll repeats a statement that deletes at most a chunk of rows until there are none. It returns how
// many it has certainly deleted.
func pruneAll(ctx context.Context, db *jobsDB, statement string, of any) (gone int, err error) {
	for {
		answer := make(chan int, 1) // the operation may run when nobody waits any more
		err := db.write(ctx, pruneChunk, func(c *conn) (tally, error) {
			err := c.exec(statement, of, pruneChunk)
			if err == nil {
				answer <- c.Changes()
			}
			return tally{}, err
		})
		if err != nil {
			return gone, err
		}
		n := <-answer
		if gone += n; n < pruneChunk {
			return gone, nil
		}
	}
}

// deleteCarriedAlerts drops the carried alerts of jobs that are gone: nothing would
// ever end them.
func (x *expiry) deleteCarriedAlerts(ctx context.Context) error {
	gone := make(map[domain.JobID]bool)
	err := x.db.read(ctx, func(c *conn) error {
		return c.query(`SELECT job_id FROM carried_alert WHERE job_id NOT IN (SELECT id FROM job)`,
			func(s *sqlite.Stmt) error {
				gone[columnJobID(s, 0)] = true
				return nil
			})
	})
	if err != nil || len(gone) == 0 {
		return err
	}
	err = x.db.write(ctx, len(gone), func(c *conn) (tally, error) { return tally{}, c.exec(pruneAlerts) })
	if err != nil {
		return err
	}
	if err := x.lock.enter(ctx); err != nil {
		return err
	}
	defer x.lock.leave()
	x.alerts.dropCarried(gone)
	return nil
}
