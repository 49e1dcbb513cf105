package e2e

import (
	"sync/atomic"
	"testing"
	"time"
)

// lateAtMost is how late a fire may reach its target on a machine that can carry the
// load of these tests. About 20 ms is usual; 500 ms was measured with six other
// processes running on each core. A second is the bound because the fires of one
// second must be sent before those of the next are due.
const lateAtMost = time.Second

// stalls measures stalls of the machine: what keeps an idle goroutine of the test
// from running also keeps the server from sending.
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
