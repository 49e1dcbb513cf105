package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/failpoint"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// Config is what a copy needs.
type Config struct {
	From, To *Database
	Clock    clock.Clock
	Tell     func(Progress) // by several goroutines; may be nil

	passed func(place string) error // in tests: ends the copy as a crash would
}

// Progress says how far a copy has come. It is told for each piece.
type Progress struct {
	Audit bool   // both databases are being read, to be compared
	Kind  string // of rows
	Rows  int64  // that were copied just now, or read
	Done  int64  // of the kind, by this copy and those before it that were interrupted
	Total int64  // zero: unknown
}

// Report is what a copy has done.
type Report struct {
	Resumed bool
	Lines   []Line // of the audit
	Unread  int    // versions whose secrets cannot be opened: they are as they were
}

// DifferenceError says that the audit of a copy has found a difference. The source is not marked.
type DifferenceError struct{ Kinds []string }

// Error implements error.
func (e *DifferenceError) Error() string {
	return fmt.Sprintf("the copy differs from its source in %q: the source is as it was, and the target is not to "+
		"be used", e.Kinds)
}

// goneAfter is more than an owner of shards may go without a beat. Tests have less.
var goneAfter = 8 * time.Second

// copier is one run of a copy.
type copier struct {
	Config
	mark   Mark
	box    *seal.Box // opens what the source has sealed, and seals for the target
	report Report
}

// Run copies everything that is in one database to another one, and marks the first as moved. If
// it is ended at any point, it goes on from there when it is called again.
func Run(ctx context.Context, cfg Config) (Report, error) {
	c := &copier{Config: cfg}
	if c.Tell == nil {
		c.Tell = func(Progress) {}
	}
	if c.passed == nil {
		c.passed = func(string) error { return nil }
	}
	err := c.run(ctx)
	return c.report, err
}

// at names a place at which tests end the copy.
func (c *copier) at(place string) error {
	failpoint.Hit("copy." + place)
	return c.passed(place)
}

func (c *copier) run(ctx context.Context) error {
	if err := c.From.Idle(ctx, goneAfter); err != nil {
		return fmt.Errorf("copy from %s: %w", c.From.Name, err)
	}
	next, err := c.decide(ctx)
	if err != nil {
		return fmt.Errorf("copy %s to %s: %w", c.From.Name, c.To.Name, err)
	}
	c.report.Resumed = next != begin
	if next != conclude {
		if err := c.fill(ctx); err != nil {
			return err
		}
	}
	if c.report.Lines, err = c.audit(ctx); err != nil {
		return err
	}
	if next != conclude {
		source := c.mark
		source.State, source.Peer, source.At = Moved, c.To.Name, clock.NowMs(c.Clock)
		if err := c.From.Leave(ctx, source); err != nil {
			return fmt.Errorf("mark %s as moved: %w", c.From.Name, err)
		}
	}
	if err := c.at("moved"); err != nil {
		return err
	}
	return c.To.Free(ctx)
}

// decide finds out what is to be done, and marks a target that is empty.
func (c *copier) decide(ctx context.Context) (step, error) {
	from, err := c.From.Mark(ctx)
	if err != nil {
		return 0, err
	}
	if c.mark, err = c.To.Mark(ctx); err != nil {
		return 0, err
	}
	shards, err := c.From.Store.Shards().Peek(ctx)
	if err != nil {
		return 0, err
	}
	empty := false
	if c.mark.State == Ready {
		if empty, err = c.To.empty(ctx); err != nil {
			return 0, err
		}
	}
	stamp := StampOf(shards)
	next, err := plan(&from, &c.mark, stamp, empty)
	if err != nil || next != begin {
		return next, err
	}
	if err := c.To.Idle(ctx, goneAfter); err != nil {
		return 0, err
	}
	now := clock.NowMs(c.Clock)
	c.mark = Mark{State: Filling, Copy: domain.NewJobID(now).String(), Peer: c.From.Name, Stamp: stamp, At: now}
	if err := c.To.Begin(ctx, c.mark); err != nil {
		return 0, err
	}
	return begin, c.at("begun")
}

