package engine

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// ErrLeaseLost ends an engine whose shard somebody else has claimed.
var ErrLeaseLost = errors.New("engine: another process has taken over the jobs")

// Engine fires jobs. Make one with New, start it with Start, end it with Stop.
type Engine struct {
	cfg     Config
	store   store.Store
	exec    Executor
	clock   clock.Clock
	log     *slog.Logger
	metrics *telemetry.Metrics

	pending    *pendingSeconds
	dispatcher *dispatcher
	recorder   *recorder
	retries    *retrier
	calls      sync.Pool // *domain.Call with *domain.Outcome

	mu         sync.Mutex // jobs, table, staged, late
	jobs       jobIndex
	active     int
	aside      map[domain.JobID]asideVersion // jobs that cannot be run
	asideOrder []domain.JobID                // in which they were set aside; they may be mended since
	table      *timetable
	spareFires []fire      // to be used by newFire
	filling    filling     // the second that is being staged
	staged     stagedFires // of seconds that were taken
	stagePart  int         // see the constant
	released   int64       // the latest instant of the timetable that was released

	rules   zoneRules
	edits   editLocks
	unclear atomic.Int64 // creations whose outcome is not known

	proposed int64 // the latest W that a beat was given; under mu

	horizon   atomic.Int64 // H
	watermark atomic.Int64 // W on record
	sendUntil atomic.Int64 // wall clock, Unix milliseconds: the lease holds until then
	ready     atomic.Bool
	stopping  atomic.Bool

	beatMu   sync.Mutex
	lease    store.Lease
	lastBeat clock.Mark // start of the last beat that succeeded
	beatErr  error
	storeErr error

	loopMu   sync.Mutex
	lastLoop clock.Mark // the timetable's last turn

	gapPiece int // see the constant

	wake   chan struct{} // the timetable looks again
	failed chan error    // a reason to end

	stopFeed   context.CancelFunc // timetable and retries
	stopKeep   context.CancelFunc // beat, limits, sweep
	stopRecord context.CancelFunc // recorder: gives up what the store does not take
	feeders    sync.WaitGroup
	keepers    sync.WaitGroup
}

// New makes an engine. It reads and starts nothing: see Start.
func New(cfg Config) (*Engine, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	e := &Engine{
		cfg: cfg, store: cfg.Store, exec: cfg.Executor, clock: cfg.Clock, log: cfg.Log, metrics: cfg.Metrics,
		pending:    newPendingSeconds(),
		dispatcher: newDispatcher(cfg.MaxInFlight, cfg.MaxInFlightPerHost),
		recorder:   newRecorder(cfg.Store.Ledger(), cfg.Clock),
		rules:      zoneRules{kept: make(map[string]bool)},
		aside:      make(map[domain.JobID]asideVersion),
		gapPiece:   gapPiece,
		stagePart:  stagePart,
		wake:       make(chan struct{}, 1),
		failed:     make(chan error, 1),
	}
	e.calls.New = func() any { return new(attempt) }
	e.dispatcher.work = e.work
	e.dispatcher.now = e.now
	e.dispatcher.fromSpan = e.fromSpan
	e.dispatcher.trim = e.trim
	e.recorder.onCommit = e.committed
	e.recorder.onError = e.noteStore
	e.retries = newRetrier(cfg.Clock, func(fires []*fire) { e.dispatch(fires) })
	return e, nil
}

func (e *Engine) now() int64 { return clock.NowMs(e.clock) }

// Start claims the shard, recovers what the last owner left, and begins to
// fire. It returns when the record is read; late fires go out from then on.
func (e *Engine) Start(ctx context.Context) error {
	base := context.WithoutCancel(ctx)
	var feed, keep, rec context.Context
	feed, e.stopFeed = context.WithCancel(base)
	keep, e.stopKeep = context.WithCancel(base)
	rec, e.stopRecord = context.WithCancel(base)
	e.tick()
	go e.recorder.run(rec)
	if err := e.recover(ctx); err != nil {
		e.stopFeed()
		e.stopKeep()
		e.feeders.Wait()
		e.stopRecord()
		<-e.recorder.idle
		return err
	}
	e.keepers.Go(func() { e.runBeat(keep) })
	e.keepers.Go(func() { e.dispatcher.adapt(keep) })
	e.keepers.Go(func() { e.runSweep(keep) })
	e.feeders.Go(func() { e.runTimetable(feed) })
	e.feeders.Go(func() { e.retries.run(feed) })
	e.ready.Store(true)
	return nil
}

