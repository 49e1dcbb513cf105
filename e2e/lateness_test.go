package e2e

import (
	"sync/atomic"
	"testing"
	"time"
)

// lateAtMost is how late a fire may be at its target on a machine that has time for
// the load of these tests. Some 20 ms are usual, 500 ms were measured with six
// others at work on each core. Within a second the fires of one are gone before
// those of the next are due.
const lateAtMost = time.Second

// stalls watches the machine itself: what keeps a goroutine of the test from
// running, which has nothing to do, keeps the server from sending too.
type stalls struct{ longest atomic.Int64 }

// stallBeat is how often it looks.
const stallBeat = 10 * time.Millisecond

func watchStalls(t *testing.T) *stalls {
	t.Helper()
	s, stop, done := new(stalls), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(stallBeat)
		defer tick.Stop()
		for last := time.Now(); ; {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			now := time.Now()
			s.longest.Store(max(s.longest.Load(), int64(now.Sub(last)-stallBeat)))
			last = now
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-done
	})
	return s
}

func (s *stalls) longestMs() int64 { return s.longest.Load() / int64(time.Millisecond) }

// wantTimely checks that something was late by no more than lateAtMost and the
// longest time for which the machine stalled.
func (s *stalls) wantTimely(t *testing.T, what string, ms int64) {
	t.Helper()
	late, stall := time.Duration(ms)*time.Millisecond, time.Duration(s.longest.Load())
	t.Logf("%s: %v late (the machine stalled for %v at most)", what, late, stall.Round(time.Millisecond))
	if late < 0 || late > lateAtMost+stall {
		t.Errorf("%s: %v late, want from 0 to %v beyond the %v for which the machine stalled", what, late,
			lateAtMost, stall)
	}
}
