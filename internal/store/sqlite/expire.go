package sqlite

import (
	"context"
	"maps"
	"slices"
	"sort"

	"zombiezen.com/go/sqlite"
)

// Expire implements store.History. It deletes whole files. For each:
//
//  1. One transaction of the jobs database adds the file's counters to
//     retired_counter, takes over the alerts that are still open, and marks
//     the day as retiring. Nothing is recorded meanwhile; what it needs is read
//     before, and read again if a late fact has changed it.
//  2. The file is deleted. That takes a while where it is large; others record
//     and read.
//  3. The mark is removed.
//
// After a crash before step 2 is complete, Open deletes what is left of marked
// days, so that nothing is counted twice.
func (h history) Expire(ctx context.Context, before int64) (int, error) {
	if err := h.expire.enter(ctx); err != nil {
		return 0, err
	}
	defer h.expire.leave()
	if err := h.finishRetiring(ctx); err != nil { // of an earlier call that failed
		return 0, fault("expire the history", err)
	}
	old := h.days.all()
	old = old[:sort.Search(len(old), func(i int) bool { return old[i].end() > before })]
	gone, err := h.retireAll(ctx, old)
	if err == nil {
		err = h.prune(ctx, dayOf(before).start())
	}
	return gone, fault("expire the history", err)
}

// retireAll drops days, oldest first, and returns how many it did.
func (s *Store) retireAll(ctx context.Context, old []day) (gone int, err error) {
	if len(old) == 0 { // as it is in most minutes
		return 0, nil
	}
	late, err := s.watchLate(ctx, old[len(old)-1])
	if err != nil {
		return 0, err
	}
	if err := s.sweepAlerts(ctx, old[0], s.inTurn); err != nil {
		return 0, err
	}
	for _, d := range old {
		last, err := s.lastOf(ctx, d)
		if err != nil {
			return gone, err
		}
		if late, err = s.mark(ctx, d, last, late); err != nil {
			return gone, err
		}
		if err := s.finishRetiring(ctx); err != nil {
			return gone, err
		}
		gone++
	}
	return gone, nil
}

// watchLate has the commits counted that record in days up to d, and returns
// their number so far. What was read of the files of such days, and the sweep
// of alerts, hold for as long as it stays the same.
func (s *Store) watchLate(ctx context.Context, d day) (late int64, err error) {
	if err := s.record.enter(ctx); err != nil {
		return 0, err
	}
	defer s.record.leave()
	s.watched = max(s.watched, d)
	return s.late, s.fresh(ctx)
}

// dayRemains is what stays of a day whose file goes.
type dayRemains struct {
	sums counts
	open []alertRow
}

func (s *Store) lastOf(ctx context.Context, d day) (last dayRemains, err error) {
	if last.sums, err = s.countersByDay(ctx, d); err == nil {
		last.open, err = s.openAlertsOf(ctx, d)
	}
	return last, err
}

// mark is the first step. It returns the number of late commits that the days
// after d may be judged by.
func (s *Store) mark(ctx context.Context, d day, last dayRemains, late int64) (int64, error) {
	if err := s.record.enter(ctx); err != nil {
		return late, err
	}
	defer s.record.leave()
	if err := s.fresh(ctx); err != nil {
		return late, err
	}
	if s.late != late {
		if err := s.sweepAlerts(ctx, d, alreadyInTurn); err != nil {
			return late, err
		}
		var err error
		if last, err = s.lastOf(ctx, d); err != nil {
			return late, err
		}
		late = s.late
	}
	// Meanwhile some may have gone on, or ended, in the file of a younger day.
	last.open = slices.DeleteFunc(last.open, func(row alertRow) bool { return !s.counts(d, &row) })
	err := s.writer.do(ctx, len(last.sums)+len(last.open), func(c *conn) (tally, error) {
		return tally{}, writeRetired(c, d, last.sums, last.open)
	})
	s.state.Lock()
	defer s.state.Unlock()
	if err != nil {
		s.stale = true // it may be done all the same
		return late, err
	}
	for _, row := range last.open {
		live := s.alerts[row.JobID]
		live.day = carried
		s.alerts[row.JobID] = live
	}
	delete(s.minutes, d)
	delete(s.irregular, d)
	s.retiring[d] = true
	return late, nil
}

// isRetiring reports whether the file of a day may still have to be deleted.
func (s *Store) isRetiring(d day) bool {
	s.state.RLock()
	defer s.state.RUnlock()
	return s.retiring[d]
}

// finishRetiring deletes what is left of the files of marked days and removes
// the marks. A day may begin again with a new file only when its mark is gone:
// whoever wants to record in it comes here first, and waits.
func (s *Store) finishRetiring(ctx context.Context) error {
	if err := s.erase.enter(ctx); err != nil {
		return err
	}
	defer s.erase.leave()
	s.state.RLock()
	done := slices.Collect(maps.Keys(s.retiring)) // the mark of some may be gone: the outcome of its removal is unknown
	s.state.RUnlock()
	marked, err := s.markedDays(ctx)
	if err != nil {
		return err
	}
	s.state.Lock()
	for _, d := range marked {
		s.retiring[d] = true
	}
	s.state.Unlock()
	for _, d := range marked { // from here on none of them is read
		if err := s.days.drop(d); err != nil {
			return err
		}
	}
	for _, d := range marked {
		if err := s.finish(ctx, d); err != nil {
			return err
		}
	}
	s.state.Lock()
	defer s.state.Unlock()
	for _, d := range append(done, marked...) {
		delete(s.retiring, d)
	}
	return nil
}

func (s *Store) markedDays(ctx context.Context) (marked []day, err error) {
	err = s.readers.with(ctx, func(c *conn) error {
		return c.query(`SELECT day FROM retiring_day`, func(s *sqlite.Stmt) error {
			marked = append(marked, day(s.ColumnInt64(0)))
			return nil
		})
	})
	return marked, err
}

// finish deletes the file of a day that was dropped, and its mark.
func (s *Store) finish(ctx context.Context, d day) error {
	if err := s.days.checkFolder(); err != nil {
		return err
	}
	if err := deleteDatabase(s.days.path(d)); err != nil {
		return err
	}
	return s.writer.do(ctx, 1, func(c *conn) (tally, error) {
		return tally{}, c.exec(`DELETE FROM retiring_day WHERE day = ?`, int64(d))
	})
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
