package executor

import (
	"math/rand/v2"
	"time"
)

// simTarget is what answers the calls to a host.
type simTarget struct {
	clock   *simClock
	random  *rand.Rand
	machine *simProcessor

	roundTrip time.Duration
	work      time.Duration // of its processor, for each call
	handshake time.Duration // of its processor, for each handshake
	service   time.Duration // in which it waits for something else, for each call
	slowCalls float64       // the part of the calls that takes slowTimes as long
	slowTimes float64
	most      int // calls at a time; others wait; zero: no limit
	dead      bool

	busy  int
	queue []func()
}

// answer calls fn when the answer of a request that is sent now arrives. A dead target
// never answers.
func (t *simTarget) answer(fn func()) {
	t.clock.after(t.roundTrip/2, func() {
		if t.dead {
			return
		}
		if t.most > 0 && t.busy >= t.most {
			t.queue = append(t.queue, fn)
			return
		}
		t.serve(fn)
	})
}

func (t *simTarget) serve(fn func()) {
	t.busy++
	service := time.Duration(float64(t.service) * (0.8 + 0.4*t.random.Float64()))
	if t.slowCalls > 0 && t.random.Float64() < t.slowCalls {
		service = time.Duration(float64(service) * t.slowTimes)
	}
	t.machine.use(t.work, func() {
		t.clock.after(service, func() {
			t.busy--
			if len(t.queue) > 0 {
				next := t.queue[0]
				t.queue = t.queue[1:]
				t.serve(next)
			}
			if !t.dead {
				t.clock.after(t.roundTrip/2, fn)
			}
		})
	})
}

// connect calls fn when a TCP connection is open.
func (t *simTarget) connect(fn func()) {
	t.clock.after(t.roundTrip, func() {
		if !t.dead {
			fn()
		}
	})
}

// shake calls fn when the target's part of a handshake arrives.
func (t *simTarget) shake(fn func()) {
	t.clock.after(t.roundTrip/2, func() {
		if !t.dead {
			t.machine.use(t.handshake, func() { t.clock.after(t.roundTrip/2, fn) })
		}
	})
}