// Failed delivers the error for which the engine cannot go on.
func (e *Engine) Failed() <-chan error { return e.failed }

// Stop ends the engine in good order: no new fires, then the calls in flight
// and everything queued until the context ends, then the record, then the
// lease. What did not end in time is left as open runs for the next start. The
// error says that the store did not take the rest.
func (e *Engine) Stop(ctx context.Context) error {
	e.stopping.Store(true)
	e.stopFeed()
	e.dispatcher.end()
	// A record that takes nothing must not keep those that wait for room.
	defer context.AfterFunc(ctx, e.recorder.giveUp)()
	e.feeders.Wait()
	inTime := e.drain(ctx)
	e.stopKeep()
	e.keepers.Wait()
	known := e.handedOver()
	e.leaveOpen(inTime)
	return e.closeRecord(known)
}

// drain lets the dispatcher finish what is queued and in flight.
func (e *Engine) drain(ctx context.Context) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		calls, queued := e.dispatcher.load()
		if !e.leaseHolds() {
			e.dispatcher.suspend(true)
			queued = 0 // not to be sent any more
		}
		if calls == 0 && queued == 0 {
			break
		}
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
		}
		break
	}
	e.dispatcher.close()
	select {
	case <-e.dispatcher.drained:
		return true
	case <-ctx.Done():
		return false
	}
}

// handedOver waits, not for long, until every worker that is left is in a call:
// no result is then between a worker and the recorder.
func (e *Engine) handedOver() bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range horizon / (5 * time.Millisecond) {
		if e.dispatcher.settling() == 0 {
			return true
		}
		<-tick.C
	}
	return false
}

// leaveOpen writes an open run for every call still in flight, so that the next
// start finds nothing else uncertain, and takes back the doubt about those that
// wait. What else is queued needs no row: the calendar will name it again, and
// retries and triggers have theirs.
func (e *Engine) leaveOpen(inTime bool) {
	now := e.now()
	calls := e.dispatcher.inFlight(func(f *fire) { e.openCall(f, now) })
	var entries []entry
	for _, f := range e.waiting() {
		f.job.mu.Lock()
		if f.doubt {
			run := f.openRun(max(f.at, f.retryAt), false, now)
			entries = append(entries, entry{open: &run, fire: f})
		}
		f.job.mu.Unlock()
	}
	e.recorder.addNow(entries...)
	if !inTime {
		e.log.Warn("some calls did not end within the grace time; they are on record and will be sent again", "calls", calls)
	}
}

// waiting returns the executions that wait for a slot, for their retry, or for
// their job to be free.
func (e *Engine) waiting() []*fire {
	out := append(e.dispatcher.waiting(), e.retries.all()...)
	e.mu.Lock()
	defer e.mu.Unlock()
	for j := range e.jobs.all() {
		j.mu.Lock()
		out = append(out, j.aside().resumed...)
		j.mu.Unlock()
	}
	return out
}

// closeRecord commits the rest and gives the lease back. It keeps the lease
// when a result is not on record: the next start then knows that it has to ask
// what was sent.
func (e *Engine) closeRecord(known bool) error {
	e.recorder.close()
	timeout := time.AfterFunc(horizon, e.stopRecord)
	defer timeout.Stop()
	<-e.recorder.idle
	e.stopRecord()
	if n := e.recorder.backlog(); n > 0 || !known {
		return domain.Unavailable(e.storeError(), "%d results could not be recorded", n)
	}
	ctx, cancel := context.WithTimeout(context.Background(), horizon)
	defer cancel()
	return e.store.Shards().Release(ctx, e.lease, e.settledUntil())
}
