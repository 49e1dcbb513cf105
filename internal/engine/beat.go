package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// keeper does what is to be done each second: it renews the lease, gives long calls
// an open run, and sets the gauges.
type keeper struct {
	clock   clock.Clock
	pace    *clock.Pace // see Config
	log     *slog.Logger
	metrics *telemetry.Metrics
	watch   *storeWatch

	shards   *shard.Set
	registry *registry
	runner   *runner
	loop     *loop

	shared  bool                                                  // see Config
	drop    func(numbers []int)                                   // the jobs of shards that are being left
	load    func(ctx context.Context, behind *shard.Behind) error // the edits that were made without this owner
	beating turn                                                  // one beat at a time

	failed chan error // a reason to end
}

// runBeat renews the lease once a second until the context ends.
func (k *keeper) runBeat(ctx context.Context) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := k.beatOnce(ctx); err != nil && ctx.Err() == nil {
			k.log.Error("the beat could not be stored; nothing is sent beyond the horizon until one is",
				"error", err)
		}
		if !k.shards.LeaseHolds() {
			k.runner.dispatcher.Suspend(true)
		}
		k.runner.dispatcher.Relax()
	}
}

// beatOnce moves H and W. Nothing is sent beyond H; W follows the facts.
//
// It moves neither while the recorder does not get on: what is sent would not be
// on record. The last H lies at most the horizon ahead, so that sending stops
// within it whatever the recorder hangs in.
func (k *keeper) beatOnce(ctx context.Context) error {
	if stalled := k.runner.recorder.Stalled(); stalled > recordLimit {
		return fmt.Errorf("nothing has been recorded for %s", stalled.Round(time.Millisecond))
	}
	ctx, cancel := context.WithTimeout(ctx, horizon)
	defer cancel()
	if err := k.beating.take(ctx); err != nil {
		return err
	}
	defer k.beating.end()
	lost, behind, err := k.shards.Beat(ctx, k.proposeWatermarks())
	switch busy := store.BusyShards(err); {
	case busy != nil: // the others go on
		k.log.Warn("the leases of some shards could not be renewed", "shards", busy, "error", err)
	case err != nil:
		k.watch.stopIfGone(err)
		return err
	}
	if err := k.lose(lost); err != nil {
		return err
	}
	k.loadAll(ctx, behind)
	k.runner.dispatcher.Suspend(false)
	k.loop.nudge()
	return nil
}

// loadWait is how long the edits of shards may take to be read: the next beat waits for it.
const loadWait = time.Second

// loadAll loads the edits that were made without this owner. What cannot be read is read again after the
// next beat. It keeps back its own shard alone: that is left before its horizon ends, where others go on.
func (k *keeper) loadAll(ctx context.Context, behind []shard.Behind) {
	ctx, cancel := context.WithTimeout(ctx, loadWait)
	defer cancel()
	var loads sync.WaitGroup
	for i := range behind {
		b := &behind[i]
		if !k.shards.At(uint8(b.Row.Number)).Placed() { //nolint:gosec // at most hold.MaxShards
			continue
		}
		loads.Go(func() {
			if err := k.load(ctx, b); err != nil {
				k.log.Error("edits of a shard cannot be read; it waits for them", "shard", b.Row.Number, "error", err)
				return
			}
			k.shards.Loaded(b)
		})
	}
	loads.Wait()
	if stuck := shard.Stuck(k.shards, behind, k.now()); k.shared && len(stuck) > 0 {
		_ = k.lose(stuck) // where shards are shared, it is no reason to end
	}
}

// lose follows the loss of shards, whose sending has ended: their jobs are dropped, or this
// process ends where it has to own all shards.
func (k *keeper) lose(numbers []int) error {
	if len(numbers) == 0 {
		return nil
	}
	if !k.shared {
		err := fmt.Errorf("%w: shards %v have been claimed by another owner", ErrLeaseLost, numbers)
		k.fail(err)
		return err
	}
	k.log.Warn("shards are left: another owner has claimed them, or their rows are locked, or their edits cannot "+
		"be read", "shards", numbers)
	k.drop(numbers)
	return nil
}

// stale follows decisions that the store has refused because their leases do not hold.
func (k *keeper) stale(fences []store.Fence) {
	if lost := k.shards.Lose(fences); len(lost) > 0 {
		_ = k.lose(lost) // reported as a reason to end
	}
}

// fail stops sending and reports an error after which the engine cannot continue.
func (k *keeper) fail(err error) {
	k.shards.StopSending()
	k.runner.dispatcher.Suspend(true)
	select {
	case k.failed <- err:
	default:
	}
}

// ErrLeaseLost ends an engine whose shard somebody else has claimed.
var ErrLeaseLost = errors.New("engine: another process has taken over the jobs")
