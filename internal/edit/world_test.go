package edit

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// owner notes what it is asked and told. Every change is valid a second from now.
type owner struct {
	mu      sync.Mutex
	begun   int
	ended   []bool
	refuses error                       // what it answers to a change
	never   bool                        // jobs never fire any more: it refuses those that are active
	away    func(*domain.Version) bool  // new jobs whose owner it is not; nil: none
	rest    func(context.Context) error // what is left after a change that is stored
	execs   []domain.Execution
	pending error // of a trigger whose record is not waited for
}

func (o *owner) from() int64 { return clock.NowMs(clock.System{}) + 1000 }

func (o *owner) end(stored bool) func(context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = append(o.ended, stored)
	if !stored {
		return nil
	}
	return o.rest
}

func (o *owner) begin() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refuses == nil {
		o.begun++
	}
	return o.refuses
}

// BeginCreate implements Owner.
func (o *owner) BeginCreate(_ context.Context, versions []domain.Version) ([]error, []store.Fence, End) {
	err := o.begin()
	faults := make([]error, len(versions))
	for i := range versions {
		versions[i].EffectiveFrom = o.from()
		if faults[i] = versions[i].Validate(); faults[i] == nil {
			faults[i] = err
		}
		if faults[i] == nil && o.away != nil && o.away(&versions[i]) {
			faults[i] = store.Stale(0)
		}
	}
	return faults, nil, o.end
}

// BeginUpdate implements Owner.
func (o *owner) BeginUpdate(_ context.Context, next *domain.Version) ([]store.Fence, End, error) {
	next.EffectiveFrom = max(o.from(), next.EffectiveFrom)
	if o.never && next.Active {
		return nil, nil, domain.InvalidAs(domain.FieldNeverFires, "schedule", "never fires", nil)
	}
	return nil, o.end, o.begin()
}

// BeginDelete implements Owner.
func (o *owner) BeginDelete(domain.JobID, int) (int64, []store.Fence, End, error) {
	return o.from(), nil, o.end, o.begin()
}

// Trigger implements Owner.
func (o *owner) Trigger(_ context.Context, id domain.JobID, at, nonce int64) (domain.Execution, error) {
	if err := o.begin(); err != nil {
		return domain.Execution{}, err
	}
	if nonce == 0 {
		at, nonce = o.from(), 7
	}
	x := domain.Execution{FireKey: domain.FireKey{JobID: id, ScheduledAt: at, Nonce: nonce}, Version: 1,
		Status: domain.StatusPending}
	o.execs = append(o.execs, x)
	return x, o.pending
}

// StoreFault implements Owner.
func (o *owner) StoreFault() error { return nil }

// told returns how many changes have begun, and what was told of each that has ended.
func (o *owner) told() (begun int, ended []bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.begun, append([]bool(nil), o.ended...)
}

// world is an editor between an owner that takes notes and a store that can fail, on
// virtual time.
type world struct {
	*Editor
	t     *testing.T
	owner *owner
	store *faulty.Store
	log   bytes.Buffer
}

func bubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		db, err := memory.NewDisk(clock.System{}).Open()
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, owner: new(owner), store: faulty.New(db, 1)}
		w.Editor, err = New(Config{
			Owner: w.owner, Store: w.store, Clock: clock.System{}, Metrics: telemetry.NewMetrics(),
			Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		test(t, w)
		w.Stop(t.Context())
		synctest.Wait()
	})
}

func doc(change ...func(*domain.SpecDoc)) domain.SpecDoc {
	d := domain.NewSpecDoc()
	d.Schedule, d.Type, d.API = "0 0 0 1 1 *", domain.AtLeastOnce, "http://a.test/"
	for _, fn := range change {
		fn(&d)
	}
	return d
}

// make returns the id of a new job.
func (w *world) make() domain.JobID {
	w.t.Helper()
	made := w.Create(w.t.Context(), []domain.SpecDoc{doc()})
	if made[0].Err != nil {
		w.t.Fatal(made[0].Err)
	}
	return made[0].Version.JobID
}

func (w *world) number(id domain.JobID) int {
	w.t.Helper()
	job, err := w.store.Jobs().Get(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return job.Current.Number
}

func (w *world) rename(id domain.JobID, name string) error {
	_, err := w.Update(w.t.Context(), id, 0, func(d *domain.SpecDoc) error {
		d.Name = name
		return nil
	})
	return err
}

// codeOf returns the code of an error; empty: there is none.
func codeOf(err error) domain.Code {
	if err == nil {
		return ""
	}
	return domain.ErrorCode(err)
}

// pass lets virtual time go by.
func pass(d time.Duration) {
	clock.Wait(context.Background(), d)
	synctest.Wait()
}

// fail adds rules for calls of the store.
func (w *world) fail(f faulty.Fault, methods ...string) {
	for _, m := range methods {
		w.store.Add(faulty.Rule{Method: m, Fault: f})
	}
}
