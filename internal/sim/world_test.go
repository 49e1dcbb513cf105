package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/engine"
	"github.com/belfry-scheduler/belfry/internal/sim/check"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

var silent = slog.New(slog.DiscardHandler)

// plant is a fault that a planted run has on purpose. The zero value has none.
type plant struct {
	store    func(store.Store) store.Store
	executor func(engine.Executor) engine.Executor

	// Of a cluster.
	deaf   bool                                   // no process knows that others are there
	greedy bool                                   // a node whose role is to own no shards does not know it
	clock  func(wall, db clock.Clock) clock.Clock // of the engine of a node
}

// world is one simulated day.
type world struct {
	*rand.Rand
	seed  uint64
	plant plant
	clk   *clock.Manual
	start time.Time
	first int64 // wall clock at the start, Unix milliseconds

	open    func() (store.Store, error)
	db      store.Store   // as the judge reads it
	gate    *faulty.Store // before the store: closed when the process has died
	faults  *faulty.Store // before the gate
	life    *life
	eng     *engine.Engine // nil: the process is down
	edit    *edit.Editor
	resumes func() // ends the resumer
	slots   int
	hung    bool          // a commit may hang until the process ends
	ahead   time.Duration // by how much the wall clock was set ahead since all was well
	boots   uint64
	targets *targets
	client  *client
	calls   sync.WaitGroup // of the client
	ids     *ids
	outages []check.Outage // on the clock that nobody sets
	early   int64          // by how many milliseconds a request may be early
	explain func(a, b check.Send) bool
	script  []string
	faulted []string

	statuses map[domain.Status]int // of records
	metrics  *telemetry.Metrics    // of every process: nothing judges them
}

// verdict is what a seed has shown.
type verdict struct {
	faults   []string
	script   []string
	expected int // fires
	requests int // that arrived
	doubles  int // of a cluster: that came again, and are explained
	statuses map[domain.Status]int
	day      time.Duration // virtual time
}

// opener makes what opens an empty database again and again.
type opener func(clk clock.Clock) (open func() (store.Store, error))

func inMemory(clk clock.Clock) func() (store.Store, error) {
	disk := memory.NewDisk(clk)
	return func() (store.Store, error) { return disk.Open() }
}

// simulate runs the day of a seed.
func simulate(t *testing.T, seed uint64, on opener, p plant) (v verdict) {
	t.Helper()
	// On real time: a loop in which no virtual time passes would never end.
	watchdog := time.AfterFunc(5*time.Minute, func() { panic(fmt.Sprintf("seed %d does not end", seed)) })
	defer watchdog.Stop()
	synctest.Test(t, func(*testing.T) {
		w := newWorld(seed, on, p)
		w.boot()
		w.day()
		w.finish()
		v.expected = w.judge()
		w.end(true)
		w.pass(time.Minute) // calls of the last process end
		v.faults, v.script, v.statuses = w.faulted, w.script, w.statuses
		v.requests, v.day = len(w.targets.requests), time.Since(w.start)
	})
	return v
}

func newWorld(seed uint64, on opener, p plant) *world {
	r := rand.New(rand.NewPCG(seed, 0))
	clk, start := new(clock.Manual), time.Now()
	// Some days have a change of the clocks in them.
	begin := []string{"2026-03-10T12:00:00Z", "2026-03-28T14:00:00Z", "2026-10-24T20:00:00Z",
		"2027-12-31T18:00:00Z"}[r.IntN(4)]
	at, err := time.Parse(time.RFC3339, begin)
	if err != nil {
		panic(err)
	}
	clk.Step(at.Add(time.Duration(r.IntN(3_600_000)) * time.Millisecond).Sub(start))
	w := &world{
		Rand: r, seed: seed, plant: p, clk: clk, start: start, first: clock.NowMs(clk), open: on(clk),
		slots: 1 + r.IntN(40), ids: &ids{random: rand.New(rand.NewPCG(seed, 2))}, metrics: telemetry.NewMetrics(),
		targets: &targets{clk: clk, start: start}, client: &client{start: start,
			triggers: make(map[domain.ExecutionID]bool)},
	}
	return w
}

