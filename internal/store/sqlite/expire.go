package sqlite

import (
	"context"
	"slices"
	"sort"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// expiry drops history that is too old.
type expiry struct {
	db        *jobsDB
	days      *days
	lock      *recordLock
	eraser    *eraser
	alerts    *alerts
	counters  *counters
	irregular *irregularJobs
	maker     *blockMaker

	turn gate // held by a call of run; taken before the recordLock
}

// run drops the history before an instant: see store.History. It deletes whole files,
// each in three steps:
//
//  1. One transaction of the jobs database adds the file's counters to
//     retired_counter, copies the alerts that are still open, and marks the day as
//     retiring. Nothing is recorded during this step. Its input is read before it, and
//     again if a late fact has changed the file since.
//  2. The file is deleted. This takes long for a large file; others record and read
//     in the meantime.
//  3. The mark is removed.
//
// After a crash before the end of step 2, Open deletes the remaining files of marked
// days before it counts anything, so that nothing is counted twice.
func (x *expiry) run(ctx context.Context, before int64) (int, error) {
	if err := x.turn.enter(ctx); err != nil {
		return 0, err
	}
	defer x.turn.leave()
	if err := x.eraser.eraseMarked(ctx); err != nil { // of an earlier call that failed
		return 0, fault("expire the history", err)
	}
	old, ended, err := x.old(ctx, before)
	gone := 0
	if err == nil {
		gone, err = x.retireAll(ctx, old, ended)
	}
	if err == nil {
		err = x.prune(ctx, dayOf(before).start())
	}
	return gone, fault("expire the history", err)
}

const (
	selectOldRuns = `SELECT scheduled_at, job_id, nonce FROM open_run WHERE scheduled_at < ?`
	countFact     = `SELECT count(*) FROM execution WHERE scheduled_at = ? AND job_id = ? AND nonce = ?`
)

// old returns the days before an instant that nothing needs any more: a recovery reads what is
// not before W, and what has an open run ends with a fact of its day. A crash may leave open runs that
// have facts: ended has those, which go with the facts.
func (x *expiry) old(ctx context.Context, before int64) (old []day, ended map[day][]domain.FireKey, err error) {
	all := x.days.all()
	end := func(limit int64) int { return sort.Search(len(all), func(i int) bool { return all[i].end() > limit }) }
	if end(before) == 0 { // as it is in most minutes
		return nil, nil, nil
	}
	ended = make(map[day][]domain.FireKey)
	err = x.db.read(ctx, func(c *conn) error {
		sh, err := readShard(c)
		if err != nil {
			return err
		}
		before = min(before, sh.Watermark+1)
		return c.query(selectOldRuns, func(s *sqlite.Stmt) error {
			k := columnsKey(s)
			ended[dayOf(k.ScheduledAt)] = append(ended[dayOf(k.ScheduledAt)], k)
			return nil
		}, before)
	})
	for _, d := range all[:end(before)] {
		if err != nil {
			break
		}
		var goesOn bool
		if goesOn, err = x.anyGoesOn(ctx, d, ended[d]); !goesOn {
			old = append(old, d)
		}
	}
	return old, ended, err
}

// anyGoesOn reports whether one of the open runs of a day has no fact.
func (x *expiry) anyGoesOn(ctx context.Context, d day, runs []domain.FireKey) (found bool, err error) {
	if len(runs) == 0 {
		return false, nil
	}
	err = x.days.read(ctx, d, func(c *conn) error {
		for _, k := range runs {
			facts, err := c.number(countFact, k.ScheduledAt, k.JobID, k.Nonce)
			if err != nil || facts == 0 {
				found = facts == 0
				return err
			}
		}
		return nil
	})
	return found, err
}

// retireAll drops days, oldest first, and returns how many it did.
func (x *expiry) retireAll(ctx context.Context, old []day, ended map[day][]domain.FireKey) (gone int, err error) {
	if len(old) == 0 {
		return 0, nil
	}
	late, err := x.lock.watchLate(ctx, old[len(old)-1])
	if err != nil {
		return 0, err
	}
	if err := x.alerts.sweep(ctx, old[0], x.lock.with); err != nil {
		return 0, err
	}
	for _, d := range old {
		last, err := x.lastOf(ctx, d)
		if err != nil {
			return gone, err
		}
		last.ended = ended[d]
		if late, err = x.mark(ctx, d, last, late); err != nil {
			return gone, err
		}
		if err := x.eraser.eraseMarked(ctx); err != nil {
			return gone, err
		}
		gone++
	}
	return gone, nil
}

// dayRemains is what stays of a day whose file goes.
type dayRemains struct {
	sums  counts
	point domain.Point
	open  []alertRow
	ended []domain.FireKey // open runs that have facts
}

func (x *expiry) lastOf(ctx context.Context, d day) (last dayRemains, err error) {
	if last.sums, err = x.counters.byDay(ctx, d); err == nil {
		last.point, err = dayPoint(ctx, x.days, d)
	}
	if err == nil {
		last.open, err = x.alerts.openOf(ctx, d)
	}
	return last, err
}

// mark is the first step. It returns the number of late commits that the days
// after d may be judged by.
func (x *expiry) mark(ctx context.Context, d day, last dayRemains, late int64) (int64, error) {
	if err := x.lock.enter(ctx); err != nil {
		return late, err
	}
	defer x.lock.leave()
	if err := x.lock.fresh(ctx); err != nil {
		return late, err
	}
	if x.lock.late != late {
		if err := x.alerts.sweep(ctx, d, alreadyInTurn); err != nil {
			return late, err
		}
		var err error
		ended := last.ended
		if last, err = x.lastOf(ctx, d); err != nil {
			return late, err
		}
		last.ended = ended
		late = x.lock.late
	}
	// Meanwhile some may have gone on, or ended, in the file of a younger day.
	last.open = slices.DeleteFunc(last.open, func(row alertRow) bool { return !x.alerts.counts(d, &row) })
	x.alerts.mu.RLock()
	x.alerts.untold.note(d, last.open)
	x.alerts.mu.RUnlock()
	x.eraser.marks.Add(1)
	defer x.eraser.marks.Add(1)
	err := x.db.write(ctx, len(last.sums)+len(last.open), func(c *conn) (tally, error) {
		return tally{}, writeRetired(c, d, &last)
	})
	if err != nil {
		x.lock.stale.Store(true) // it may be done all the same
		return late, err
	}
	x.alerts.carry(d, last.open)
	x.counters.drop(d)
	x.irregular.drop(d)
	x.eraser.add(d)
	return late, nil
}

const (
	addRetired = `
INSERT INTO retired_counter (day, status, executions, fires, duration_ms, timed) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET executions = executions + excluded.executions, fires = fires + excluded.fires,
       duration_ms = duration_ms + excluded.duration_ms, timed = timed + excluded.timed`

	insertCarried = `
INSERT OR REPLACE INTO carried_alert (` + alertColumns + `, untold) VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?)`
)

func writeRetired(c *conn, d day, last *dayRemains) error {
	if err := c.exec(`INSERT INTO retiring_day (day) VALUES (?)`, int64(d)); err != nil {
		return err
	}
	if err := markKept(c, d); err != nil {
		return err
	}
	if last.point.Fires() != 0 {
		if err := addPoint(c, &last.point, selectRetiredPoint, replaceRetiredPoint); err != nil {
			return err
		}
	}
	for _, k := range last.ended {
		if err := c.exec(deleteOpenRun, k.ScheduledAt, k.JobID, k.Nonce); err != nil {
			return err
		}
	}
	for _, n := range last.sums {
		if err := c.exec(addRetired, n.minute, n.status, n.executions, n.fires, n.durationMs, n.timed); err != nil {
			return err
		}
	}
	for _, r := range last.open {
		var status any
		if r.HTTPStatus != 0 {
			status = r.HTTPStatus
		}
		err := c.exec(insertCarried, r.JobID, r.by.scheduledAt, r.by.nonce, r.FirstAt, r.LastAt, r.Count,
			r.Execution[:], status, rows.Text(r.Error), true, r.untold)
		if err != nil {
			return err
		}
	}
	return nil
}
