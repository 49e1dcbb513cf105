package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// runBeat renews the lease once a second until the context ends.
func (e *Engine) runBeat(ctx context.Context) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := e.beatOnce(ctx); err != nil && ctx.Err() == nil {
			e.log.Error("the store did not take the beat; nothing is sent beyond the horizon until it does", "error", err)
		}
		if !e.leaseHolds() {
			e.dispatcher.suspend(true)
		}
		e.dispatcher.relax()
	}
}

// beatOnce moves H and W. Nothing is sent beyond H; W follows the facts.
//
// It moves neither while the recorder does not get on: what is sent would not be
// on record. The last H lies at most the horizon ahead, so that sending stops
// within it whatever the recorder hangs in.
func (e *Engine) beatOnce(ctx context.Context) error {
	if stalled := e.recorder.stalled(); stalled > recordLimit {
		return fmt.Errorf("nothing has been recorded for %s", stalled.Round(time.Millisecond))
	}
	ctx, cancel := context.WithTimeout(ctx, horizon)
	defer cancel()
	start, wall := e.clock.Mark(), e.now()
	shard, err := e.store.Shards().Beat(ctx, e.lease, milliseconds(horizon), e.settledUntil())
	e.beatMu.Lock()
	e.beatErr = err
	if err == nil {
		e.lastBeat = start
	}
	e.beatMu.Unlock()
	if err != nil {
		e.stopIfGone(err)
		if domain.ErrorCode(err) == domain.CodeConflict {
			e.fail(fmt.Errorf("%w: %w", ErrLeaseLost, err))
		}
		return err
	}
	e.horizon.Store(shard.Horizon)
	e.watermark.Store(shard.Watermark)
	// Retries too: a recovery takes those that were due after H for unsent.
	e.sendUntil.Store(min(wall+milliseconds(horizon+beatGrace), shard.Horizon))
	e.dispatcher.suspend(false)
	e.nudge()
	return nil
}

// leaseHolds reports whether the last beat is recent enough to send on it,
// counted from its start on the fastest clock.
func (e *Engine) leaseHolds() bool {
	e.beatMu.Lock()
	last := e.lastBeat
	e.beatMu.Unlock()
	return last != clock.Mark{} && e.clock.Since(last) < horizon+beatGrace
}

// settledUntil returns the latest W that is true now: every fire at or before
// it is on record or has an open run. Edits choose instants after it.
func (e *Engine) settledUntil() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.pending.before(min(e.now(), e.unstaged()) - 1)
	e.proposed = max(e.proposed, w)
	return w
}

// stopIfGone ends the sending at once when files of the store are gone: what
// would be recorded could not be found again. Only a beat that finds all of them
// lets it go on.
func (e *Engine) stopIfGone(err error) {
	if isGone(err) {
		e.sendUntil.Store(0)
		e.dispatcher.suspend(true)
	}
}

// isGone reports whether files of the store are gone. What it answers to a read
// then is not what the next start finds.
func isGone(err error) bool {
	_, gone := errors.AsType[*store.GoneError](err)
	return gone
}

// fail tells the owner of the engine that it cannot go on.
func (e *Engine) fail(err error) {
	e.sendUntil.Store(0)
	e.dispatcher.suspend(true)
	select {
	case e.failed <- err:
	default:
	}
}

// noteStore keeps the recorder's last error for the health check.
func (e *Engine) noteStore(err error) {
	e.beatMu.Lock()
	first := err != nil && e.storeErr == nil
	e.storeErr = err
	e.beatMu.Unlock()
	if err != nil {
		e.metrics.StoreErrors.Inc()
		e.stopIfGone(err)
	}
	if first {
		e.log.Error("results cannot be recorded; they are kept in memory and tried again", "error", err)
	}
}

func (e *Engine) storeError() error {
	e.beatMu.Lock()
	defer e.beatMu.Unlock()
	if e.storeErr != nil {
		return e.storeErr
	}
	return e.beatErr
}

// runSweep gives calls that have run for long an open run, so that W need not
// wait for them, and sets the gauges.
func (e *Engine) runSweep(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			e.sweepOnce()
			e.observe()
		}
	}
}

// sweepOnce returns how many calls got an open run. It takes them in parts,
// because nothing is sent meanwhile.
func (e *Engine) sweepOnce() (opened int) {
	const part = 256
	now := e.now()
	for {
		n := e.dispatcher.longCalls(now-milliseconds(longCall), part, func(f *fire) { e.openCall(f, now) })
		opened += n
		if n < part {
			return opened
		}
	}
}

// openCall gives a call in flight an open run. The caller holds the lock of the
// dispatcher, so that the open run of a retry that follows comes later, and counts.
func (e *Engine) openCall(f *fire, now int64) {
	f.job.mu.Lock()
	run := f.openRun(now, true, now)
	f.job.mu.Unlock()
	e.recorder.addNow(entry{open: &run, fire: f})
}