func (w *world) since() time.Duration { return time.Since(w.start) }
func (w *world) now() int64           { return clock.NowMs(w.clk) }

func (w *world) note(format string, args ...any) {
	wall := w.clk.Now().UTC().Format("02 15:04:05.000")
	w.script = append(w.script, fmt.Sprintf("%-14s %s  %s", w.since(), wall, fmt.Sprintf(format, args...)))
}

func (w *world) fault(format string, args ...any) {
	w.faulted = append(w.faulted, fmt.Sprintf(format, args...))
}

// pass lets virtual time go by.
func (w *world) pass(d time.Duration) {
	clock.Wait(context.Background(), d)
	synctest.Wait()
	w.targets.look()
}

func (w *world) step(d time.Duration) {
	w.note("the wall clock steps by %s", d)
	w.targets.look()
	w.clk.Step(d)
	w.ahead += max(d, 0)
	w.targets.look()
}

// boot starts a process. A start that fails is tried again without faults.
func (w *world) boot() {
	for try := range 3 {
		err := w.tryBoot()
		if err == nil {
			return
		}
		w.note("start: %v", err)
		if try == 1 {
			w.fault("no start: %v", err)
		}
		w.pass(time.Second)
	}
	panic(fmt.Sprintf("seed %d: the engine does not start: %v", w.seed, w.faulted))
}

func (w *world) tryBoot() error {
	db, err := w.open()
	if err != nil {
		return err
	}
	real := db
	w.boots++
	w.db, w.life, w.hung = db, w.targets.newLife(), false
	if w.plant.store != nil {
		real = w.plant.store(real)
	}
	w.gate = faulty.New(real, 0)
	w.faults = faulty.New(w.gate, w.seed^w.boots<<40)
	var exec engine.Executor = w.life
	if w.plant.executor != nil {
		exec = w.plant.executor(exec)
	}
	e, err := engine.New(engine.Config{
		Store: w.faults, Executor: exec, Clock: w.clk, Log: silent, Metrics: w.metrics,
		MaxInFlight: w.slots, MaxInFlightPerHost: w.slots,
	})
	if err != nil {
		panic(err)
	}
	w.note("start")
	if err := e.Start(context.Background()); err != nil {
		w.life.kill()
		return errors.Join(err, db.Close())
	}
	w.eng = e
	if w.edit, err = edit.New(edit.Config{
		Owner: e, Store: w.faults, Clock: w.clk, Metrics: w.metrics, Log: silent, NewIDs: w.ids.next,
	}); err != nil {
		panic(err)
	}
	w.resumes = resuming(w.edit)
	return nil
}

// end ends the process. A crash cuts it off at one instant from the store and
// the targets; a stop gives it some time before that.
func (w *world) end(crash bool) {
	if w.eng == nil {
		return
	}
	if crash {
		w.note("crash")
		w.cut(true)
		dead, cancel := context.WithCancel(context.Background())
		cancel()
		w.resumes()
		w.edit.Stop(dead)
		_ = w.eng.Stop(dead) // reaches nobody any more
	} else {
		grace := time.Duration(w.IntN(8000)) * time.Millisecond
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		w.resumes()
		w.edit.Stop(ctx)
		err := w.eng.Stop(ctx) // while the store fails: no reason to lose a fire
		cancel()
		w.note("stop with %s: %v", grace, err)
		w.cut(err != nil)
	}
	w.eng = nil
	w.pass(0)
	if err := w.db.Close(); err != nil {
		w.fault("close: %v", err)
	}
}

// cut ends all effects of the process. What was in flight is an outage, which
// may explain that it is sent again.
func (w *world) cut(dirty bool) {
	from := w.since().Milliseconds()
	w.gate.Add(faulty.Rule{Fault: faulty.FailBefore})
	w.life.kill()
	synctest.Wait()
	w.targets.mu.Lock()
	dirty = dirty || w.life.cut > 0
	w.targets.mu.Unlock()
	if dirty {
		w.outages = append(w.outages, check.Outage{From: from, To: from})
	}
}
