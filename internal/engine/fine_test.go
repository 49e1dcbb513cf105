package engine

import (
	"testing"
	"time"
)

// The fine clock waits for the last moments before each instant, never for more, and the
// fires are sent at their instants no matter which clock waited last.
func TestFineClockWaitsTheLastMoments(t *testing.T) {
	t.Parallel()
	var slept []time.Duration
	cfg := Config{SleepFine: func(d time.Duration) {
		slept = append(slept, d)
		time.Sleep(d)
	}}
	bubbleWith(t, cfg, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		id := w.create(spec(""))
		w.pass(5 * time.Second)
		calls := w.targets.of(id)
		if len(calls) != 5 || len(slept) < 5 {
			t.Fatalf("%d calls in five seconds, and the fine clock waited %d times", len(calls), len(slept))
		}
		for _, d := range slept {
			if d < 0 || d > fineLead {
				t.Errorf("the fine clock waited for %s", d)
			}
		}
		for _, s := range calls {
			if s.wall != s.Key.ScheduledAt {
				t.Errorf("the fire of %d left at %d", s.Key.ScheduledAt, s.wall)
			}
		}
	})
}

func TestCoarse(t *testing.T) {
	t.Parallel()
	slept := time.Duration(-1)
	l := &loop{sleepFine: func(d time.Duration) { slept = d }}
	for _, c := range []struct{ wait, timer, fine time.Duration }{
		{time.Second, time.Second - fineLead, -1},
		{fineLead, 0, fineLead},
		{time.Microsecond, 0, time.Microsecond},
		{0, 0, 0},
	} {
		slept = -1
		if got := l.coarse(c.wait); got != c.timer || slept != c.fine {
			t.Errorf("%s: timer %s, fine %s, want %s and %s", c.wait, got, slept, c.timer, c.fine)
		}
	}
	l.sleepFine = nil
	if got := l.coarse(time.Millisecond); got != time.Millisecond {
		t.Errorf("without a fine clock the timer waits %s", got)
	}
}
