package transfer_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/transfer"
)

// first has the first row changed that is written to a table.
func first[T any](write *func(context.Context, []T) error, change func(*T)) {
	real, done := *write, false
	*write = func(ctx context.Context, piece []T) error {
		piece = slices.Clone(piece)
		if !done && len(piece) > 0 {
			change(&piece[0])
			done = true
		}
		return real(ctx, piece)
	}
}

// without has the last row of the first piece left out.
func without[T any](write *func(context.Context, []T) error) {
	real, done := *write, false
	*write = func(ctx context.Context, piece []T) error {
		if !done && len(piece) > 0 {
			piece, done = piece[:len(piece)-1], true
		}
		return real(ctx, piece)
	}
}

// brokenControl finishes with other shards, or another history, than it was told.
type brokenControl struct {
	transfer.Control
	change func(sh *store.Shard, kept *int64)
}

func (b brokenControl) Finish(ctx context.Context, shards []store.Shard, kept int64) error {
	b.change(&shards[0], &kept)
	return b.Control.Finish(ctx, shards, kept)
}

// TestAuditFindsPlantedFaults has a fault in what is written, for each kind of rows.
func TestAuditFindsPlantedFaults(t *testing.T) {
	t.Parallel()
	from := files(t)
	from.filled(t, 7, 12, false)
	findsFaults(t, &from, files)
}

func findsFaults(t *testing.T, from *place, target func(t testing.TB) place) {
	t.Helper()
	finish := func(change func(sh *store.Shard, kept *int64)) func(*transfer.Database) {
		return func(db *transfer.Database) { db.Control = brokenControl{db.Control, change} }
	}
	for kind, plant := range map[string][]func(db *transfer.Database){
		"versions": {
			func(db *transfer.Database) { without(&db.Versions.Write) },
			func(db *transfer.Database) {
				first(&db.Versions.Write, func(v *transfer.Version) { v.Body = `{"x":1}` })
			},
			func(db *transfer.Database) { first(&db.Versions.Write, func(v *transfer.Version) { v.ImportNonce++ }) },
			func(db *transfer.Database) {
				first(&db.Versions.Write, func(v *transfer.Version) { v.Headers = `{"x":"y"}` })
			},
		},
		"executions of 2026-03-08": {
			func(db *transfer.Database) { without(&db.Facts.Write) },
			func(db *transfer.Database) { first(&db.Facts.Write, func(e *domain.Execution) { e.HTTPStatus++ }) },
			func(db *transfer.Database) { first(&db.Facts.Write, func(e *domain.Execution) { e.Error += "." }) },
			func(db *transfer.Database) {
				first(&db.Facts.Write, func(e *domain.Execution) { e.Attempts = []domain.Attempt{{Number: 1}} })
			},
		},
		"alerts": {
			func(db *transfer.Database) { without(&db.Alerts.Write) },
			func(db *transfer.Database) { first(&db.Alerts.Write, func(a *transfer.Alert) { a.Count++ }) },
		},
		"fires counted": {func(db *transfer.Database) {
			first(&db.Counters.Write, func(c *transfer.Counter) { c.Timed++ })
		}},
		"lost fires":       {func(db *transfer.Database) { without(&db.Losses.Write) }},
		"open runs":        {func(db *transfer.Database) { without(&db.Runs.Write) }},
		"API keys":         {func(db *transfer.Database) { without(&db.Keys.Write) }},
		"ended sessions":   {func(db *transfer.Database) { without(&db.Sessions.Write) }},
		"trail":            {func(db *transfer.Database) { without(&db.Changes.Write) }},
		"Idempotency-Keys": {func(db *transfer.Database) { without(&db.Records.Write) }},
		"operations":       {func(db *transfer.Database) { without(&db.Operations.Write) }},
		"jobs of operations": {
			func(db *transfer.Database) { without(&db.Pending.Write) },
		},
		"shards": {
			finish(func(sh *store.Shard, _ *int64) { sh.Watermark++ }),
			finish(func(sh *store.Shard, _ *int64) { sh.Horizon-- }),
			finish(func(sh *store.Shard, _ *int64) { sh.Clean = true }),
		},
		"history": {finish(func(_ *store.Shard, kept *int64) { *kept++ })},
	} {
		for _, fault := range plant {
			t.Run(kind, func(t *testing.T) {
				to := target(t)
				source, target := from.copy(t, false), to.copy(t, true)
				defer closed(t, source)
				defer closed(t, target)
				fault(target)
				report, err := transfer.Run(t.Context(), transfer.Config{
					From: source, To: target, Clock: clock.System{},
				})
				differs, ok := errors.AsType[*transfer.DifferenceError](err)
				if !ok || !slices.Contains(differs.Kinds, kind) {
					t.Fatalf("%v: %+v", err, report.Lines)
				}
				if m, err := source.Mark(t.Context()); err != nil || m.State != transfer.Ready {
					t.Errorf("the source is marked: %+v, %v", m, err)
				}
				if m, err := target.Mark(t.Context()); err != nil || m.State != transfer.Filling {
					t.Errorf("the target is not marked: %+v, %v", m, err)
				}
			})
		}
	}
}
