package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// historyOpener opens the history at a start.
type historyOpener struct {
	db    *jobsDB
	days  *days
	lock  *recordLock
	clock clock.Clock
	log   *slog.Logger
}

// open brings every history file to the schema of this program, and reads what
// is kept in memory. Damaged days that nothing needs are set aside.
func (o *historyOpener) open(ctx context.Context) error {
	for _, d := range o.days.all() {
		if err := o.days.migrate(ctx, d); err != nil {
			if err := o.setAside(ctx, ofDay(d, err)); err != nil {
				return err
			}
		}
	}
	for { // each turn takes a day away, or is the last
		err := o.lock.load(ctx)
		if err == nil {
			return nil
		}
		if err := o.setAside(ctx, err); err != nil {
			return err
		}
	}
}

// setAside sets a damaged day aside, or returns the error that it was given:
// it is of something else, or the day is needed.
func (o *historyOpener) setAside(ctx context.Context, err error) error {
	damaged, ok := errors.AsType[*damagedDay](err)
	if !ok {
		return err
	}
	needed, failed := o.needs(ctx, damaged.day)
	if failed != nil {
		return failed
	}
	path := o.days.path(damaged.day)
	if needed {
		return fmt.Errorf("the history file %s is damaged, and it is needed to know what was sent: restore it "+
			"from a backup, "+
			"or move it away to have its fires sent again: %w", path, err)
	}
	o.log.Error("a history file is damaged and set aside; restore it from a backup and start again, or remove it",
		"file", path, "error", damaged.err)
	return o.days.setAside(damaged)
}

// needs reports whether a day's facts decide what is sent.
func (o *historyOpener) needs(ctx context.Context, d day) (needed bool, err error) {
	err = o.db.read(ctx, func(c *conn) error {
		w, err := c.number(`SELECT watermark FROM shard WHERE one = 1`)
		if err != nil {
			return err
		}
		if w == 0 { // a new database has no fire to recover
			w = clock.NowMs(o.clock)
		}
		runs, err := c.number(`SELECT count(*) FROM open_run WHERE scheduled_at >= ? AND scheduled_at < ?`,
			d.start(), d.end())
		needed = d >= dayOf(w) || runs > 0
		return err
	})
	return needed, err
}
