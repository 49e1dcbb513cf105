package engine

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/engine/recovery"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// TestUnknownFires: one record covers the time of a version that could not
// be run, and none where it had no time or no fires.
func TestUnknownFires(t *testing.T) {
	a := store.Aside{Since: 1_000}
	for name, c := range map[string]struct {
		v    domain.Version
		from int64 // zero: no record
	}{
		"it ended":                   {domain.Version{EffectiveFrom: 500, EffectiveTo: 9_000, Active: true}, 1_001},
		"it began later":             {domain.Version{EffectiveFrom: 5_000, EffectiveTo: 9_000, Active: true}, 5_000},
		"it was paused":              {domain.Version{EffectiveFrom: 500, EffectiveTo: 9_000}, 0},
		"it ended before that":       {domain.Version{EffectiveFrom: 500, EffectiveTo: 1_000, Active: true}, 0},
		"it had a millisecond of it": {domain.Version{EffectiveFrom: 500, EffectiveTo: 1_002, Active: true}, 0},
	} {
		x, some := recovery.UnknownFires(a, &c.v, 10_000, context.Canceled)
		if some != (c.from != 0) || some && (x.Missed.From != c.from || x.ScheduledAt != c.v.EffectiveTo-1 ||
			x.Status != domain.StatusMissed) {
			t.Errorf("%s: %+v, %t", name, x, some)
		}
	}
}

// asideWorld is an engine over a store that is opened again and again. What
// cannot be run is made by a zone that the store takes and the engine does not
// know.
type asideWorld struct {
	t    *testing.T
	clk  *clock.Manual
	open func() store.Store
	life *life
	db   store.Store
	eng  *Engine
	edit *edit.Editor
}

func eachStore(t *testing.T, test func(w *asideWorld)) {
	t.Run("sqlite", func(t *testing.T) {
		path := fastDir(t) + "/jobs.db"
		synctest.Test(t, func(t *testing.T) {
			w := &asideWorld{t: t, clk: &clock.Manual{}}
			w.open = func() store.Store {
				db, err := sqlite.Open(context.Background(), sqlite.Config{Path: path, Clock: w.clk, Log: silent})
				if err != nil {
					t.Fatal(err)
				}
				return db
			}
			test(w)
		})
	})
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := &asideWorld{t: t, clk: &clock.Manual{}}
			disk := memory.NewDisk(w.clk)
			w.open = func() store.Store {
				db, err := disk.Open()
				if err != nil {
					t.Fatal(err)
				}
				return db
			}
			test(w)
		})
	})
}

func (w *asideWorld) boot() {
	w.t.Helper()
	if w.db == nil {
		w.db = w.open()
	}
	w.life = (&targets{clk: w.clk}).newLife()
	var err error
	w.eng, err = New(Config{Store: w.db, Executor: w.life, Clock: w.clk, Log: silent, Metrics: telemetry.NewMetrics()})
	if err == nil {
		err = w.eng.Start(context.Background())
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.edit = editorOf(w.t, w.eng)
}

func (w *asideWorld) stop() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	w.edit.Stop(ctx)
	if err := w.eng.Stop(ctx); err != nil {
		w.t.Fatal(err)
	}
	w.life.kill()
	w.pass(time.Second)
	if err := w.db.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.db = nil
}

// down opens the store while no engine runs on it.
func (w *asideWorld) down(fn func(db store.Store)) {
	w.t.Helper()
	w.db = w.open()
	fn(w.db)
	if err := w.db.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.db = nil
}

func (w *asideWorld) pass(d time.Duration) {
	clock.Wait(context.Background(), d)
	synctest.Wait()
}

func (w *asideWorld) now() int64 { return clock.NowMs(w.clk) }

