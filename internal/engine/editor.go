package engine

import (
	"context"
	"sync/atomic"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/engine/zones"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// editor is the engine's part in a change of a job. It chooses from when on the change is
// valid, holds back the fires until the outcome of the commit is known, and then applies
// the change to them. The other part is package edit.
type editor struct {
	clock    clock.Clock
	pace     *clock.Pace
	store    store.Store
	watch    *storeWatch
	shards   *shard.Set
	registry *registry
	runner   *runner
	loop     *loop
	zones    *zones.Rules
	stopping *atomic.Bool
	shared   bool // see Config
}

func newEditor(e *Engine) *editor {
	return &editor{
		clock: e.clock, pace: e.cfg.Pace, store: e.store, watch: e.watch, shards: e.shards,
		registry: e.registry, runner: e.runner, loop: e.loop, zones: e.zones, stopping: &e.stopping,
		shared: e.cfg.Shared,
	}
}

// Ended reports to a change whether the store has it. The function that it returns
// records what is still to be recorded, and may be repeated; nil means that there is
// nothing to record.
type Ended = func(stored bool) (rest func(context.Context) error)

// BeginCreate begins the creation of jobs. It sets EffectiveFrom of each version and
// returns, for each, why it cannot be run, or nil. The commit is to be made under the
// fences. Those without a fault fire once end
// has been called with true; until then W stays below their first instant.
func (e *Engine) BeginCreate(ctx context.Context, versions []domain.Version) (faults []error, fences []store.Fence,
	end Ended) {
	return e.editor.beginCreate(ctx, versions)
}

// BeginUpdate begins a change of a job. It sets EffectiveFrom of the version, to what it is or later. From then
// on nothing of the job is sent until end was called. The error says why the version
// cannot be run.
func (e *Engine) BeginUpdate(ctx context.Context, next *domain.Version) (fences []store.Fence, end Ended, err error) {
	return e.editor.beginUpdate(ctx, next)
}

// BeginDelete begins the end of a job whose current version is number: it has no fires from the instant on. Until end
// was called nothing of them is sent.
func (e *Engine) BeginDelete(id domain.JobID, number int) (from int64, fences []store.Fence, end Ended, err error) {
	return e.editor.beginDelete(id, number)
}

// Trigger runs a job now, paused or not, beside whatever else of it runs. The
// execution is durable before Trigger returns it, PENDING; the call follows.
//
// With a nonce the execution has it and is scheduled at the instant. The caller makes none twice.
// CodeConflict: the job was paused or deleted after the instant.
func (e *Engine) Trigger(ctx context.Context, id domain.JobID, at, nonce int64) (domain.Execution, error) {
	return e.editor.trigger(ctx, id, at, nonce)
}

// StoreFault returns why the store does not take records, as far as that is known.
func (e *Engine) StoreFault() error { return e.watch.cause() }