// errFound ends a read whose answer is known.
var errFound = errors.New("found")

// any reports whether a table has a row.
func (t *Table[T]) any(ctx context.Context) (bool, error) {
	err := t.Read(ctx, func(piece []T) error {
		if len(piece) > 0 {
			return errFound
		}
		return nil
	})
	if errors.Is(err, errFound) {
		return true, nil
	}
	return false, err
}

// empty reports whether the database has no jobs, no history, and nothing about who may come in.
func (db *Database) empty(ctx context.Context) (bool, error) {
	version, err := db.Versions.Last(ctx)
	if err != nil || version != nil {
		return false, err
	}
	fact, err := db.Facts.Last(ctx)
	if err != nil || fact != nil {
		return false, err
	}
	for _, has := range []func(context.Context) (bool, error){
		db.Counters.any, db.Alerts.any, db.Losses.any, db.Runs.any, db.Keys.any, db.Sessions.any,
		db.Changes.any, db.Records.any, db.Operations.any, db.Settings.any,
	} {
		if found, err := has(ctx); err != nil || found {
			return false, err
		}
	}
	return true, nil
}

// fill copies all rows.
func (c *copier) fill(ctx context.Context) (err error) {
	if c.box, err = boxOf(c.To.Box, c.From.Box); err != nil {
		return err
	}
	from, to := &c.From.Tables, &c.To.Tables
	for _, copied := range []func(context.Context) error{
		c.rules,
		func(ctx context.Context) error {
			return copyLong(ctx, c, kindVersions, &from.Versions, &to.Versions, c.reseal)
		},
		func(ctx context.Context) error { return copyLong(ctx, c, kindFacts, &from.Facts, &to.Facts, nil) },
		func(ctx context.Context) error { return copyAll(ctx, c, kindCounters, &from.Counters, &to.Counters) },
		func(ctx context.Context) error { return copyAll(ctx, c, kindAlerts, &from.Alerts, &to.Alerts) },
		func(ctx context.Context) error { return copyAll(ctx, c, kindLosses, &from.Losses, &to.Losses) },
		func(ctx context.Context) error { return copyAll(ctx, c, kindRuns, &from.Runs, &to.Runs) },
		func(ctx context.Context) error { return copyAll(ctx, c, kindKeys, &from.Keys, &to.Keys) },
		func(ctx context.Context) error { return copyAll(ctx, c, kindSessions, &from.Sessions, &to.Sessions) },
		func(ctx context.Context) error { return copyAll(ctx, c, kindChanges, &from.Changes, &to.Changes) },
		func(ctx context.Context) error { return copyAll(ctx, c, kindRecords, &from.Records, &to.Records) },
		func(ctx context.Context) error {
			return copyAll(ctx, c, kindOperations, &from.Operations, &to.Operations)
		},
		func(ctx context.Context) error { return copyAll(ctx, c, kindPending, &from.Pending, &to.Pending) },
		func(ctx context.Context) error {
			return copyAll(ctx, c, kindSettings, c.From.settingsAs(c.resealSetting), &to.Settings)
		},
		c.asides, c.finish,
	} {
		if err := copied(ctx); err != nil {
			return err
		}
	}
	return c.at("filled")
}