// broken stores a job that cannot be run.
func (w *asideWorld) broken() domain.Version {
	w.t.Helper()
	d := spec("ok")
	d.Timezone = "Europe/Atlantis"
	v := domain.Version{JobID: domain.NewJobIDs(w.now(), 1)[0], Number: 1, EffectiveFrom: w.now(),
		EffectiveTo: domain.Forever,
		CreatedAt:   w.now(), Active: true, Spec: d.Spec}
	w.ok(w.db.Jobs().Create(context.Background(), []domain.Version{v}))
	return v
}

func (w *asideWorld) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *asideWorld) facts(id domain.JobID) []domain.Execution {
	w.t.Helper()
	xs, err := w.db.History().ByJob(context.Background(), id, store.Page{Limit: 1000})
	w.ok(err)
	return xs
}

func (w *asideWorld) asides() []store.Aside {
	w.t.Helper()
	found, err := w.db.Ledger().Asides(context.Background())
	w.ok(err)
	return found
}

// TestSetAside: a job that cannot be run fires nothing, holds no W and takes no
// trigger; the row survives restarts with its first instant. An edit that mends
// it makes it fire from then on, and the time before is on record, once.
func TestSetAside(t *testing.T) {
	eachStore(t, func(w *asideWorld) {
		var v domain.Version
		w.down(func(store.Store) { v = w.broken() })
		w.boot()
		since := w.asides()[0].Since
		w.pass(10 * time.Second)
		w.stop()
		w.boot()
		w.pass(10 * time.Second)
		if a := w.asides(); len(a) != 1 || a[0].Since != since || a[0].JobID != v.JobID || a[0].Version != 1 {
			t.Fatalf("set aside: %+v, since %d at first", a, since)
		}
		if lag := w.now() - w.eng.shards.Watermark(); lag > 3_000 {
			t.Errorf("W is %d ms behind", lag)
		}
		if total, active := w.eng.Jobs(); total != 1 || active != 0 {
			t.Errorf("%d jobs, %d active", total, active)
		}
		if c := w.eng.registry.checkJobs(); !c.OK || !strings.Contains(c.Warning,
			"1 job cannot be run: "+v.JobID.String()+": timezone") {
			t.Errorf("check %+v", c)
		}
		if _, err := w.eng.Trigger(context.Background(), v.JobID, 0, 0); domain.ErrorCode(err) != domain.CodeConflict {
			t.Errorf("trigger: %v", err)
		}
		if _, err := w.edit.Update(context.Background(), v.JobID, 0,
			func(d *domain.SpecDoc) error { d.Name = "still"; return nil }); domain.ErrorCode(
			err) != domain.CodeInvalid {
			t.Errorf("a change that does not mend: %v", err)
		}
		if _, err := w.edit.Update(context.Background(), v.JobID, 0,
			func(*domain.SpecDoc) error { return nil }); domain.ErrorCode(err) != domain.CodeInvalid {
			t.Errorf("a change of nothing passes for a mend: %v", err)
		}
		if n := len(w.facts(v.JobID)); n != 0 {
			t.Fatalf("%d records", n)
		}
		next, err := w.edit.Update(context.Background(), v.JobID, 0,
			func(d *domain.SpecDoc) error { d.Timezone = "UTC"; return nil })
		w.ok(err)
		w.pass(3 * time.Second)
		facts := w.facts(v.JobID)
		last := facts[len(facts)-1]
		if last.Status != domain.StatusMissed || last.Missed == nil ||
			last.Missed.From != max(since+1, v.EffectiveFrom) || last.ScheduledAt != next.EffectiveFrom-1 {
			t.Errorf("the time aside: %+v", last)
		}
		if len(facts) < 3 || facts[0].Status != domain.StatusSuccess {
			t.Errorf("%d records, the latest %+v", len(facts), facts[0])
		}
		if a, c := w.asides(), w.eng.registry.checkJobs(); len(a) != 0 || c.Warning != "" {
			t.Errorf("still set aside: %v, %+v", a, c)
		}
		w.stop()
	})
}

