package engine

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/lock"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// editor changes jobs: it chooses from when on a change is valid, commits it, and
// makes what fires follow it. Changes of one job come one after the other.
type editor struct {
	clock    clock.Clock
	pace     *clock.Pace
	log      *slog.Logger
	store    store.Store
	watch    *storeWatch
	shards   *shard.Set
	registry *registry
	runner   *runner
	loop     *loop
	rules    *zoneRules
	stopping *atomic.Bool

	edits   editLocks
	unclear atomic.Int64 // creations whose outcome is not known

	// Of edits whose outcome the store has not told: they end before the engine has
	// stopped, and the next start reads what the store has.
	ending     context.Context //nolint:containedctx // ends with the engine, not with a call
	end        context.CancelFunc
	mu         lock.Leaf // of what follows: nothing is begun once stop waits
	stopped    bool
	background sync.WaitGroup
}

func newEditor(e *Engine) *editor {
	ed := &editor{
		clock: e.clock, pace: e.cfg.Pace, log: e.log, store: e.store, watch: e.watch, shards: e.shards,
		registry: e.registry, runner: e.runner, loop: e.loop, rules: e.rules, stopping: &e.stopping,
	}
	ed.ending, ed.end = context.WithCancel(context.Background())
	return ed
}

func (e *editor) now() int64 { return clock.NowMs(e.clock) }

// inBackground runs fn beside the caller. Once the engine stops it runs nothing: the
// next start reads what the store has.
func (e *editor) inBackground(fn func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.stopped {
		e.background.Go(fn)
	}
}

// stop ends what goes on in the background, and waits for that until the context
// ends.
func (e *editor) stop(ctx context.Context) {
	e.mu.Lock()
	e.stopped = true
	e.mu.Unlock()
	e.end()
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.background.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Create makes one job for each document, in order. A document that is not
// valid carries its error and does not spoil the rest. The others are one
// commit: when the store fails, each of them carries that error.
func (e *Engine) Create(ctx context.Context, docs []domain.SpecDoc) []Created {
	return e.editor.create(ctx, docs)
}

// Update changes a job: change gets the current document and alters it. A
// change that alters nothing makes no version. ifVersion zero takes any
// current version; another number is refused with CodeConflict unless it is
// the current one.
func (e *Engine) Update(ctx context.Context, id domain.JobID, ifVersion int,
	change func(*domain.SpecDoc) error) (domain.Version, error) {
	return e.editor.update(ctx, id, ifVersion, change)
}

// Delete ends a job. It returns the instant from which the job has no fires.
func (e *Engine) Delete(ctx context.Context, id domain.JobID, ifVersion int) (int64, error) {
	return e.editor.remove(ctx, id, ifVersion)
}

// Trigger runs a job now, paused or not, beside whatever else of it runs. The
// execution is durable before Trigger returns it, PENDING; the call follows.
func (e *Engine) Trigger(ctx context.Context, id domain.JobID) (domain.Execution, error) {
	return e.editor.trigger(ctx, id)
}

// NextFire returns the job's next scheduled instant after now, in Unix
// milliseconds.
func (e *Engine) NextFire(id domain.JobID) (int64, bool) { return e.registry.nextFire(id) }

// Jobs returns how many jobs there are and how many of them are active.
func (e *Engine) Jobs() (total, active int) { return e.registry.count() }
