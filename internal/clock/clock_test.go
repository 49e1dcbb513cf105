package clock

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pass lets virtual time go by.
func pass(d time.Duration) { <-time.After(d) }

func TestManualSteps(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]time.Duration{"ahead": time.Hour, "back": -time.Hour, "not at all": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var c Manual
				start, mark := c.Now(), c.Mark()
				if !start.Equal(time.Now()) {
					t.Errorf("the zero value shows %v", start)
				}
				pass(3 * time.Second)
				c.Step(step / 2)
				c.Step(step / 2)
				if got := c.Now().Sub(start); got != 3*time.Second+step {
					t.Errorf("the wall clock moved by %s", got)
				}
				if got := NowMs(&c) - start.UnixMilli(); got != 3000+step.Milliseconds() {
					t.Errorf("in milliseconds: %d", got)
				}
				if got := c.Elapsed(mark); got != 3*time.Second {
					t.Errorf("by the clocks that nobody can set %s passed", got)
				}
				if got, want := c.Since(mark), 3*time.Second+max(step, 0); got != want {
					t.Errorf("at most %s passed, want %s", got, want)
				}
			})
		})
	}
}

// A machine that was suspended has a boot clock that has gone on.
func TestManualSuspends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Manual
		c.Suspend(time.Minute)
		start, mark := c.Now(), c.Mark()
		pass(time.Second)
		c.Suspend(time.Hour)
		wall, elapsed := c.Now().Sub(start), c.Elapsed(mark)
		if wall != time.Second || elapsed != time.Hour+time.Second {
			t.Errorf("%s by the wall clock, %s by the boot clock", wall, elapsed)
		}
		c.Step(2 * time.Hour)
		if got := c.Since(mark); got != 2*time.Hour+time.Second {
			t.Errorf("at most %s", got)
		}
	})
}

// The time that Manual shows carries no monotonic reading: two readings
// differ by what the wall clock says.
func TestManualShowsWallTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Manual
		before := c.Now()
		c.Step(-time.Minute)
		if got := c.Now().Sub(before); got != -time.Minute {
			t.Errorf("a minute back is %s", got)
		}
		if strings.Contains(before.String(), " m=") {
			t.Error("a monotonic reading is left")
		}
	})
}

func TestSystem(t *testing.T) {
	t.Parallel()
	const slew = 100 * time.Millisecond // the clocks are not set at the same rate
	var c System
	before := time.Now()
	mark := c.Mark()
	<-time.After(5 * time.Millisecond)
	since, elapsed := c.Since(mark), c.Elapsed(mark)
	took := time.Since(before)
	if c.Now().Before(before) || since < 5*time.Millisecond || elapsed < 5*time.Millisecond || since > took+slew ||
		elapsed > took+slew {
		t.Errorf("since %s, elapsed %s, of %s", since, elapsed, took)
	}
	if c.Since(Mark{}) < 24*time.Hour {
		t.Error("a mark that was never made is recent")
	}
}

// The boot clock is always zero where there is none; elsewhere it runs.
func TestBootTime(t *testing.T) {
	t.Parallel()
	a := bootTime()
	<-time.After(2 * time.Millisecond)
	if b := bootTime(); b < a || (a > 0 && b == a) {
		t.Errorf("%s, then %s", a, b)
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		wait   time.Duration
		cancel time.Duration // zero: never, negative: before
		want   bool
		took   time.Duration
	}{
		{"it passes", 5 * time.Second, 0, true, 5 * time.Second},
		{"the context ends first", 5 * time.Second, 2 * time.Second, false, 2 * time.Second},
		{"the context had ended", 5 * time.Second, -1, false, 0},
		{"nothing to wait for", 0, 0, true, 0},
		{"less than nothing", -time.Second, 0, true, 0},
		{"nothing to wait for, context ended", 0, -1, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				switch {
				case c.cancel < 0:
					cancel()
				case c.cancel > 0:
					time.AfterFunc(c.cancel, cancel)
				}
				start := time.Now()
				if got := Wait(ctx, c.wait); got != c.want || time.Since(start) != c.took {
					t.Errorf("%v after %s, want %v after %s", got, time.Since(start), c.want, c.took)
				}
			})
		})
	}
}

func TestSleepFine(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{-time.Second, 0, time.Microsecond, 3 * time.Millisecond} {
		began := time.Now()
		SleepFine(d)
		if took := time.Since(began); took < d {
			t.Errorf("%s: awake after %s", d, took)
		}
	}
}
