package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
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

	failed chan error // a reason to end
}

func (k *keeper) now() int64 { return clock.NowMs(k.clock) }

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
	lost, err := k.shards.Beat(ctx, k.proposeWatermarks())
	if err != nil {
		k.watch.stopIfGone(err)
		return err
	}
	if len(lost) > 0 {
		err := fmt.Errorf("%w: shards %v have been claimed by another owner", ErrLeaseLost, lost)
		k.fail(err)
		return err
	}
	k.runner.dispatcher.Suspend(false)
	k.loop.nudge()
	return nil
}

// proposeWatermarks returns a beat of each shard with the latest W that is true now.
// Edits choose instants after it.
func (k *keeper) proposeWatermarks() []store.Beat {
	k.registry.mu.Lock()
	defer k.registry.mu.Unlock()
	return k.shards.Propose(min(k.now(), k.registry.table.Unstaged()) - 1)
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

// runSweep gives calls that have run for long an open run, so that W need not
// wait for them, and sets the gauges.
func (k *keeper) runSweep(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k.sweepOnce()
			k.observe()
		}
	}
}

// sweepOnce returns how many calls got an open run. It takes them in parts,
// because nothing is sent meanwhile.
func (k *keeper) sweepOnce() (opened int) {
	const part = 256
	now := k.now()
	for {
		n := k.runner.dispatcher.LongCalls(now-longCall.Milliseconds(), part,
			func(r *run.Run) { k.runner.openCall(r, now) })
		opened += n
		if n < part {
			return opened
		}
	}
}

// observe sets the gauges of the metrics.
func (k *keeper) observe() {
	calls, queued := k.runner.dispatcher.Load()
	if begun := k.runner.dispatcher.TakeBegun(); k.pace != nil {
		k.pace.Fires(begun > 0)
	}
	total, active := k.registry.count()
	k.registry.mu.Lock()
	aside := len(k.registry.unusable)
	k.registry.mu.Unlock()
	now := k.now()
	k.metrics.InFlight.Set(float64(calls))
	k.metrics.QueueDepth.Set(float64(queued))
	k.metrics.OpenRuns.Set(float64(k.runner.retries.Len()))
	k.metrics.WatermarkLag.Set(float64(now-k.shards.Watermark()) / 1000)
	k.metrics.HorizonMargin.Set(float64(k.shards.Horizon()-now) / 1000)
	k.metrics.Jobs.WithLabelValues(telemetry.JobsActive).Set(float64(active))
	k.metrics.Jobs.WithLabelValues(telemetry.JobsInactive).Set(float64(total - active - aside))
	k.metrics.Jobs.WithLabelValues(telemetry.JobsSetAside).Set(float64(aside))
}

// ErrLeaseLost ends an engine whose shard somebody else has claimed.
var ErrLeaseLost = errors.New("engine: another process has taken over the jobs")
