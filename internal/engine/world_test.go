package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

func TestMain(m *testing.M) {
	run.CheckTransitions = true
	goleak.VerifyTestMain(m)
}

var silent = slog.New(slog.DiscardHandler)

// world is an engine on virtual time: a real SQLite store behind a gate that
// can fail, and targets that answer as their URLs ask (see script_test.go).
//
//	engine ── gate ── SQLite        one life per boot: a crash cuts the gate
//	   └───── life ── targets       and the calls at the same instant
type world struct {
	t    *testing.T
	clk  *clock.Manual
	path string
	cfg  Config // what boot changes of the defaults

	piece int                           // facts that a recovery holds at a time; zero: the default
	part  int                           // jobs that a turn stages ahead; zero: the default
	disk  *memory.Disk                  // with many shards, instead of the files; see bubbleOfShards
	whole bool                          // an engine owns all shards of the disk from its start on
	wrap  func(store.Store) store.Store // what the next engine gets instead of the gate

	db      store.Store
	gate    *gate
	life    *life
	eng     *Engine
	edit    *edit.Editor
	targets *targets
	jobs    []domain.JobID
	manual  []domain.FireKey // triggers that were answered
	quiet   []silence
}

// silence is a promise that a job sends nothing: from the answer to a pause or
// delete until the next edit of it begins.
type silence struct {
	job         domain.JobID
	from, until time.Time
}

// bubble runs a test on virtual time with an engine that is up.
func bubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	bubbleWith(t, Config{}, test)
}

// manyShards is how many a shared database has.
const manyShards = 64

// bubbleWith runs a test on a file of SQLite, which has one shard, and again on a store of many.
func bubbleWith(t *testing.T, cfg Config, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("one shard", func(t *testing.T) {
		path := filepath.Join(fastDir(t), "jobs.db")
		bubbleIn(t, func(w *world) { w.cfg, w.path = cfg, path }, test)
	})
	t.Run("many shards", func(t *testing.T) {
		bubbleIn(t, func(w *world) {
			w.cfg, w.disk, w.whole = cfg, memory.NewShardedDisk(w.clk, manyShards), true
		}, test)
	})
}

// bubbleIn runs a test on virtual time, in a world that the function completes.
func bubbleIn(t *testing.T, complete func(w *world), test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		clk := &clock.Manual{}
		w := &world{t: t, clk: clk, targets: &targets{clk: clk}}
		complete(w)
		defer func() { // a test that gave up too
			if w.eng != nil {
				w.crash()
			}
		}()
		w.boot()
		test(t, w)
	})
}

// bubbleOfShards is bubbleWith on a store in memory with so many shards. The engine
// owns the first when it is up, and takes the others while it runs.
func bubbleOfShards(t *testing.T, shards int, cfg Config, test func(t *testing.T, w *world)) {
	t.Helper()
	bubbleIn(t, func(w *world) { w.cfg, w.disk = cfg, memory.NewShardedDisk(w.clk, shards) }, test)
}