// TestSetAsideIsDeleted: deleting a job that is set aside ends its open runs,
// however far they were, and records its time.
func TestSetAsideIsDeleted(t *testing.T) {
	eachStore(t, func(w *asideWorld) {
		var v domain.Version
		at := w.now()
		key := func(n int64) domain.FireKey { return domain.FireKey{JobID: v.JobID, ScheduledAt: at + n} }
		w.down(func(db store.Store) {
			v = w.broken()
			w.ok(db.Ledger().Record(context.Background(), store.Batch{Open: []domain.OpenRun{
				{FireKey: key(0), Version: 1, NextAt: at, InFlight: true, CreatedAt: at},
				{FireKey: key(1000), Version: 1, NextAt: at, CreatedAt: at,
					Attempts: []domain.Attempt{{Number: 1, StartedAt: at, Error: "refused"}}},
				{FireKey: domain.FireKey{JobID: v.JobID, ScheduledAt: at, Nonce: 7}, Version: 1, NextAt: at,
					CreatedAt: at},
			}}))
		})
		w.boot()
		w.pass(5 * time.Second)
		if n := len(w.facts(v.JobID)); n != 0 {
			t.Fatalf("%d records while it may still be mended", n)
		}
		_, err := w.edit.Delete(context.Background(), v.JobID, 0)
		w.ok(err)
		w.pass(2 * time.Second)
		for id, want := range map[domain.ExecutionID]domain.Status{
			key(0).ID(): domain.StatusUnknown, key(1000).ID(): domain.StatusFailed,
			domain.FireKey{JobID: v.JobID, ScheduledAt: at, Nonce: 7}.ID(): domain.StatusMissed,
		} {
			if x, err := w.db.History().Execution(context.Background(), id); err != nil || x.Status != want {
				t.Errorf("%+v, error %v, want %s", x, err, want)
			}
		}
		if a := w.asides(); len(a) != 0 {
			t.Errorf("still set aside: %v", a)
		}
		w.stop()
	})
}

// TestMendedByAnotherProgram: a later start that can run the version records its
// fires. Those that may have been sent are sent again, the others are MISSED, as
// one record however often a crash makes it be repeated; after that it fires.
func TestMendedByAnotherProgram(t *testing.T) {
	eachStore(t, func(w *asideWorld) {
		w.boot()
		created := w.edit.Create(context.Background(), []domain.SpecDoc{spec("ok")})
		w.ok(created[0].Err)
		id := created[0].Version.JobID
		w.pass(5 * time.Second)
		w.stop()
		// What an older program that cannot read it leaves behind: it was set aside
		// after a crash, when fires of two seconds may have been sent. One of them is
		// on record.
		since := w.now() / 1000 * 1000
		aside := store.Aside{JobID: id, Version: 1, Since: since, Certain: since + 2_500}
		recorded := domain.Execution{FireKey: domain.FireKey{JobID: id, ScheduledAt: since + 1_000}, Version: 1,
			Status: domain.StatusSuccess, StartedAt: since + 1_001, CompletedAt: since + 1_002, HTTPStatus: 200}
		w.down(func(db store.Store) {
			w.ok(db.Ledger().SetAside(context.Background(), []store.Aside{aside}))
			w.ok(db.Ledger().Record(context.Background(), store.Batch{Facts: []domain.Execution{recorded}}))
			w.pass(20 * time.Second)
			w.ok(db.Shards().ResetWatermark(context.Background(), w.now()))
		})
		until := w.now()
		w.boot()
		w.pass(3 * time.Second)
		counts := func() (sent, missed int64, fired int) {
			for _, x := range w.facts(id) {
				switch {
				case x.ScheduledAt == since+2_000 && x.Status == domain.StatusSuccess && x.RetryCount == 1:
					sent++
				case x.Status == domain.StatusMissed:
					missed += x.Fires()
				case x.ScheduledAt > until:
					fired++
				}
			}
			return sent, missed, fired
		}
		want := until/1000 - (since/1000 + 2)
		if sent, missed, fired := counts(); sent != 1 || missed != want || fired < 2 {
			t.Errorf("%d sent again, %d missed, %d fired; want 1, %d, 2", sent, missed, fired, want)
		}
		if a := w.asides(); len(a) != 0 {
			t.Errorf("still set aside: %v", a)
		}
		w.stop()
		// A crash before the row is deleted: the next start decides again, with the same result.
		w.down(func(db store.Store) { w.ok(db.Ledger().SetAside(context.Background(), []store.Aside{aside})) })
		w.boot()
		w.pass(2 * time.Second)
		if sent, missed, _ := counts(); sent != 1 || missed != want {
			t.Errorf("after a repeat: %d sent again, %d missed; want 1, %d", sent, missed, want)
		}
		w.stop()
	})
}

