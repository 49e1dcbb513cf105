package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
	"github.com/belfry-scheduler/belfry/internal/store/transfer"
)

// facts are the facts of all days for a copy.
func (t *moving) facts() transfer.Long[domain.Execution, domain.FireKey] {
	return transfer.Long[domain.Execution, domain.FireKey]{
		After: transfer.FactsAfter(t.history), Write: t.writeFacts, Last: t.lastFact, Count: t.countFacts,
	}
}

const selectLastFact = `
SELECT scheduled_at, job_id, nonce FROM execution ORDER BY scheduled_at DESC, job_id DESC, nonce DESC LIMIT 1`

func (t *moving) lastFact(ctx context.Context) (last *domain.FireKey, err error) {
	for _, d := range t.days.downFrom(lastDay) {
		err := t.days.read(ctx, d, func(c *conn) error {
			return c.query(selectLastFact, func(s *sqlite.Stmt) error {
				k := columnsKey(s)
				last = &k
				return nil
			})
		})
		if err != nil || last != nil {
			return last, fault("read the history", err)
		}
	}
	return nil, nil
}

func (t *moving) countFacts(ctx context.Context) (n int64, err error) {
	for _, d := range t.days.all() {
		err := t.days.read(ctx, d, func(c *conn) error {
			of, err := c.number(`SELECT sum(executions) FROM counter`)
			n += of
			return err
		})
		if err != nil {
			return n, fault("count the history", err)
		}
	}
	return n, nil
}

// writeFacts writes facts with the counters and the series of their days, which are computed from them. Their
// alerts come by themselves.
func (t *moving) writeFacts(ctx context.Context, piece []domain.Execution) error {
	return fault("write the history", t.lock.with(ctx, func() error {
		facts, err := sortFacts(piece)
		for err == nil && len(facts) > 0 {
			d, n := dayOf(facts[0].ScheduledAt), 0
			for n < len(facts) && facts[n].ScheduledAt < d.end() {
				n++
			}
			err = t.inDay(ctx, d, func(c *conn) error { return writeFactsOf(c, facts[:n]) })
			facts = facts[n:]
		}
		return err
	}))
}

// inDay runs fn in a transaction of the file of a day. The caller has the recordLock.
func (t *moving) inDay(ctx context.Context, d day, fn func(c *conn) error) error {
	f, err := t.days.acquire(ctx, d, true)
	if f == nil {
		return err
	}
	defer t.days.release(f)
	if err != nil {
		return err
	}
	c, err := f.write(ctx)
	if err != nil {
		return err
	}
	return c.transact(ctx, func() error { return fn(c) })
}

func writeFactsOf(c *conn, facts []*domain.Execution) error {
	inserted, err := insertAll(c, facts)
	if err != nil {
		return err
	}
	var sums counts
	for _, e := range inserted {
		if err := sums.add(e); err != nil {
			return err
		}
	}
	if err := sums.write(c); err != nil {
		return err
	}
	return writePoints(c, pointsOf(inserted))
}

// counters are those of all files for a copy. What is written is kept until Finish.
func (t *moving) counters() transfer.Table[transfer.Counter] {
	return transfer.Table[transfer.Counter]{
		Read: t.readCounters,
		Write: func(_ context.Context, piece []transfer.Counter) error {
			for i := range piece {
				piece[i].AddTo(t.counted)
			}
			return nil
		},
	}
}

const (
	selectCounters = `SELECT minute, status, fires, duration_ms, timed FROM counter`
	selectRetired  = `SELECT day, status, fires, duration_ms, timed FROM retired_counter`
)

func columnsSums(s *sqlite.Stmt) transfer.Sums {
	return transfer.Sums{Fires: s.ColumnInt64(2), DurationMs: s.ColumnInt64(3), Timed: s.ColumnInt64(4)}
}

