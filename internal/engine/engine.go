package engine

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/record"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/engine/zones"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Engine fires jobs. Make one with New, start it with Start, end it with Stop.
type Engine struct {
	cfg   Config
	store store.Store
	clock clock.Clock
	log   *slog.Logger

	shards *shard.Set
	runner *runner
	watch  *storeWatch

	Calendar // with the registry
	loop     *loop

	zones  *zones.Rules
	editor *editor
	keeper *keeper
	owner  *owner

	ready    atomic.Bool
	stopping atomic.Bool

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
		cfg: cfg, store: cfg.Store, clock: cfg.Clock, log: cfg.Log,
		shards: shard.NewSet(cfg.Store.Shards(), cfg.Clock, cfg.Node),
		zones:  zones.NewRules(cfg.Store.Shards()),
	}
	e.registry = newRegistry(cfg.Clock, e.shards)
	e.watch = &storeWatch{log: cfg.Log, metrics: cfg.Metrics, shards: e.shards}
	e.runner = newRunner(&cfg, e.shards, &e.stopping, e.watch.note)
	e.watch.dispatcher = e.runner.dispatcher
	e.loop = &loop{
		clock: cfg.Clock, log: cfg.Log, sleepFine: cfg.SleepFine, registry: e.registry, runner: e.runner,
		shards:     e.shards,
		background: &e.feeders, wake: make(chan struct{}, 1),
	}
	if cfg.Prepare != nil {
		e.loop.ahead = &ahead{prepare: cfg.Prepare}
	}
	e.editor = newEditor(e)
	e.keeper = &keeper{
		clock: cfg.Clock, pace: cfg.Pace, log: cfg.Log, metrics: cfg.Metrics,
		watch:  e.watch,
		shards: e.shards, registry: e.registry, runner: e.runner, loop: e.loop, failed: make(chan error, 1),
		shared: cfg.Shared, beating: newTurn(),
	}
	e.owner = &owner{
		clock: cfg.Clock, store: cfg.Store, log: cfg.Log, shards: e.shards, zones: e.zones, registry: e.registry,
		runner: e.runner, keeper: e.keeper, editor: e.editor, reset: cfg.ResetWatermark, shared: cfg.Shared,
		alive: cfg.Alive, background: &e.feeders, moving: newTurn(),
	}
	if !cfg.Shared {
		e.owner.first, e.owner.alive = e.shards.All(), nil
	}
	e.keeper.drop, e.keeper.load = func(numbers []int) { e.owner.drop(numbers) }, e.owner.load
	e.runner.recorder.OnStale = e.keeper.stale
	return e, nil
}

func (e *Engine) now() int64 { return clock.NowMs(e.clock) }

// Start claims the shards, recovers what the last owner left, and begins to
// fire. It returns when the record is read; late fires go out from then on.
func (e *Engine) Start(ctx context.Context) error {
	base := context.WithoutCancel(ctx)
	var feed, keep, rec context.Context
	feed, e.stopFeed = context.WithCancel(base)
	keep, e.stopKeep = context.WithCancel(base)
	rec, e.stopRecord = context.WithCancel(base)
	e.loop.tick()
	go e.runner.recorder.Run(rec)
	if err := e.owner.begin(ctx); err != nil {
		e.stopFeed()
		e.stopKeep()
		e.feeders.Wait()
		e.stopRecord()
		<-e.runner.recorder.Idle
		return err
	}
	e.keepers.Go(func() { e.keeper.runBeat(keep) })
	e.keepers.Go(func() { e.runner.dispatcher.Adapt(keep) })
	e.keepers.Go(func() { e.keeper.runSweep(keep) })
	e.keepers.Go(func() { adopter{e.owner}.runLook(keep) })
	if e.cfg.Shared {
		e.keepers.Go(func() { newPickup(e).run(keep) })
	}
	e.feeders.Go(func() { e.loop.runTimetable(feed) })
	e.feeders.Go(func() { e.runner.retries.Run(feed) })
	e.ready.Store(true)
	return nil
}

// Failed delivers the error for which the engine cannot go on.
func (e *Engine) Failed() <-chan error { return e.keeper.failed }

// Stop ends the engine in good order: no new fires, then the calls in flight
// and everything queued until the context ends, then the record, then the
// lease. What did not end in time is left as open runs for the next start. The
// error says that the store did not take the rest.
func (e *Engine) Stop(ctx context.Context) error {
	e.stopping.Store(true)
	if e.cfg.Shared { // before the calls in flight end: nobody else fires these jobs meanwhile
		if err := e.owner.release(ctx, e.shards.In(shard.Active)); err != nil {
			e.log.Warn("shards could not be released; their next owner waits until their leases end", "error", err)
		}
	}
	e.stopFeed()
	e.runner.dispatcher.End()
	// A record that takes nothing must not keep those that wait for room.
	defer context.AfterFunc(ctx, e.runner.recorder.GiveUp)()
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
		calls, queued := e.runner.dispatcher.Load()
		if !e.shards.LeaseHolds() {
			e.runner.dispatcher.Suspend(true)
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
	e.runner.dispatcher.Close()
	select {
	case <-e.runner.dispatcher.Drained:
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
		if e.runner.dispatcher.BetweenCalls() == 0 {
			return true
		}
		<-tick.C
	}
	return false
}

// leaveOpen writes an open run for every call still in flight, so that the next
// start finds nothing else uncertain, and notes on the open runs of those that wait
// that they are not in flight. What else is queued needs no row: the calendar will name it again, and
// retries and triggers have theirs.
func (e *Engine) leaveOpen(inTime bool) {
	now := e.now()
	leave := (*runner).openCall
	if e.cfg.Shared { // other processes need not find out that this one has ended
		leave = leaveCall
	}
	calls := e.runner.dispatcher.InFlight(func(r *run.Run) { leave(e.runner, r, now) })
	var entries []record.Entry
	for _, r := range e.waiting() {
		r.Job.Mu.Lock()
		if r.Marked {
			open := r.OpenRun(max(r.At, r.RetryAt), false, now)
			entries = append(entries, record.Entry{Open: &open, Run: r})
		}
		r.Job.Mu.Unlock()
	}
	e.runner.recorder.AddNow(entries...)
	if !inTime {
		e.log.Warn("some calls did not end within the grace time; they are on record and will be sent again",
			"calls", calls)
	}
}

// waiting returns the executions that wait for a slot, for their retry, or for
// their job to be free.
func (e *Engine) waiting() []*run.Run {
	out := append(e.runner.dispatcher.Waiting(), e.runner.retries.All()...)
	e.registry.mu.Lock()
	defer e.registry.mu.Unlock()
	for j := range e.registry.jobs.All() {
		j.Mu.Lock()
		out = append(out, j.ReadBacklog().Resumed...)
		j.Mu.Unlock()
	}
	return out
}

// closeRecord commits the rest and gives the lease back. It keeps the lease
// when a result is not on record: the next start then knows that it has to ask
// what was sent.
func (e *Engine) closeRecord(known bool) error {
	e.runner.recorder.Close()
	timeout := time.AfterFunc(horizon, e.stopRecord)
	defer timeout.Stop()
	<-e.runner.recorder.Idle
	e.stopRecord()
	if n := e.runner.recorder.Backlog(); n > 0 || !known {
		return domain.Unavailable(e.watch.cause(), "%d results could not be recorded", n)
	}
	ctx, cancel := context.WithTimeout(context.Background(), horizon)
	defer cancel()
	if beats := e.keeper.proposeWatermarks(); len(beats) > 0 {
		return e.shards.Release(ctx, beats)
	}
	return nil
}
