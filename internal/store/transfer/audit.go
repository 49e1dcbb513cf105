package transfer

import (
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// Line says how many rows of a kind the two databases have, and whether they are the same.
type Line struct {
	Kind     string
	From, To int64
	Same     bool
}

// The kinds of rows, as people read them.
const (
	kindVersions   = "versions"
	kindJobs       = "jobs"
	kindFacts      = "executions" // of each day
	kindCounters   = "fires counted"
	kindAlerts     = "alerts"
	kindLosses     = "lost fires"
	kindRuns       = "open runs"
	kindKeys       = "API keys"
	kindSessions   = "ended sessions"
	kindChanges    = "trail"
	kindRecords    = "Idempotency-Keys"
	kindOperations = "operations"
	kindPending    = "jobs of operations"
	kindSettings   = "settings of alerts"
	kindAsides     = "versions that cannot run"
	kindRules      = "rules of time zones"
	kindKept       = "history"
	kindShards     = "shards"
)

// kinds are all of them, in the order of the report. Those of days come behind kindFacts.
var kinds = []string{
	kindJobs, kindVersions, kindAsides, kindFacts, kindCounters, kindAlerts, kindLosses, kindRuns, kindKeys,
	kindSessions, kindChanges, kindRecords, kindOperations, kindPending, kindSettings, kindRules, kindKept, kindShards,
}

const dayMs = 24 * 60 * 60_000

// contents are the sums of all rows of a database, by kind and day.
type contents map[line]sum

type line struct {
	kind string
	day  int64 // of executions, since 1970-01-01
}

// reader reads a database for an audit.
type reader struct {
	hasher
	db    *Database
	found contents
	told  func(kind string, rows int)
}

// each adds the rows of a table.
func each[T any](ctx context.Context, r *reader, kind string, t *Table[T]) error {
	var s sum
	err := t.Read(ctx, func(piece []T) error {
		for i := range piece {
			if err := r.document(piece[i]); err != nil {
				return err
			}
			r.end(&s)
		}
		r.told(kind, len(piece))
		return nil
	})
	r.found[line{kind: kind}] = s
	return err
}

// read makes the sums of everything that the database has.
func (r *reader) read(ctx context.Context) error {
	for _, read := range []func(context.Context) error{
		r.versions, r.facts, r.counters, r.alerts, r.others, r.state,
		func(ctx context.Context) error { return each(ctx, r, kindLosses, &r.db.Losses) },
		func(ctx context.Context) error { return each(ctx, r, kindRuns, &r.db.Runs) },
		func(ctx context.Context) error { return each(ctx, r, kindKeys, &r.db.Keys) },
		func(ctx context.Context) error { return each(ctx, r, kindSessions, &r.db.Sessions) },
		func(ctx context.Context) error { return each(ctx, r, kindChanges, &r.db.Changes) },
		func(ctx context.Context) error { return each(ctx, r, kindRecords, &r.db.Records) },
		func(ctx context.Context) error { return each(ctx, r, kindOperations, &r.db.Operations) },
		func(ctx context.Context) error { return each(ctx, r, kindPending, &r.db.Pending) },
		func(ctx context.Context) error {
			return each(ctx, r, kindSettings, r.db.settingsAs(func(row rows.Setting) rows.Setting {
				return row.Plain(r.db.Box)
			}))
		},
	} {
		if err := read(ctx); err != nil {
			return fmt.Errorf("audit %s: %w", r.db.Name, err)
		}
	}
	return nil
}

func (r *reader) versions(ctx context.Context) error {
	var all, jobs sum
	err := r.db.Versions.After(ctx, nil, func(piece []Version) error {
		for i := range piece {
			v := &piece[i]
			r.version(v, r.db.Box)
			r.end(&all)
			if v.To == domain.Forever {
				r.buf = append(r.buf, v.JobID[:]...)
				r.end(&jobs)
			}
		}
		r.told(kindVersions, len(piece))
		return nil
	})
	r.found[line{kind: kindVersions}], r.found[line{kind: kindJobs}] = all, jobs
	return err
}

func (r *reader) facts(ctx context.Context) error {
	days := make(map[int64]sum)
	err := r.db.Facts.After(ctx, nil, func(piece []domain.Execution) error {
		for i := range piece {
			e := &piece[i]
			if err := r.fact(e); err != nil {
				return err
			}
			day := floorDiv(e.ScheduledAt, dayMs)
			s := days[day]
			r.end(&s)
			days[day] = s
		}
		r.told(kindFacts, len(piece))
		return nil
	})
	for day, s := range days {
		r.found[line{kindFacts, day}] = s
	}
	return err
}

// counters adds counters up by the day of completion: a database may keep no more of history that
// was dropped. Its rows are the fires.
func (r *reader) counters(ctx context.Context) error {
	days := make(map[DayStatus]Sums)
	if err := AddCounters(ctx, &r.db.Counters, days); err != nil {
		return err
	}
	var s sum
	for of, n := range days {
		if n == (Sums{}) {
			continue
		}
		for _, v := range []int64{of.Day, int64(of.Status), n.Fires, n.DurationMs, n.Timed} {
			r.number(v)
		}
		r.end(&s)
	}
	s.rows = 0
	for _, n := range days {
		s.rows += n.Fires
	}
	r.found[line{kind: kindCounters}] = s
	return nil
}

// DayStatus is what counters are added up by.
type DayStatus struct {
	Day    int64 // since 1970-01-01
	Status int
}

const minutesOfDay = 24 * 60

// AddCounters adds the counters of a table up.
func AddCounters(ctx context.Context, t *Table[Counter], days map[DayStatus]Sums) error {
	return t.Read(ctx, func(piece []Counter) error {
		for i := range piece {
			piece[i].AddTo(days)
		}
		return nil
	})
}

// AddTo adds the counter to those of its day.
func (c *Counter) AddTo(days map[DayStatus]Sums) {
	of := DayStatus{floorDiv(c.Minute, minutesOfDay), c.Status}
	n := days[of]
	n.Fires += c.Fires
	n.DurationMs += c.DurationMs
	n.Timed += c.Timed
	days[of] = n
}

// alerts adds the alerts without their days, which say only where a row is.
func (r *reader) alerts(ctx context.Context) error {
	whole := r.db.Alerts
	return each(ctx, r, kindAlerts, &Table[Alert]{Read: func(ctx context.Context, fn func([]Alert) error) error {
		return whole.Read(ctx, func(piece []Alert) error {
			piece = slices.Clone(piece)
			for i := range piece {
				piece[i].Day = 0
			}
			return fn(piece)
		})
	}})
}

// others adds what the store's own methods read.
func (r *reader) others(ctx context.Context) error {
	found, err := r.db.Store.Ledger().Asides(ctx)
	if err == nil {
		err = each(ctx, r, kindAsides, listed(found))
	}
	if err != nil {
		return err
	}
	rules, err := r.db.Store.Shards().ZoneRules(ctx)
	if err != nil {
		return err
	}
	return each(ctx, r, kindRules, listed(rules))
}

func listed[T any](rows []T) *Table[T] {
	return &Table[T]{Read: func(_ context.Context, fn func([]T) error) error { return fn(rows) }}
}

// state adds how far the history goes back. Shards are compared in [compare].
func (r *reader) state(ctx context.Context) error {
	kept, err := r.db.Store.History().Kept(ctx)
	r.number(kept)
	var s sum
	r.end(&s)
	r.found[line{kind: kindKept}] = s
	return err
}

// audit reads both databases at a time and compares them. told is called with the rows that were
// read, by two goroutines.
func audit(ctx context.Context, from, to *Database, told func(kind string, rows int)) ([]Line, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	seed := maphash.MakeSeed()
	source := &reader{hasher{seed: seed}, from, make(contents), told}
	target := &reader{hasher{seed: seed}, to, make(contents), told}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := target.read(ctx); err != nil {
			cancel(err)
		}
	}()
	if err := source.read(ctx); err != nil {
		cancel(err)
	}
	<-ended
	if err := context.Cause(ctx); err != nil { // the first one
		return nil, err
	}
	shards, err := shardsLine(ctx, from, to)
	if err != nil {
		return nil, err
	}
	return append(compare(source.found, target.found), shards), nil
}

