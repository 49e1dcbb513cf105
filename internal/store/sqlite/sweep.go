package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"
)

// sweepChunk is how many rows one commit deletes. It takes some 2 ms, during which
// recording waits.
const sweepChunk = 200

// sweep deletes open rows that are out of date, because their alert continued or ended
// in the file of another day. It must run before that other file is deleted; afterwards
// such a row would look like an open alert again. It skips the file of the day first,
// which is deleted before all others.
//
// It deletes in chunks, each within one call of turn, so that others can record in
// between.
func (a *alerts) sweep(ctx context.Context, first day, turn func(context.Context, func() error) error) error {
	for _, d := range append(a.days.all(), carried) {
		if d == first {
			continue
		}
		dead, err := a.dead(ctx, d)
		if err != nil {
			return err
		}
		for len(dead) > 0 {
			n := min(len(dead), sweepChunk)
			err := turn(ctx, func() error { return a.remove(ctx, d, dead[:n]) })
			if err != nil {
				return err
			}
			dead = dead[n:]
		}
	}
	return nil
}

// alreadyInTurn is recordLock.with for a caller that holds the lock.
func alreadyInTurn(_ context.Context, fn func() error) error { return fn() }

func (a *alerts) dead(ctx context.Context, d day) (dead []alertRow, err error) {
	err = a.readDay(ctx, d, func(c *conn) error {
		return c.query("SELECT "+alertColumns+" FROM "+d.alertTable()+" WHERE recovered_at IS NULL",
			func(stmt *sqlite.Stmt) error {
				if row := columnsAlert(stmt); !a.counts(d, &row) {
					dead = append(dead, row)
				}
				return nil
			})
	})
	return dead, err
}

// remove deletes those of the rows that are still open and do not count:
// since they were read, a late fact may have changed one. The caller holds
// the recordLock.
func (a *alerts) remove(ctx context.Context, d day, rows []alertRow) error {
	remove := func(c *conn) error {
		for i := range rows {
			r := &rows[i]
			if a.counts(d, r) {
				continue
			}
			err := c.exec("DELETE FROM "+d.alertTable()+
				" WHERE job_id = ? AND opened_by = ? AND opened_nonce = ? AND recovered_at IS NULL",
				r.JobID, r.by.scheduledAt, r.by.nonce)
			if err != nil {
				return err
			}
		}
		return nil
	}
	if d == carried {
		return a.db.write(ctx, len(rows), func(c *conn) (tally, error) { return tally{}, remove(c) })
	}
	f, err := a.days.acquire(ctx, d, false)
	if f == nil {
		return err
	}
	defer a.days.release(f)
	if err != nil {
		return err
	}
	c, err := f.write(ctx)
	if err != nil {
		return err
	}
	return c.transact(ctx, func() error { return remove(c) })
}
