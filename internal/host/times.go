package host

import (
	"sync/atomic"
	"time"
)

// usualWeight is how many calls the running mean of their time looks back at: fewer if there
// were fewer of late.
const usualWeight = 16

// Times are how long the calls of a host take at the target, and how many there are: for
// people. They outlive a [Limit], which ends as soon as a host has nothing to do. One
// goroutine at a time adds to them, and many may read.
type Times struct {
	usual          atomic.Int64 // time.Duration; zero: not known
	minute         atomic.Int64 // of Unix time, in which the last call ended
	calls          atomic.Int64 // that ended in it
	callsBefore    atomic.Int64 // and in the minute before
	quickest       atomic.Int64 // time.Duration, of this minute; zero: not known
	quickestBefore atomic.Int64
}

// add notes a call that ended at the instant, in Unix milliseconds, and how long it took;
// zero: it did not come so far. This is done for each call: it costs two writes.
func (t *Times) add(took time.Duration, now int64) {
	if minute := minuteOf(now); minute != t.minute.Load() {
		t.begin(minute)
	}
	n := t.calls.Add(1) + t.callsBefore.Load()
	if took <= 0 {
		return
	}
	mean := t.usual.Load()
	if mean == 0 {
		mean = int64(took)
	}
	t.usual.Store(mean + (int64(took)-mean)/min(n, usualWeight))
	if least := t.quickest.Load(); least == 0 || int64(took) < least {
		t.quickest.Store(int64(took))
	}
}

// begin begins a minute.
func (t *Times) begin(minute int64) {
	before := int64(0)
	if minute == t.minute.Load()+1 {
		before = t.calls.Load()
	}
	t.callsBefore.Store(before)
	t.calls.Store(0)
	if least := t.quickest.Load(); least > 0 { // otherwise the one before is the last that is known
		t.quickestBefore.Store(least)
	}
	t.quickest.Store(0)
	t.minute.Store(minute)
}

func minuteOf(ms int64) int64 { return ms / time.Minute.Milliseconds() }

// Usual returns the running mean of the time of calls; zero: not known.
func (t *Times) Usual() time.Duration { return time.Duration(t.usual.Load()) }

// Quickest returns the time of the quickest call in the last minute with calls and the one
// before; zero: not known.
func (t *Times) Quickest() time.Duration {
	now, before := t.quickest.Load(), t.quickestBefore.Load()
	if now == 0 || before != 0 && before < now {
		return time.Duration(before)
	}
	return time.Duration(now)
}

// Recent returns how many calls have ended in the minute of the instant, in Unix
// milliseconds, and in the one before.
func (t *Times) Recent(now int64) int64 {
	switch minuteOf(now) - t.minute.Load() {
	case 0:
		return t.calls.Load() + t.callsBefore.Load()
	case 1:
		return t.calls.Load()
	}
	return 0
}
