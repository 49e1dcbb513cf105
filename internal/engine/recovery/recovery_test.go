package recovery

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/engine/zones"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
)

// database is a store in memory with jobs that fire each second, of which the first
// seconds are on record.
type database struct {
	store.Store
	now  int64 // a full second: the first fire is one second after it
	jobs []domain.JobID
}

func newDatabase(t *testing.T, shards, jobs int, recorded int64) *database {
	t.Helper()
	clk := &clock.Manual{}
	db, err := memory.NewShardedDisk(clk, shards).Open()
	if err != nil {
		t.Fatal(err)
	}
	d := &database{Store: db, now: clock.NowMs(clk) / 1000 * 1000}
	var batch store.Batch
	for range jobs {
		spec := domain.DefaultSpec()
		spec.Schedule, spec.API, spec.Type = "* * * * * *", "http://a.test/", domain.AtLeastOnce
		v := domain.Version{JobID: domain.NewJobID(d.now), Number: 1, EffectiveFrom: d.now + 1,
			EffectiveTo: domain.Forever, CreatedAt: d.now, Active: true, Spec: spec}
		if err := db.Jobs().Create(t.Context(), []domain.Version{v}); err != nil {
			t.Fatal(err)
		}
		d.jobs = append(d.jobs, v.JobID)
		for s := int64(1); s <= recorded; s++ {
			at := d.now + s*1000
			batch.Facts = append(batch.Facts, domain.Execution{
				FireKey: domain.FireKey{JobID: v.JobID, ScheduledAt: at}, Version: 1, Status: domain.StatusSuccess,
				StartedAt: at, CompletedAt: at + 1, HTTPStatus: 200,
			})
		}
	}
	if err := db.Ledger().Record(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	return d
}

// config is that of a recovery so many seconds after the first instant.
func (d *database) config(t *testing.T, db store.Store, seconds int64) Config {
	t.Helper()
	set := shard.NewSet(db.Shards(), &clock.Manual{}, 1)
	return Config{Store: db, Log: slog.New(slog.DiscardHandler), Shards: set, Zones: zones.NewRules(db.Shards()),
		Now: d.now + seconds*1000 + 500, Count: func(*domain.Execution) {}}
}

// However long W has been held: a recovery holds one piece of the record.
func TestRecoveryHoldsOnePiece(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, 1, 3, 29)
	most, facts := 0, 0
	spy := &ledgerSpy{Store: d.Store}
	c := d.config(t, spy, 30)
	c.Piece = 9 // of 87: three jobs, so pieces end at multiples of three
	rc := newRecovery(c, []store.Shard{{Watermark: d.now, Horizon: d.now + 29_000}})
	spy.each = func() { most, facts = max(most, len(rc.facts)), facts+1 }
	for _, step := range []func(context.Context) error{
		rc.readRuns, rc.readRanges, rc.readZones, rc.readTimeline, rc.readFacts,
	} {
		if err := step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if facts < 75 || most != 9 {
		t.Errorf("of %d facts %d were held at a time, want 9", facts, most)
	}
	if len(rc.resumed) > 0 || len(rc.result.Late) != 3 {
		t.Errorf("%d uncertain fires and %d late ranges; want none and one for each job", len(rc.resumed),
			len(rc.result.Late))
	}
}

// ledgerSpy counts each fact that was read and taken.
type ledgerSpy struct {
	store.Store
	each func()
}

func (s *ledgerSpy) Ledger() store.Ledger { return spiedLedger{s.Store.Ledger(), s} }

type spiedLedger struct {
	store.Ledger
	spy *ledgerSpy
}

func (l spiedLedger) Facts(ctx context.Context, of store.ShardSet, after, until int64,
	fn func(store.FactRange) error) error {
	return l.Ledger.Facts(ctx, of, after, until, func(f store.FactRange) error {
		defer l.spy.each()
		return fn(f)
	})
}

// Each shard is judged by its own W and H, and by its own facts: not by those of a
// shard that a neighbour with a wrong clock owns.
func TestShardsAreJudgedApart(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, 2, 40, 5)
	c := d.config(t, d.Store, 8)
	foreign := domain.Execution{FireKey: domain.FireKey{ScheduledAt: d.now + 600_000}, Version: 1,
		Status: domain.StatusSuccess, StartedAt: d.now, CompletedAt: d.now + 1, HTTPStatus: 200}
	for _, id := range d.jobs {
		if c.Shards.Number(id) == 1 {
			foreign.JobID = id
		}
	}
	if err := d.Ledger().Record(t.Context(), store.Batch{Facts: []domain.Execution{foreign}}); err != nil {
		t.Fatal(err)
	}
	rows, err := d.Shards().Peek(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	claimed, err := d.Shards().Claim(t.Context(), c.Shards.Node, store.ClaimsOf(rows))
	if err != nil {
		t.Fatal(err)
	}
	// Five seconds are on record. Shard 0 may have sent two more.
	result, until, err := Run(t.Context(), c,
		[]store.Shard{{Number: 0, Lease: claimed[0].Lease, Watermark: d.now + 2_000, Horizon: d.now + 7_000}})
	if err != nil {
		t.Fatal(err)
	}
	mine := 0
	for _, id := range d.jobs {
		if j := result.Jobs.Get(id); (j != nil) != (c.Shards.Number(id) == 0) {
			t.Errorf("a job of shard %d: recovered %v", c.Shards.Number(id), j != nil)
		} else if j != nil {
			mine++
			if j.Next != d.now+9_000 {
				t.Errorf("the job's next fire is %d ms after the start, want 9000", j.Next-d.now)
			}
		}
	}
	if until[0] != c.Now || len(until) != 1 {
		t.Errorf("the timetable takes over after %v, want %d: a fact of another shard is no reason to wait",
			until, c.Now)
	}
	if mine == 0 || len(result.Resend) != 2*mine || len(result.Late) != mine || result.Active != mine {
		t.Errorf("%d jobs: %d fires are sent again, %d ranges late, %d active", mine, len(result.Resend),
			len(result.Late), result.Active)
	}
	// Shard 1 was released in good order at its fifth second: nothing is uncertain.
	result, _, err = Run(t.Context(), c, []store.Shard{
		{Number: 1, Lease: claimed[1].Lease, Watermark: d.now + 5_000, Horizon: d.now + 7_000, Clean: true}})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Resend) != 0 || !result.Clean || result.GapMs < (595*time.Second).Milliseconds() {
		t.Errorf("after a clean release: %d sent again, clean %v, a gap of %d ms", len(result.Resend), result.Clean,
			result.GapMs)
	}
}