// TestBrokenVersionThatHasEnded: where a later version can be run the job runs,
// and what the one before left is on record at once.
func TestBrokenVersionThatHasEnded(t *testing.T) {
	eachStore(t, func(w *asideWorld) {
		w.boot()
		w.pass(2 * time.Second)
		w.stop()
		var v domain.Version
		var key domain.FireKey
		w.down(func(db store.Store) {
			v = w.broken()
			key = domain.FireKey{JobID: v.JobID, ScheduledAt: w.now() + 1}
			w.ok(db.Ledger().Record(context.Background(),
				store.Batch{Open: []domain.OpenRun{{FireKey: key, Version: 1, NextAt: w.now(), InFlight: true}}}))
			w.pass(5 * time.Second)
			next := v
			next.Number, next.EffectiveFrom, next.Spec.Timezone = 2, w.now(), "UTC"
			w.ok(db.Jobs().Update(context.Background(), next))
		})
		w.boot()
		if c := w.eng.registry.checkJobs(); c.Warning != "" {
			t.Errorf("check %+v", c)
		}
		w.pass(3 * time.Second)
		facts := w.facts(v.JobID)
		unknown, err := w.db.History().Execution(context.Background(), key.ID())
		if err != nil || unknown.Status != domain.StatusUnknown {
			t.Errorf("the open run: %+v, error %v", unknown, err)
		}
		var summary *domain.Execution
		for i := range facts {
			if facts[i].Status == domain.StatusMissed {
				summary = &facts[i]
			}
		}
		if summary == nil || summary.Version != 1 || summary.Missed.From != v.EffectiveFrom {
			t.Errorf("the time of the broken version: %+v", summary)
		}
		if facts[0].Status != domain.StatusSuccess || facts[0].Version != 2 {
			t.Errorf("the latest: %+v", facts[0])
		}
		w.stop()
	})
}

// TestMendedWithoutItsJob: what was set aside is decided also when its job was
// deleted meanwhile, or nothing is kept of it.
func TestMendedWithoutItsJob(t *testing.T) {
	eachStore(t, func(w *asideWorld) {
		w.boot()
		created := w.edit.Create(context.Background(), []domain.SpecDoc{spec("ok")})
		w.ok(created[0].Err)
		id := created[0].Version.JobID
		w.pass(2 * time.Second)
		since := w.now()
		w.stop()
		w.down(func(db store.Store) {
			w.ok(db.Ledger().SetAside(context.Background(), []store.Aside{
				{JobID: id, Version: 1, Since: since, Certain: since},
				{JobID: domain.NewJobIDs(since, 1)[0], Version: 1, Since: since, Certain: since},
			}))
			w.pass(10 * time.Second)
			w.ok(db.Jobs().Delete(context.Background(), id, 1, w.now()))
			w.pass(10 * time.Second)
			w.ok(db.Shards().ResetWatermark(context.Background(), w.now()))
		})
		w.boot()
		w.pass(time.Second)
		if a := w.asides(); len(a) != 0 {
			t.Errorf("still set aside: %v", a)
		}
		var missed int64
		for _, x := range w.facts(id) {
			if x.Status == domain.StatusMissed {
				missed += x.Fires()
			}
		}
		if missed < 9 || missed > 11 {
			t.Errorf("%d missed, want those of the ten seconds before it was deleted", missed)
		}
		w.stop()
	})
}