// fastDir returns a directory in memory where there is one: the store syncs
// every commit, and these tests make thousands.
func fastDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "belfry-engine-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// boot opens the store and starts an engine on it.
func (w *world) boot() {
	w.t.Helper()
	if err := w.tryBoot(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) tryBoot() error {
	w.t.Helper()
	if err := w.assemble(); err != nil {
		return err
	}
	parts := w.disk != nil && !w.whole
	if parts {
		w.eng.owner.first = w.eng.shards.All()[:1]
	}
	err := w.eng.Start(context.Background())
	if err != nil {
		w.eng = nil
		return errors.Join(err, w.db.Close())
	}
	if parts {
		err = w.ownRest()
	}
	return err
}

// ownRest makes the engine take the other shards while it fires the jobs of the first:
// one of them, and a second and a half later all that are left.
func (w *world) ownRest() error {
	rest := w.eng.shards.All()[1:]
	err := w.eng.owner.own(context.Background(), rest[:1])
	w.pass(1500 * time.Millisecond)
	if err == nil {
		err = w.eng.owner.own(context.Background(), rest[1:])
	}
	return err
}

// assemble opens the store and makes an engine on it.
func (w *world) assemble() error {
	w.t.Helper()
	db, err := w.openStore()
	if err != nil {
		return err
	}
	w.db, w.life = db, w.targets.newLife()
	w.gate = &gate{Store: db, onCut: w.life.kill}
	cfg := w.cfg
	cfg.Store, cfg.Executor, cfg.Clock, cfg.Log, cfg.Metrics = w.gate, w.life, w.clk, silent, telemetry.NewMetrics()
	if w.wrap != nil {
		cfg.Store, w.wrap = w.wrap(w.gate), nil
	}
	if w.eng, err = New(cfg); err != nil {
		w.t.Fatal(err)
	}
	w.edit = editorOf(w.t, w.eng)
	if w.piece > 0 {
		w.eng.owner.piece = w.piece
	}
	if w.part > 0 {
		w.eng.registry.table.SetPart(w.part)
	}
	return nil
}

// editorOf returns the editor of an engine's jobs.
func editorOf(t testing.TB, e *Engine) *edit.Editor {
	t.Helper()
	ahead := time.Duration(0)
	if e.cfg.Shared {
		ahead = horizon
	}
	ed, err := edit.New(edit.Config{
		Owner: e, Store: e.store, Clock: e.clock, Metrics: e.cfg.Metrics, Log: e.log, Pace: e.cfg.Pace,
		Ahead: ahead,
	})
	if err != nil {
		t.Fatal(err)
	}
	return ed
}

func (w *world) openStore() (store.Store, error) {
	if w.disk != nil {
		return w.disk.Join(), nil
	}
	return sqlite.Open(context.Background(), sqlite.Config{Path: w.path, Clock: w.clk, Log: silent})
}

// crash ends the process as kill -9 does: at one instant nothing more reaches
// the store or a target. The goroutines are then collected.
func (w *world) crash() {
	w.t.Helper()
	w.gate.cut()
	e := w.eng
	e.stopping.Store(true)
	w.edit.Stop(context.Background())
	e.stopFeed()
	e.stopKeep()
	e.stopRecord()
	e.runner.dispatcher.Close()
	e.feeders.Wait()
	e.keepers.Wait()
	<-e.runner.recorder.Idle
	<-e.runner.dispatcher.Drained
	w.closeStore()
}

func (w *world) closeStore() {
	w.t.Helper()
	w.pass(time.Second) // questions about edits that were under way give up
	w.eng = nil
	if err := w.db.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// stop ends the engine in good order.
func (w *world) stop(grace time.Duration) error {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	w.edit.Stop(ctx)
	err := w.eng.Stop(ctx)
	w.life.kill()
	w.eng.runner.dispatcher.Close()
	<-w.eng.runner.dispatcher.Drained
	w.closeStore()
	return err
}

// reboot stops or crashes the engine, lets the time pass and boots again.
func (w *world) reboot(crash bool, gap time.Duration) {
	w.t.Helper()
	if crash {
		w.crash()
	} else if err := w.stop(time.Minute); err != nil {
		w.t.Fatalf("stop: %v", err)
	}
	w.pass(gap)
	w.boot()
}

// pass lets virtual time go by.
func (w *world) pass(d time.Duration) {
	clock.Wait(context.Background(), d)
	synctest.Wait()
}

// edge lets time pass to the given offset after the next full second.
func (w *world) edge(offset time.Duration) {
	now := w.clk.Now()
	w.pass(now.Truncate(time.Second).Add(time.Second + offset).Sub(now))
}

func (w *world) now() int64 { return clock.NowMs(w.clk) }

// spec returns a document: every second, at least once, at the target.
func spec(target string, change ...func(*domain.SpecDoc)) domain.SpecDoc {
	d := domain.NewSpecDoc()
	d.Schedule, d.Type, d.API = "* * * * * *", domain.AtLeastOnce, "http://a.test/"+target
	for _, fn := range change {
		fn(&d)
	}
	return d
}

func once(d *domain.SpecDoc)   { d.Type = domain.AtMostOnce }
func paused(d *domain.SpecDoc) { d.IsActive = false }

func every(n int) func(*domain.SpecDoc) {
	return func(d *domain.SpecDoc) { d.Schedule = fmt.Sprintf("*/%d * * * * *", n) }
}

func overlap(p domain.OverlapPolicy) func(*domain.SpecDoc) {
	return func(d *domain.SpecDoc) { d.Overlap = p }
}

func misfire(p domain.MisfirePolicy, maxRuns int, maxAge time.Duration) func(*domain.SpecDoc) {
	return func(d *domain.SpecDoc) {
		d.Misfire = domain.Misfire{Policy: p, MaxRuns: maxRuns, MaxAgeMs: maxAge.Milliseconds()}
	}
}

// create makes jobs and returns the id of the last one.
func (w *world) create(docs ...domain.SpecDoc) domain.JobID {
	w.t.Helper()
	for _, c := range w.edit.Create(context.Background(), docs) {
		if c.Err != nil {
			w.t.Fatal(c.Err)
		}
		w.jobs = append(w.jobs, c.Version.JobID)
	}
	return w.jobs[len(w.jobs)-1]
}

// update changes a job and keeps the promise of a pause.
func (w *world) update(id domain.JobID, change func(*domain.SpecDoc)) (domain.Version, error) {
	w.t.Helper()
	w.speak(id)
	v, err := w.edit.Update(context.Background(), id, 0, func(d *domain.SpecDoc) error {
		change(d)
		return nil
	})
	if err == nil && !v.Active {
		w.quiet = append(w.quiet, silence{job: id, from: time.Now()})
	}
	return v, err
}

func (w *world) delete(id domain.JobID) (int64, error) {
	w.t.Helper()
	w.speak(id)
	at, err := w.edit.Delete(context.Background(), id, 0)
	if err == nil {
		w.quiet = append(w.quiet, silence{job: id, from: time.Now()})
	}
	return at, err
}

// speak ends the silence of a job: an edit of it begins.
func (w *world) speak(id domain.JobID) {
	for i := range w.quiet {
		if s := &w.quiet[i]; s.job == id && s.until.IsZero() {
			s.until = time.Now()
		}
	}
}

// trigger runs a job now.
func (w *world) trigger(id domain.JobID) (domain.Execution, error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	x, err := w.eng.Trigger(ctx, id, 0, 0)
	if err == nil {
		w.manual = append(w.manual, x.FireKey)
	}
	return x, err
}

// facts returns the records of a job, oldest first.
func (w *world) facts(id domain.JobID) []domain.Execution {
	w.t.Helper()
	var all []domain.Execution
	page := store.Page{Limit: 1000}
	for {
		xs, err := w.db.History().ByJob(context.Background(), id, page)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, xs...)
		if len(xs) < page.Limit {
			slices.Reverse(all)
			return all
		}
		page.Before = xs[len(xs)-1].FireKey
	}
}

// statuses returns the fires of a job by the status of their record.
func (w *world) statuses(id domain.JobID) map[domain.Status]int64 {
	w.t.Helper()
	out := make(map[domain.Status]int64)
	facts := w.facts(id)
	for i := range facts {
		out[facts[i].Status] += facts[i].Fires()
	}
	return out
}

// openRuns returns the open runs on record.
func (w *world) openRuns() (runs []domain.OpenRun) {
	w.t.Helper()
	err := w.db.Ledger().OpenRuns(context.Background(), store.ShardSet{}, func(r domain.OpenRun) error {
		runs = append(runs, r)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return runs
}