// setSpy notes of which shards something is read.
type setSpy struct {
	store.Store
	sets map[string]store.ShardSet
}

func (s setSpy) Ledger() store.Ledger { return setSpyLedger{s.Store.Ledger(), s.sets} }
func (s setSpy) Jobs() store.Jobs     { return setSpyJobs{s.Store.Jobs(), s.sets} }

type setSpyLedger struct {
	store.Ledger
	sets map[string]store.ShardSet
}

func (l setSpyLedger) Facts(ctx context.Context, of store.ShardSet, after, until int64,
	fn func(store.FactRange) error) error {
	l.sets["Facts"] = of
	return l.Ledger.Facts(ctx, of, after, until, fn)
}

func (l setSpyLedger) Ranges(ctx context.Context, of store.ShardSet, after int64,
	fn func(store.FactRange) error) error {
	l.sets["Ranges"] = of
	return l.Ledger.Ranges(ctx, of, after, fn)
}

func (l setSpyLedger) OpenRuns(ctx context.Context, of store.ShardSet, fn func(domain.OpenRun) error) error {
	l.sets["OpenRuns"] = of
	return l.Ledger.OpenRuns(ctx, of, fn)
}

type setSpyJobs struct {
	store.Jobs
	sets map[string]store.ShardSet
}

func (j setSpyJobs) Timeline(ctx context.Context, of store.ShardSet, since int64, parts store.Parts,
	fn func(domain.Version) error) error {
	j.sets["Timeline"] = of
	return j.Jobs.Timeline(ctx, of, since, parts, fn)
}

// What the jobs of other shards have is not read.
func TestRecoveryReadsItsShardsAlone(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, 4, 40, 5)
	for _, numbers := range [][]int{{2}, {3, 0}, {0, 1, 2, 3}} {
		spy := setSpy{d.Store, make(map[string]store.ShardSet)}
		rows, err := d.Shards().Peek(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c := d.config(t, spy, 8)
		claimed, err := d.Shards().Claim(t.Context(), c.Shards.Node, store.ClaimsOf(rows))
		if err != nil {
			t.Fatal(err)
		}
		var mine []store.Shard
		for _, n := range numbers {
			mine = append(mine, store.Shard{Number: n, Lease: claimed[n].Lease, Watermark: d.now,
				Horizon: d.now + 7_000})
		}
		if _, _, err := Run(t.Context(), c, mine); err != nil {
			t.Fatal(err)
		}
		for _, what := range []string{"Facts", "Ranges", "OpenRuns", "Timeline"} {
			of, read := spy.sets[what]
			for n := range 4 {
				if !read || of.Has(n) != slices.Contains(numbers, n) {
					t.Errorf("a recovery of %v: %s of %+v", numbers, what, of)
					break
				}
			}
		}
	}
}