// compare makes the report of two contents.
func compare(from, to contents) (lines []Line) {
	all := maps.Clone(from)
	maps.Copy(all, to)
	sorted := slices.SortedFunc(maps.Keys(all), func(a, b line) int {
		if a.kind != b.kind {
			return slices.Index(kinds, a.kind) - slices.Index(kinds, b.kind)
		}
		return int(a.day - b.day)
	})
	for _, l := range sorted {
		f, t := from[l], to[l]
		name := l.kind
		if name == kindFacts {
			name += " of " + time.UnixMilli(l.day*dayMs).UTC().Format(time.DateOnly)
		}
		lines = append(lines, Line{name, f.rows, t.rows, f == t})
	}
	return lines
}

// shardsLine compares W and H with what they are to be.
func shardsLine(ctx context.Context, from, to *Database) (Line, error) {
	source, err := from.Store.Shards().Peek(ctx)
	if err != nil {
		return Line{}, err
	}
	target, err := to.Store.Shards().Peek(ctx)
	l := Line{Kind: kindShards, From: int64(len(source)), To: int64(len(target)), Same: true}
	for i, want := range Spread(source, len(target)) {
		is := target[i]
		l.Same = l.Same && want == store.Shard{
			Number: is.Number, Lease: store.Lease{Epoch: is.Epoch}, Horizon: is.Horizon, Watermark: is.Watermark,
			Clean: is.Clean,
		}
	}
	return l, err
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
