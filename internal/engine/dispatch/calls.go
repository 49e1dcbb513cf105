package dispatch

import (
	"time"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// callList is a list of runs, linked through themselves. A run is in one at most.
type callList struct{ first, last *run.Run }

func (l *callList) add(r *run.Run) {
	r.CallPrev, r.CallNext = l.last, nil
	if l.last != nil {
		l.last.CallNext = r
	} else {
		l.first = r
	}
	l.last = r
}

func (l *callList) remove(r *run.Run) {
	if r.CallPrev != nil {
		r.CallPrev.CallNext = r.CallNext
	} else {
		l.first = r.CallNext
	}
	if r.CallNext != nil {
		r.CallNext.CallPrev = r.CallPrev
	} else {
		l.last = r.CallPrev
	}
	r.CallNext, r.CallPrev = nil, nil
}

// calls are the calls in flight, and those that have ended and whose runs are not
// known to be elsewhere yet: see Dispatcher.Swap.
type calls struct {
	slots shares // of all hosts
	begun int    // calls, since takeBegun was called last
	full  int64  // when the last of all slots was taken, in Unix milliseconds; zero: never

	quick   quickCalls
	running callList // in the order of their start
	ended   callList
}

// begin notes a call that begins at the instant. quick says that it is expected to end
// soon.
func (c *calls) begin(r *run.Run, quick bool, now int64) {
	c.release(r)
	c.slots.Begin(r.Lane)
	c.begun++
	if c.slots.Taken >= c.slots.Most {
		c.full = now
	}
	r.Since = now
	c.running.add(r)
	c.quick.begin(r, quick)
	c.slots.brief.begin(r, quick && r.Lane == run.LaneOverdue)
}

// end keeps the run, whose call ended at the instant, among those that have ended until it
// is released.
func (c *calls) end(r *run.Run, took time.Duration, now int64) {
	c.slots.End(r.Lane)
	c.quick.end(r, now, took)
	c.slots.brief.end(r)
	c.running.remove(r)
	c.ended.add(r)
	r.InEnded, r.Opening = true, false
}

// expireBrief drops overdue calls that have lasted from those that are limited, if they are
// at their limit.
func (c *calls) expireBrief(now func() int64) {
	if c.slots.briefFull() {
		c.slots.brief.expire(now())
	}
}

// release takes a run whose call has ended off the list: it is elsewhere now.
func (c *calls) release(r *run.Run) {
	if r != nil && r.InEnded {
		r.InEnded = false
		c.ended.remove(r)
	}
}

// takeBegun returns how many calls have begun since it was called last.
func (c *calls) takeBegun() int {
	n := c.begun
	c.begun = 0
	return n
}

// inFlight calls fn with the run of each call in flight, the oldest first, and
// returns how many there are.
func (c *calls) inFlight(fn func(*run.Run)) (n int) {
	for r := c.running.first; r != nil; r = r.CallNext {
		fn(r)
		n++
	}
	return n
}

// long is inFlight for calls that began before the instant and for which it was not
// called before, at most so many.
func (c *calls) long(before int64, most int, fn func(*run.Run)) (n int) {
	for r := c.running.first; r != nil && r.Since < before && n < most; r = r.CallNext {
		if !r.Opening {
			r.Opening = true
			fn(r)
			n++
		}
	}
	return n
}

// all calls fn with the run of each call, in flight or ended, until it returns false.
func (c *calls) all(fn func(*run.Run) bool) bool {
	for _, first := range []*run.Run{c.running.first, c.ended.first} {
		for r := first; r != nil; r = r.CallNext {
			if !fn(r) {
				return false
			}
		}
	}
	return true
}
