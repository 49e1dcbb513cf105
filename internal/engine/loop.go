package engine

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/engine/due"
	"github.com/belfry-scheduler/belfry/internal/engine/lock"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
)

// fineLead is how long before an instant the timer wakes, so that a finer clock
// can wait for the rest: more than Go's timers are late on a machine that has
// little to do.
const fineLead = 2 * time.Millisecond

// loop turns the timetable: it makes fires ready ahead of their second, and releases
// them at their instant.
type loop struct {
	clock     clock.Clock
	log       *slog.Logger
	sleepFine func(time.Duration) // see Config
	registry  *registry
	runner    *runner
	shards    *shard.Set
	ahead     *ahead // nil: nothing is prepared

	background *sync.WaitGroup // of what a turn leaves to others
	wake       chan struct{}   // the timetable looks again

	mu   lock.Leaf
	last clock.Mark // the last turn
}

// runTimetable stages and releases fires until the context ends.
//
//	... ── stage s+1 ──┬── edge of s+1: release ── stage s+2 ──┬── ...
//	       (s + 0.5)   │                          (s + 1.5)    │
//
// It plans on the wall clock and waits on the monotonic one. However late it
// wakes, the seconds are taken one after the other: none is skipped.
func (l *loop) runTimetable(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	guard := clock.NewStepGuard(l.clock)
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-l.wake:
		}
		l.tick()
		if pause := guard.Check(l.clock); pause > 0 {
			l.log.Warn("the wall clock jumped ahead; firing waits until it is stable", "wait", pause)
			timer.Reset(time.Second)
			continue
		}
		timer.Reset(l.coarse(l.turn(l.clock.Now())))
	}
}

// coarse returns how long a timer should wait of a wait that is to be exact.
// The last moments of it are over when it returns.
func (l *loop) coarse(wait time.Duration) time.Duration {
	switch {
	case l.sleepFine == nil:
		return wait
	case wait > fineLead:
		return wait - fineLead
	}
	l.sleepFine(wait)
	return 0
}

// turn does what is due at the instant and returns how long there is nothing
// to do.
func (l *loop) turn(now time.Time) time.Duration {
	l.registry.mu.Lock()
	horizon := l.shards.Horizon()
	late := l.registry.table.StageUntil(due.LastSecond(now, horizon), now.UnixMilli(), horizon)
	due := l.registry.table.TakeDue(now.UnixMilli(), horizon)
	wait := l.registry.table.UntilNext(now, horizon)
	soon, more := l.takeSoon(now, &wait)
	l.registry.mu.Unlock()
	if len(late) > 0 {
		l.background.Go(func() { l.runner.addLate(late) })
	}
	// In parts, so that the first call does not wait for the last admission.
	for part := range slices.Chunk(due, releasePart) {
		l.runner.release(part)
	}
	if l.lookAhead(soon, more, now.UnixMilli()) {
		wait = 0
	}
	clear(due) // of the queue's memory, which is used again
	return wait
}

// takeSoon returns a part of the fires that are due soon, and whether there are more. The
// wait ends when there will be some. Call with the lock of the registry held.
func (l *loop) takeSoon(now time.Time, wait *time.Duration) (fires []*run.Run, more bool) {
	if l.ahead == nil {
		return nil, false
	}
	fires, more = l.registry.table.TakeSoon(now.UnixMilli(), aheadFires)
	*wait = min(*wait, l.registry.table.UntilSoon(now))
	return fires, more
}

// lookAhead has connections prepared for fires that are due soon, once all of them were
// gathered. It reports whether there is more to do.
func (l *loop) lookAhead(fires []*run.Run, more bool, now int64) bool {
	if l.ahead == nil {
		return false
	}
	l.ahead.take(fires, now)
	return more || l.ahead.prepareNext(now)
}

// nudge makes the timetable look again at once.
func (l *loop) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// tick notes that the timetable turns: the health check looks at it.
func (l *loop) tick() {
	l.mu.Lock()
	l.last = l.clock.Mark()
	l.mu.Unlock()
}