func (t *moving) readCounters(ctx context.Context, fn func([]transfer.Counter) error) error {
	for _, d := range t.days.all() {
		var piece []transfer.Counter
		err := t.days.read(ctx, d, func(c *conn) error {
			return c.query(selectCounters, func(s *sqlite.Stmt) error {
				part := int32(d) + 1 //nolint:gosec // there are three million days
				piece = append(piece, transfer.Counter{
					Minute: s.ColumnInt64(0), Status: s.ColumnInt(1), Part: part, Sums: columnsSums(s),
				})
				return nil
			})
		})
		if err == nil {
			err = fn(piece)
		}
		if err != nil {
			return fault("read the counters", err)
		}
	}
	var retired []transfer.Counter
	err := t.db.read(ctx, func(c *conn) error {
		return c.query(selectRetired, func(s *sqlite.Stmt) error {
			retired = append(retired, transfer.Counter{
				Minute: s.ColumnInt64(0) * dayMs / minuteMs, Status: s.ColumnInt(1), Whole: true, Sums: columnsSums(s),
			})
			return nil
		})
	})
	if err != nil {
		return fault("read the counters", err)
	}
	return fn(retired)
}

const (
	pageOfAlerts = ` WHERE (job_id, opened_by, opened_nonce) > (?, ?, ?)
 ORDER BY job_id, opened_by, opened_nonce LIMIT 0 + ?`

	insertAlert = ` (` + alertColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING`
)

// alertTable has the alerts for a copy: of each the row that counts.
func (t *moving) alertTable() transfer.Table[transfer.Alert] {
	return transfer.Table[transfer.Alert]{Read: t.readAlerts, Write: t.writeAlerts}
}

func (t *moving) readAlerts(ctx context.Context, fn func([]transfer.Alert) error) error {
	for _, d := range append(t.days.all(), carried) {
		after, full := alertRow{by: opener{scheduledAt: -1}}, true
		for full {
			var piece []transfer.Alert
			filled := transfer.NewMeter()
			err := t.alerts.readDay(ctx, d, func(c *conn) error {
				return c.query("SELECT "+alertColumns+" FROM "+d.alertTable()+pageOfAlerts, func(s *sqlite.Stmt) error {
					after = columnsAlert(s)
					filled.Add(0)
					if !after.Open() || t.alerts.counts(d, &after) {
						piece = append(piece, storedAlert(&after, d))
					}
					return nil
				}, after.JobID, after.by.scheduledAt, after.by.nonce, filled.Rows)
			})
			if err == nil {
				err = fn(piece)
			}
			if err != nil {
				return fault("read the alerts", err)
			}
			full = filled.Full()
		}
	}
	return nil
}

func storedAlert(r *alertRow, d day) transfer.Alert {
	if d == carried { // its day is gone
		d = dayOf(r.by.scheduledAt)
	}
	return transfer.Alert{Alert: r.Alert, OpenedAt: r.by.scheduledAt, OpenedNonce: r.by.nonce, Day: int64(d)}
}

func (t *moving) writeAlerts(ctx context.Context, piece []transfer.Alert) error {
	byDay := make(map[day][]*transfer.Alert)
	for i := range piece {
		d := day(piece[i].Day)
		if next, found := t.days.next(d); (!found || next != d) && piece[i].Open() {
			d = carried
		}
		byDay[d] = append(byDay[d], &piece[i])
	}
	for d, alerts := range byDay {
		write := func(c *conn) error {
			for _, a := range alerts {
				if err := writeAlert(c, d, a); err != nil {
					return err
				}
			}
			return nil
		}
		var err error
		if d == carried {
			err = t.db.write(ctx, len(alerts), func(c *conn) (tally, error) { return tally{}, write(c) })
		} else {
			err = t.lock.with(ctx, func() error { return t.inDay(ctx, d, write) })
		}
		if err != nil {
			return fault("write the alerts", err)
		}
	}
	return nil
}

func writeAlert(c *conn, d day, a *transfer.Alert) error {
	var status any
	if a.HTTPStatus != 0 {
		status = a.HTTPStatus
	}
	return c.exec("INSERT INTO "+d.alertTable()+insertAlert, a.JobID, a.OpenedAt, a.OpenedNonce, a.FirstAt, a.LastAt,
		a.Count, whenNot(a.RecoveredAt), a.Execution[:], status, rows.Text(a.Error))
}
