package clock

import (
	"context"
	"sync/atomic"
	"time"
)

// Clock returns the time and waits.
type Clock interface {
	// Now returns the wall clock's time.
	Now() time.Time
	// Mark starts a measurement that survives steps and sleeps.
	Mark() Mark
	// Since returns the most that any clock says has passed since the mark.
	Since(Mark) time.Duration
	// Elapsed returns what has passed by the clocks that nobody can set.
	Elapsed(Mark) time.Duration
}

// Mark is a moment on all clocks.
type Mark struct {
	at   time.Time // wall and monotonic
	wall int64     // Unix nanoseconds of the wall clock, no monotonic reading
	boot time.Duration
}

// System is the machine's clock.
type System struct{}

// Now implements Clock.
func (System) Now() time.Time { return time.Now() }

// Mark implements Clock.
func (System) Mark() Mark {
	now := time.Now()
	return Mark{at: now, wall: now.UnixNano(), boot: bootTime()}
}

// Since implements Clock.
func (System) Since(m Mark) time.Duration {
	now := time.Now()
	return max(now.Sub(m.at), time.Duration(now.UnixNano()-m.wall), bootTime()-m.boot)
}

// Elapsed implements Clock.
func (System) Elapsed(m Mark) time.Duration {
	return max(time.Since(m.at), bootTime()-m.boot)
}

// Manual is System with a wall clock that can be stepped, on a machine that can be suspended. The
// zero value is ready.
type Manual struct{ offset, asleep atomic.Int64 }

// Step moves the wall clock, forward or back.
func (c *Manual) Step(d time.Duration) { c.offset.Add(int64(d)) }

// Suspend lets time pass in which the machine was suspended: the boot clock alone shows it. A wall
// clock that is kept right is stepped, too.
func (c *Manual) Suspend(d time.Duration) { c.asleep.Add(int64(d)) }

// Now implements Clock.
func (c *Manual) Now() time.Time {
	return time.Now().Round(0).Add(time.Duration(c.offset.Load()))
}

// Mark implements Clock.
func (c *Manual) Mark() Mark {
	now := time.Now()
	return Mark{at: now, wall: c.Now().UnixNano(), boot: time.Duration(c.asleep.Load())}
}

// Since implements Clock.
func (c *Manual) Since(m Mark) time.Duration {
	return max(c.Elapsed(m), time.Duration(c.Now().UnixNano()-m.wall))
}

// Elapsed implements Clock.
func (c *Manual) Elapsed(m Mark) time.Duration {
	return time.Since(m.at) + time.Duration(c.asleep.Load()) - m.boot
}

// NowMs returns the wall clock's time in Unix milliseconds.
func NowMs(c Clock) int64 { return c.Now().UnixMilli() }

// Wait sleeps for d on monotonic time. It returns false when the context ended
// first.
func Wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
