package sqlite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// A history file that is damaged keeps the rest from nothing. At the start a
// damaged day before the watermark is set aside: its file is left as it is and
// not opened, lists leave it out, what asks for the whole of it gets an error, and
// the store warns. A day at or after the watermark, or one that an open run is of,
// is needed to know what was sent: the start is refused, as with a damaged jobs.db.

// errNotDatabase says that something else has the name of a history file.
var errNotDatabase = errors.New("it is not a file")

// damagedDay is an error of reading a day whose file is damaged.
type damagedDay struct {
	day day
	err error
}

func (e *damagedDay) Error() string { return e.err.Error() }
func (e *damagedDay) Unwrap() error { return e.err }

// isDamage reports whether the content of a file is at fault, not the access to it.
func isDamage(err error) bool {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultCorrupt, sqlite.ResultNotADB:
		return true
	}
	return errors.Is(err, errNotDatabase) || errors.Is(err, errForeign)
}

// ofDay marks an error of damage with the day.
func ofDay(d day, err error) error {
	if err != nil && isDamage(err) {
		return &damagedDay{d, err}
	}
	return err
}

// openDays brings every history file to the schema of this program, and reads what
// is kept in memory. Damaged days that nothing needs are set aside.
func (s *Store) openDays(ctx context.Context) error {
	for _, d := range s.days.all() {
		if err := s.migrateDay(ctx, d); err != nil {
			if err := s.setAsideDay(ctx, ofDay(d, err)); err != nil {
				return err
			}
		}
	}
	for { // each turn takes a day away, or is the last
		err := s.load(ctx)
		if err == nil {
			return nil
		}
		if err := s.setAsideDay(ctx, err); err != nil {
			return err
		}
	}
}

func (s *Store) migrateDay(ctx context.Context, d day) error {
	path := s.days.path(d)
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s: %w", path, errNotDatabase)
	}
	return migrateFile(ctx, path, "history", s.cfg.statementLog())
}

// setAsideDay sets a damaged day aside, or returns the error that it was given:
// it is of something else, or the day is needed.
func (s *Store) setAsideDay(ctx context.Context, err error) error {
	damaged, ok := errors.AsType[*damagedDay](err)
	if !ok {
		return err
	}
	needed, failed := s.needs(ctx, damaged.day)
	if failed != nil {
		return failed
	}
	path := s.days.path(damaged.day)
	if needed {
		return fmt.Errorf("the history file %s is damaged, and it is needed to know what was sent: restore it "+
			"from a backup, "+
			"or move it away to have its fires sent again: %w", path, err)
	}
	s.cfg.Log.Error("a history file is damaged and set aside; restore it from a backup and start again, or remove it",
		"file", path, "error", damaged.err)
	return s.days.setAside(damaged)
}

// needs reports whether a day's facts decide what is sent.
func (s *Store) needs(ctx context.Context, d day) (needed bool, err error) {
	err = s.readers.with(ctx, func(c *conn) error {
		w, err := c.number(`SELECT watermark FROM shard WHERE one = 1`)
		if err != nil {
			return err
		}
		if w == 0 { // a new database has no fire to recover
			w = clock.NowMs(s.cfg.Clock)
		}
		runs, err := c.number(`SELECT count(*) FROM open_run WHERE scheduled_at >= ? AND scheduled_at < ?`,
			d.start(), d.end())
		needed = d >= dayOf(w) || runs > 0
		return err
	})
	return needed, err
}

// setAside takes a damaged day out of the set.
func (ds *days) setAside(damaged *damagedDay) error {
	err := ds.drop(damaged.day)
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.damaged == nil {
		ds.damaged = make(map[day]error)
	}
	ds.damaged[damaged.day] = damaged.err
	return err
}

// asideError returns an error when the day is set aside. The caller holds the lock.
func (ds *days) asideError(d day) error {
	if ds.damaged[d] != nil {
		return domain.Unavailable(ds.damaged[d], "the history of %s is damaged and set aside", d)
	}
	return nil
}

// whole returns an error when a day of [from, to] is set aside.
func (ds *days) whole(from, to int64) error {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	for d := range ds.damaged {
		if d.end() > from && d.start() <= to {
			return ds.asideError(d)
		}
	}
	return nil
}

// asides returns the days that are set aside, ascending.
func (ds *days) asides() []day {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return slices.Sorted(maps.Keys(ds.damaged))
}

// Warning says which days of the history are set aside; empty: none.
func (s *Store) Warning() string {
	var names []string
	for _, d := range s.days.asides() {
		names = append(names, d.String())
	}
	const most = 5
	if len(names) == 0 {
		return ""
	}
	text := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more days", len(names)-most)
	}
	return "damaged history is set aside, neither shown nor counted: " + text
}
