package bulk

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/engine"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/belfry-scheduler/belfry/internal/view"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	caller  = domain.Author{Key: "aaaaaa01", Name: "CI", Address: "192.0.2.1"}
	discard = slog.New(slog.DiscardHandler)
)

// authors holds the rights of everybody but those who have lost them.
type authors struct{ lost atomic.Pointer[string] }

func (a *authors) MayGoOn(o *domain.Operation) bool {
	gone := a.lost.Load()
	return gone == nil || *gone != o.By.Key
}

// calls counts the calls that the jobs make.
type calls struct{ n atomic.Int64 }

// Do implements engine.Executor.
func (c *calls) Do(_ *domain.Call, out *domain.Outcome) {
	c.n.Add(1)
	*out = domain.Outcome{Verdict: domain.VerdictSuccess, HTTPStatus: 200}
}

// world is a runner on a real engine over a store that can fail, on virtual time. It can be
// ended and begun again on the same disk.
type world struct {
	*Runner
	t       *testing.T
	disk    *memory.Disk
	real    store.Store
	store   *faulty.Store
	engine  *engine.Engine
	edit    *edit.Editor
	view    *view.View
	authors *authors
	calls   *calls

	elsewhere bool // the engine owns no shards; others may
}

func bubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	bubbleOf(t, &world{}, test)
}

func bubbleOf(t *testing.T, w *world, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w.t, w.disk, w.authors, w.calls = t, memory.NewDisk(clock.System{}), new(authors), new(calls)
		w.begin()
		defer func() { // also after t.Fatal
			w.store.Clear()
			w.stop()
		}()
		test(t, w)
	})
}

func (w *world) begin() {
	w.t.Helper()
	var err error
	if w.real, err = w.disk.Open(); err != nil {
		w.t.Fatal(err)
	}
	w.store = faulty.New(w.real, 1)
	metrics := telemetry.NewMetrics()
	w.engine, err = engine.New(engine.Config{Store: w.store, Executor: w.calls, Clock: clock.System{}, Metrics: metrics,
		Log: discard, Shared: w.elsewhere})
	if err != nil {
		w.t.Fatal(err)
	}
	ahead := time.Duration(0)
	if w.elsewhere {
		ahead = engine.Horizon
	}
	w.edit, err = edit.New(edit.Config{Owner: w.engine, Store: w.store, Clock: clock.System{}, Metrics: metrics,
		Log: discard, Ahead: ahead})
	if err != nil {
		w.t.Fatal(err)
	}
	if w.view, err = view.New(view.Config{Store: w.store, Live: w.engine}); err != nil {
		w.t.Fatal(err)
	}
	if err := w.engine.Start(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	w.Runner, err = New(Config{
		Store: w.store, Editor: w.edit, Executions: w.view, Authors: w.authors, Clock: clock.System{}, Log: discard,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	w.edit.Stop(ctx)
	if err := w.engine.Stop(ctx); err != nil {
		w.t.Error(err)
	}
	if err := w.real.Close(); err != nil {
		w.t.Error(err)
	}
	synctest.Wait()
}

// crash ends everything with what is on the disk, and begins again.
func (w *world) crash() {
	w.t.Helper()
	_ = w.real.Close() // nothing that comes after it is done
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	w.edit.Stop(ctx)
	_ = w.engine.Stop(ctx)
	cancel()
	synctest.Wait()
	w.begin()
}

// jobs makes n jobs, which never fire by themselves.
func (w *world) jobs(n int, change ...func(i int, d *domain.SpecDoc)) []domain.JobID {
	w.t.Helper()
	docs := make([]domain.SpecDoc, n)
	for i := range docs {
		docs[i] = domain.NewSpecDoc()
		docs[i].Schedule, docs[i].Type, docs[i].API = "0 0 0 1 1 * 2190", domain.AtLeastOnce, "http://a.test/"
		for _, fn := range change {
			fn(i, &docs[i])
		}
	}
	ids := make([]domain.JobID, 0, n)
	for _, made := range w.edit.Create(w.t.Context(), docs) {
		if made.Err != nil {
			w.t.Fatal(made.Err)
		}
		ids = append(ids, made.Version.JobID)
	}
	return ids
}

func inNamespace(name string) func(int, *domain.SpecDoc) {
	return func(_ int, d *domain.SpecDoc) { d.Namespace = name }
}

// ask begins an operation.
func (w *world) ask(o domain.Operation, ids ...domain.JobID) domain.Operation {
	w.t.Helper()
	if o.By.Key == "" {
		o.By, o.Role = caller, domain.RoleEditor
	}
	began, err := w.Begin(w.t.Context(), o, ids)
	if err != nil {
		w.t.Fatal(err)
	}
	return began
}

func (w *world) get(o domain.Operation) domain.Operation {
	w.t.Helper()
	is, err := w.real.Operations().Get(w.t.Context(), o.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return is
}

// finish does steps until there is nothing to do, in spite of faults.
func (w *world) finish() {
	w.t.Helper()
	for range 10_000 {
		worked, err := w.runOnce(w.t.Context())
		if err != nil {
			clock.Wait(w.t.Context(), time.Second)
		} else if !worked {
			return
		}
	}
	w.t.Fatal("the operations do not end")
}

// wait lets what was triggered be called.
func (w *world) wait() {
	clock.Wait(context.Background(), time.Second)
	synctest.Wait()
}

func (w *world) current(id domain.JobID) (domain.Version, bool) {
	w.t.Helper()
	j, err := w.real.Jobs().Get(w.t.Context(), id)
	if domain.ErrorCode(err) == domain.CodeNotFound && err != nil {
		return domain.Version{}, false
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return j.Current, true
}

// entries returns the entries of an operation by job, and its own.
func (w *world) entries(o domain.Operation) (of map[domain.JobID][]domain.Change, own []domain.Change) {
	w.t.Helper()
	found, err := w.real.Changes().List(w.t.Context(), store.ChangeQuery{To: domain.Forever, Limit: 100_000,
		Operation: o.ID})
	if err != nil {
		w.t.Fatal(err)
	}
	of = map[domain.JobID][]domain.Change{}
	for _, e := range found {
		if e.JobID.IsZero() {
			own = append(own, e)
		} else {
			of[e.JobID] = append(of[e.JobID], e)
		}
	}
	return of, own
}

// executions returns how many executions a job has.
func (w *world) executions(id domain.JobID) int {
	w.t.Helper()
	found, err := w.view.Executions(w.t.Context(), store.ExecutionQuery{JobID: id, Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(found.Executions)
}
