package sqlite

import (
	"context"
	"sort"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// pruneChunk is how many rows one operation deletes, so that pruning does not
// hold up the writer.
const pruneChunk = 1_000

// Expire implements store.History. It deletes whole files. For each:
//
//  1. One transaction of the jobs database adds the file's counters to
//     retired_counter, takes over the alerts that are still open, and marks
//     the day as retiring.
//  2. The file is deleted.
//  3. The mark is removed.
//
// After a crash before step 2 is complete, Open deletes what is left of marked
// days, so that nothing is counted twice.
func (h history) Expire(ctx context.Context, before int64) (int, error) {
	if err := h.record.enter(ctx); err != nil {
		return 0, err
	}
	defer h.record.leave()
	if err := h.fresh(ctx); err != nil {
		return 0, fault("expire the history", err)
	}
	if err := h.finishRetiring(ctx); err != nil { // of an earlier call that failed
		return 0, fault("expire the history", err)
	}
	old := h.days.all()
	old = old[:sort.Search(len(old), func(i int) bool { return old[i].end() > before })]
	if len(old) > 0 { // it looks into every file, and is asked for each minute
		if err := h.sweepAlerts(ctx); err != nil {
			return 0, fault("expire the history", err)
		}
	}
	gone := 0
	for _, d := range old {
		if err := h.retire(ctx, d); err != nil {
			return gone, fault("expire the history", err)
		}
		gone++
	}
	return gone, fault("expire the history", h.prune(ctx, dayOf(before).start()))
}

// retire does the three steps for one day.
func (s *Store) retire(ctx context.Context, d day) error {
	sums, err := s.countersByDay(ctx, d)
	if err != nil {
		return err
	}
	open, err := s.openAlertsOf(ctx, d)
	if err != nil {
		return err
	}
	err = s.writer.do(ctx, len(sums)+len(open), func(c *conn) (tally, error) {
		return tally{}, writeRetired(c, d, sums, open)
	})
	if err != nil {
		s.state.Lock()
		s.stale = true // it may be done all the same
		s.state.Unlock()
		return err
	}
	s.state.Lock()
	for _, row := range open {
		live := s.alerts[row.JobID]
		live.day = carried
		s.alerts[row.JobID] = live
	}
	delete(s.minutes, d)
	s.state.Unlock()
	return s.finishRetiring(ctx)
}

// finishRetiring deletes what is left of the files of marked days and removes
// the marks.
func (s *Store) finishRetiring(ctx context.Context) error {
	var marked []day
	err := s.readers.with(ctx, func(c *conn) error {
		return c.query(`SELECT day FROM retiring_day`, func(s *sqlite.Stmt) error {
			marked = append(marked, day(s.ColumnInt64(0)))
			return nil
		})
	})
	if err != nil {
		return err
	}
	for _, d := range marked { // from here on they are not read any more
		s.retiring[d] = true
		if err := s.days.forget(d); err != nil {
			return err
		}
	}
	for _, d := range marked {
		if err := s.finish(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// finish deletes the file of a day that was forgotten, and its mark.
func (s *Store) finish(ctx context.Context, d day) error {
	if err := deleteDatabase(s.days.path(d)); err != nil {
		return err
	}
	err := s.writer.do(ctx, 1, func(c *conn) (tally, error) {
		return tally{}, c.exec(`DELETE FROM retiring_day WHERE day = ?`, int64(d))
	})
	if err == nil {
		delete(s.retiring, d)
	}
	return err
}

// countersByDay sums the counters of a file by the day of completion.
func (s *Store) countersByDay(ctx context.Context, d day) (sums counts, err error) {
	err = s.days.read(ctx, d, func(c *conn) error {
		return c.query(`SELECT minute / 1440, status, sum(executions), sum(fires), sum(duration_ms), sum(timed)
  FROM counter GROUP BY 1, 2`, func(s *sqlite.Stmt) error {
			sums = append(sums, count{s.ColumnInt64(0), s.ColumnInt(1), s.ColumnInt64(2), s.ColumnInt64(3),
				s.ColumnInt64(4), s.ColumnInt64(5)})
			return nil
		})
	})
	return sums, err
}

// openAlertsOf returns the open alerts whose row is in the file of a day.
func (s *Store) openAlertsOf(ctx context.Context, d day) (rows []alertRow, err error) {
	err = s.days.read(ctx, d, func(c *conn) error {
		return c.query("SELECT "+alertColumns+" FROM alert WHERE recovered_at IS NULL", func(stmt *sqlite.Stmt) error {
			if row := columnsAlert(stmt); s.counts(d, &row) {
				rows = append(rows, row)
			}
			return nil
		})
	})
	return rows, err
}

const (
	addRetired = `
INSERT INTO retired_counter (day, status, executions, fires, duration_ms, timed) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET executions = executions + excluded.executions, fires = fires + excluded.fires,
       duration_ms = duration_ms + excluded.duration_ms, timed = timed + excluded.timed`

	insertCarried = `
INSERT OR REPLACE INTO carried_alert (` + alertColumns + `) VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?)`
)

func writeRetired(c *conn, d day, sums counts, open []alertRow) error {
	if err := c.exec(`INSERT INTO retiring_day (day) VALUES (?)`, int64(d)); err != nil {
		return err
	}
	if err := markKept(c, d); err != nil {
		return err
	}
	for _, n := range sums {
		if err := c.exec(addRetired, n.minute, n.status, n.executions, n.fires, n.durationMs, n.timed); err != nil {
			return err
		}
	}
	for _, r := range open {
		var status any
		if r.HTTPStatus != 0 {
			status = r.HTTPStatus
		}
		err := c.exec(insertCarried, r.JobID, r.by.scheduledAt, r.by.nonce, r.FirstAt, r.LastAt, r.Count,
			r.Execution[:], status, text(r.Error), true)
		if err != nil {
			return err
		}
	}
	return nil
}

// sweepAlerts deletes open rows that no longer count, because their alert went
// on or ended in the file of another day. It must come before that file is
// deleted: the row would look like an open alert again.
func (s *Store) sweepAlerts(ctx context.Context) error {
	for _, d := range append(s.days.all(), carried) {
		dead, err := s.deadAlerts(ctx, d)
		if err != nil {
			return err
		}
		for len(dead) > 0 {
			n := min(len(dead), pruneChunk)
			if err := s.deleteAlerts(ctx, d, dead[:n]); err != nil {
				return err
			}
			dead = dead[n:]
		}
	}
	return nil
}

func (s *Store) deadAlerts(ctx context.Context, d day) (dead []alertID, err error) {
	err = s.readDay(ctx, d, func(c *conn) error {
		return c.query("SELECT "+alertColumns+" FROM "+d.alertTable()+" WHERE recovered_at IS NULL",
			func(stmt *sqlite.Stmt) error {
				if row := columnsAlert(stmt); !s.counts(d, &row) {
					dead = append(dead, alertID{row.JobID, row.by})
				}
				return nil
			})
	})
	return dead, err
}

func (s *Store) deleteAlerts(ctx context.Context, d day, ids []alertID) error {
	remove := func(c *conn) error {
		for _, id := range ids {
			err := c.exec("DELETE FROM "+d.alertTable()+" WHERE job_id = ? AND opened_by = ? AND opened_nonce = ?",
				id.job, id.by.scheduledAt, id.by.nonce)
			if err != nil {
				return err
			}
		}
		return nil
	}
	if d == carried {
		return s.writer.do(ctx, len(ids), func(c *conn) (tally, error) { return tally{}, remove(c) })
	}
	f, err := s.days.acquire(ctx, d, false)
	if f == nil {
		return err
	}
	defer s.days.release(f)
	if err != nil {
		return err
	}
	c, err := f.write(ctx, s.cfg.statementLog())
	if err != nil {
		return err
	}
	return c.transact(ctx, func() error { return remove(c) })
}

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

// prune deletes the trail of changes up to an instant, the closed versions that
// ended at or before it, and then the deleted jobs that have none left.
func (s *Store) prune(ctx context.Context, before int64) error {
	for _, query := range []string{pruneChanges, pruneKeys, pruneVersions, pruneJobs, pruneLosses} {
		for more := true; more; {
			err := s.writer.do(ctx, pruneChunk, func(c *conn) (tally, error) {
				err := c.exec(query, before, pruneChunk)
				more = err == nil && c.Changes() == pruneChunk
				return tally{}, err
			})
			if err != nil {
				return err
			}
		}
	}
	return s.forgetAlerts(ctx)
}

// forgetAlerts drops the carried alerts of jobs that are gone: nothing would
// ever end them.
func (s *Store) forgetAlerts(ctx context.Context) error {
	gone := make(map[domain.JobID]bool)
	err := s.readers.with(ctx, func(c *conn) error {
		return c.query(`SELECT job_id FROM carried_alert WHERE job_id NOT IN (SELECT id FROM job)`,
			func(s *sqlite.Stmt) error {
				gone[columnJobID(s, 0)] = true
				return nil
			})
	})
	if err != nil || len(gone) == 0 {
		return err
	}
	err = s.writer.do(ctx, len(gone), func(c *conn) (tally, error) { return tally{}, c.exec(pruneAlerts) })
	if err != nil {
		return err
	}
	s.state.Lock()
	defer s.state.Unlock()
	for job := range gone {
		if s.alerts[job].day == carried {
			delete(s.alerts, job)
		}
	}
	return nil
}