// boxOf makes the box that seals for the target.
func boxOf(to, from *seal.Box) (*seal.Box, error) {
	keys := to.Keys()
	for _, k := range from.Keys() {
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return seal.NewBox(keys...)
}

// reseal seals the secrets of versions with the key of the target.
func (c *copier) reseal(piece []Version) {
	for i := range piece {
		if _, err := piece[i].Reseal(c.box); err != nil {
			c.report.Unread++
		}
	}
}

// resealSetting seals the secrets of a setting about alerts with the key of the target.
func (c *copier) resealSetting(row rows.Setting) rows.Setting {
	if _, err := row.Reseal(c.box); err != nil {
		c.report.Unread++
	}
	return row
}

// copyLong copies the rows of a long table behind those that the target has.
func copyLong[T, K any](ctx context.Context, c *copier, kind string, from, to *Long[T, K],
	change func(piece []T)) error {
	last, err := to.Last(ctx)
	if err != nil {
		return fmt.Errorf("read %s of %s: %w", kind, c.To.Name, err)
	}
	told := Progress{Kind: kind}
	if told.Total, err = from.Count(ctx); err == nil && last != nil {
		told.Done, err = to.Count(ctx)
	}
	if err != nil {
		return fmt.Errorf("count %s: %w", kind, err)
	}
	read := func(ctx context.Context, fn func([]T) error) error { return from.After(ctx, last, fn) }
	return ahead(ctx, read, func(piece []T) error {
		if change != nil {
			change(piece)
		}
		if err := to.Write(ctx, piece); err != nil {
			return fmt.Errorf("write %s to %s: %w", kind, c.To.Name, err)
		}
		told.Rows = int64(len(piece))
		told.Done += told.Rows
		c.Tell(told)
		return c.at(kind)
	})
}

// piecesAhead is how many pieces are read before they are written.
const piecesAhead = 2

// ahead calls fn with what read hands over, while read goes on.
func ahead[T any](ctx context.Context, read func(context.Context, func([]T) error) error,
	fn func([]T) error) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	pieces := make(chan []T, piecesAhead)
	var failed error // of read; set before pieces is closed
	go func() {
		defer close(pieces)
		failed = read(ctx, func(piece []T) error {
			select {
			case pieces <- piece:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	defer func() {
		cancel()
		for range pieces { // until the reader has ended
		}
		if err == nil {
			err = failed
		}
	}()
	for piece := range pieces {
		if err := fn(piece); err != nil {
			return err
		}
	}
	return nil
}

// copyAll copies a table from its beginning. Rows that are there are not written again.
func copyAll[T any](ctx context.Context, c *copier, kind string, from, to *Table[T]) error {
	told := Progress{Kind: kind}
	return ahead(ctx, from.Read, func(piece []T) error {
		if err := to.Write(ctx, piece); err != nil {
			return fmt.Errorf("write %s to %s: %w", kind, c.To.Name, err)
		}
		told.Rows = int64(len(piece))
		told.Done += told.Rows
		c.Tell(told)
		return c.at(kind)
	})
}

// rules copies by which rules of time zones fires were computed.
func (c *copier) rules(ctx context.Context) error {
	rules, err := c.From.Store.Shards().ZoneRules(ctx)
	if err == nil && len(rules) > 0 {
		err = c.To.Store.Shards().AddZoneRules(ctx, rules)
	}
	return err
}

// asides copies which versions could not be run.
func (c *copier) asides(ctx context.Context) error {
	found, err := c.From.Store.Ledger().Asides(ctx)
	for part := range slices.Chunk(found, pieceRows) {
		if err == nil {
			err = c.To.Store.Ledger().SetAside(ctx, part)
		}
	}
	return err
}

// finish writes W and H of the shards.
func (c *copier) finish(ctx context.Context) error {
	kept, err := c.From.Store.History().Kept(ctx)
	if err != nil {
		return err
	}
	shards, err := c.From.Store.Shards().Peek(ctx)
	if err != nil {
		return err
	}
	return c.To.Finish(ctx, Spread(shards, c.To.Store.Shards().Count()), kept)
}

// audit compares the two databases.
func (c *copier) audit(ctx context.Context) ([]Line, error) {
	lines, err := audit(ctx, c.From, c.To, func(kind string, rows int) {
		c.Tell(Progress{Audit: true, Kind: kind, Rows: int64(rows)})
	})
	if err != nil {
		return nil, err
	}
	var differ []string
	for _, l := range lines {
		if !l.Same {
			differ = append(differ, l.Kind)
		}
	}
	if len(differ) > 0 {
		return lines, &DifferenceError{differ}
	}
	return lines, c.at("audited")
}

// Undo takes a database back into use whose jobs were moved to another one.
func Undo(ctx context.Context, db *Database) (Mark, error) {
	m, err := db.Mark(ctx)
	switch {
	case err != nil:
		return m, err
	case m.State != Moved:
		return m, domain.Conflict("%s was not moved anywhere", db.Name)
	}
	return m, db.Free(ctx)
}
