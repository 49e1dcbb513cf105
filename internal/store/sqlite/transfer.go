package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/transfer"
)

// OpenTransfer opens a database for a copy. made says that it is the target, which is created if
// there is none; a source must be there. No server can have it open at the time.
func OpenTransfer(ctx context.Context, cfg Config, made bool) (*transfer.Database, error) {
	if _, err := os.Stat(cfg.Path); err != nil && !made {
		return nil, domain.Unavailable(err, "there is no database to copy")
	}
	cfg.purpose = copying
	s, err := Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if days := s.Warning(); days != "" && !made {
		return nil, errors.Join(fmt.Errorf("%s cannot be copied as a whole: %s", s.cfg.Path, days), s.Close())
	}
	t := &moving{s, make(map[transfer.DayStatus]transfer.Sums)}
	return &transfer.Database{
		Control: t, Name: s.cfg.Path, Store: s, Box: s.sealer.box, Tables: t.tables(),
	}, nil
}

// moving is a store that is copied, or copied into. It implements transfer.Control.
type moving struct {
	*Store
	counted map[transfer.DayStatus]transfer.Sums // by the source, as far as it was told
}

// Mark implements transfer.Control.
func (t *moving) Mark(ctx context.Context) (transfer.Mark, error) { return t.db.move(ctx) }

// Idle implements transfer.Control: this process has the lock of the database.
func (t *moving) Idle(context.Context, time.Duration) error { return nil }

// Begin implements transfer.Control.
func (t *moving) Begin(ctx context.Context, m transfer.Mark) error {
	return fault("begin the copy", t.db.write(ctx, 1, func(c *conn) (tally, error) {
		return tally{}, writeMove(c, &m)
	}))
}

// Leave implements transfer.Control.
func (t *moving) Leave(ctx context.Context, m transfer.Mark) error {
	return fault("end the copy", t.db.write(ctx, 1, func(c *conn) (tally, error) {
		sh, err := readShard(c)
		if err == nil && transfer.StampOf([]store.Shard{sh}) != m.Stamp {
			err = transfer.ErrChanged
		}
		if err == nil {
			err = writeMove(c, &m)
		}
		return tally{}, err
	}))
}

// Free implements transfer.Control.
func (t *moving) Free(ctx context.Context) error {
	return fault("end the copy", t.db.write(ctx, 1, func(c *conn) (tally, error) {
		return tally{}, c.exec(deleteMove)
	}))
}

const insertRetired = `
INSERT INTO retired_counter (day, status, executions, fires, duration_ms, timed) VALUES (?, ?, ?, ?, ?, ?)`

// Finish implements transfer.Control. The facts have written the counters of their days; what the
// source has counted beyond is of history that was dropped.
func (t *moving) Finish(ctx context.Context, shards []store.Shard, kept int64) error {
	if err := t.lock.with(ctx, func() error { return t.lock.load(ctx) }); err != nil {
		return fault("end the copy", err)
	}
	for _, d := range t.days.all() {
		sums, err := t.history.counters.byDay(ctx, d)
		if err != nil {
			return fault("end the copy", err)
		}
		for _, n := range sums {
			of := transfer.DayStatus{Day: n.minute, Status: n.status} // byDay has days in their place
			rest := t.counted[of]
			rest.Fires -= n.fires
			rest.DurationMs -= n.durationMs
			rest.Timed -= n.timed
			t.counted[of] = rest
		}
	}
	return fault("end the copy", t.db.write(ctx, len(t.counted), func(c *conn) (tally, error) {
		err := c.exec(`DELETE FROM retired_counter`)
		for of, n := range t.counted {
			if err == nil && n != (transfer.Sums{}) {
				err = c.exec(insertRetired, of.Day, of.Status, n.Fires, n.Fires, n.DurationMs, n.Timed)
			}
		}
		if err == nil {
			err = c.exec(`UPDATE kept SET since = ? WHERE one = 1`, kept)
		}
		if err == nil {
			err = writeShard(c, shards[0])
		}
		return tally{}, err
	}))
}
