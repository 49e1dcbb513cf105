package engine

import (
	"context"
	"time"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// runSweep gives calls that have run for long an open run, so that W need not
// wait for them, and sets the gauges.
func (k *keeper) runSweep(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	mark := k.clock.Mark()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k.sweepOnce()
			k.observe(k.clock.Elapsed(mark))
			mark = k.clock.Mark()
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

// observe sets the gauges of the metrics, some time after it has done so last.
func (k *keeper) observe(passed time.Duration) {
	calls, queued := k.runner.dispatcher.Load()
	if begun := k.runner.dispatcher.TakeBegun(); k.pace != nil {
		k.pace.Fires(begun > 0)
	}
	total, active := k.registry.count()
	k.registry.mu.Lock()
	aside := len(k.registry.unusable)
	k.registry.mu.Unlock()
	k.metrics.Recent.Tick(passed, calls, queued)
	now := k.now()
	k.metrics.InFlight.Set(float64(calls))
	k.metrics.QueueDepth.Set(float64(queued))
	k.metrics.OpenRuns.Set(float64(k.runner.retries.Len()))
	lag, margin := int64(0), int64(0) // of no shards
	if h := k.shards.Horizon(); h != 0 {
		lag, margin = now-k.shards.Watermark(), h-now
	}
	k.metrics.WatermarkLag.Set(float64(lag) / 1000)
	k.metrics.HorizonMargin.Set(float64(margin) / 1000)
	k.metrics.Jobs.WithLabelValues(telemetry.JobsActive).Set(float64(active))
	k.metrics.Jobs.WithLabelValues(telemetry.JobsInactive).Set(float64(total - active - aside))
	k.metrics.Jobs.WithLabelValues(telemetry.JobsSetAside).Set(float64(aside))
}
