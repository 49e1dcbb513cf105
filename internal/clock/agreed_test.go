package clock

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// TestNextAgreement is the truth table of how two clocks stand to each other.
func TestNextAgreement(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, row := range []struct {
		now     Agreement
		ahead   time.Duration
		stepped bool
		want    Agreement
	}{
		{Agreeing, 0, false, Agreeing},
		{Agreeing, 250 * ms, false, Agreeing}, {Agreeing, -250 * ms, false, Agreeing},
		{Agreeing, 251 * ms, false, Corrected}, {Agreeing, -251 * ms, false, Corrected},
		{Agreeing, 2501 * ms, false, Off}, {Agreeing, -time.Hour, false, Off},
		{Agreeing, time.Hour, true, StoreStepped},
		{Corrected, 151 * ms, false, Corrected}, {Corrected, 150 * ms, false, Agreeing},
		{Corrected, 2500 * ms, false, Corrected}, {Corrected, -2501 * ms, false, Off},
		{Corrected, time.Hour, true, StoreStepped},
		{Off, 2001 * ms, false, Off}, {Off, 2000 * ms, false, Corrected}, {Off, 150 * ms, false, Agreeing},
		{StoreStepped, time.Hour, false, StoreStepped}, {StoreStepped, 151 * ms, false, StoreStepped},
		{StoreStepped, 150 * ms, false, Agreeing},
	} {
		if got := nextAgreement(row.now, row.ahead, row.stepped); got != row.want {
			t.Errorf("%+v: %s", row, got)
		}
	}
}

// TestAimOf is the truth table of the instant that the agreed clock is to show. The other clock
// shows 10 s by the best sample, and 9.95 s at least by all of them.
func TestAimOf(t *testing.T) {
	t.Parallel()
	const ms, slow, quick = time.Millisecond, 1500 * time.Millisecond, 100 * time.Millisecond
	for _, row := range []struct {
		agreement         Agreement
		told              bool
		wall, shown, want time.Duration
		within            time.Duration
	}{
		// A quick answer tells where the clocks stand, whatever was before.
		{Agreeing, true, 10_200 * ms, 9_000 * ms, 10_200 * ms, quick},
		{Agreeing, false, 10_200 * ms, 9_000 * ms, 10_200 * ms, quick},
		{Corrected, true, 11_000 * ms, 9_000 * ms, 10_100 * ms, quick},
		{Corrected, false, 9_000 * ms, 9_000 * ms, 9_900 * ms, quick},
		{Off, true, 70_000 * ms, 9_000 * ms, 10_100 * ms, quick},
		{StoreStepped, true, 70_000 * ms, 69_900 * ms, 70_000 * ms, quick},
		// Where that clock has made a step and the wall clock makes one, too, neither is known to be right.
		{StoreStepped, true, 70_000 * ms, 69_000 * ms, 69_000 * ms, quick},
		// However, it is not early by more than 250 ms for sure.
		{Agreeing, true, 10_300 * ms, 9_000 * ms, 10_200 * ms, quick},
		{Corrected, true, 11_000 * ms, 9_000 * ms, 10_200 * ms, 250 * ms},
		// A slow one is no reason to follow a step of the wall clock, either way.
		{Agreeing, true, 11_000 * ms, 10_000 * ms, 10_000 * ms, slow},
		{Agreeing, true, 9_000 * ms, 10_000 * ms, 10_000 * ms, slow},
		{Corrected, true, 12_000 * ms, 10_000 * ms, 10_000 * ms, slow},
		{Corrected, true, 10_000 * ms, 12_000 * ms, 11_500 * ms, slow},
		{Off, true, 70_000 * ms, 8_000 * ms, 8_500 * ms, slow},
		{StoreStepped, true, 70_000 * ms, 69_900 * ms, 70_000 * ms, slow},
		// Where no answer was quick so far, the clock is rather late than early.
		{Agreeing, false, 10_000 * ms, 10_000 * ms, 9_950 * ms, slow},
		{Agreeing, false, 11_000 * ms, 10_000 * ms, 9_950 * ms, slow},
		{Agreeing, false, 9_000 * ms, 10_000 * ms, 9_000 * ms, slow},
		{Corrected, false, 12_000 * ms, 12_000 * ms, 9_950 * ms, slow},
		{Off, false, 70_000 * ms, 10_000 * ms, 9_950 * ms, slow},
		{StoreStepped, false, 70_000 * ms, 69_000 * ms, 70_000 * ms, slow},
	} {
		got := aimOf(row.agreement, row.told, int64(row.wall), int64(row.shown), int64(9_950*ms),
			sample{int64(10_000 * ms), row.within})
		if time.Duration(got) != row.want {
			t.Errorf("%+v: %s", row, time.Duration(got))
		}
	}
}

// clocks are the clock of a node and that of a database, on virtual time.
type clocks struct {
	t      *testing.T
	wall   Manual
	agreed *Agreed
	other  time.Duration // how far the database's clock is from the true time
	random *rand.Rand
	trip   time.Duration // of a request, at most
}

func newClocks(t *testing.T, wall, other time.Duration) *clocks {
	c := &clocks{t: t, other: other, random: rand.New(rand.NewPCG(1, 2)), trip: 20 * time.Millisecond}
	c.wall.Step(wall)
	c.agreed = NewAgreed(&c.wall)
	return c
}

// sample asks the database. The answer is read somewhere in the middle.
func (c *clocks) sample() Agreement {
	asked := c.agreed.Mark()
	there, back := time.Duration(c.random.Int64N(int64(c.trip))), time.Duration(c.random.Int64N(int64(c.trip)))
	pass(there)
	said := time.Now().Add(c.other).UnixMilli()
	pass(back)
	return c.agreed.Sample(asked, said)
}

// watch samples each second, looks at the clock ten times in between, and checks that
// it goes by 0.95 to 1.05 of the time that passes.
func (c *clocks) watch(seconds int) (last Agreement) {
	c.t.Helper()
	for range seconds {
		last = c.sample()
		for range 10 {
			before, at := c.agreed.Now(), time.Now()
			pass(98 * time.Millisecond)
			moved, passed := c.agreed.Now().Sub(before), time.Since(at)
			if moved < passed*95/100-time.Microsecond || moved > passed*105/100+time.Microsecond {
				c.t.Fatalf("the clock moved by %s in %s", moved, passed)
			}
		}
	}
	return last
}

// off is how far the clock is from the true time.
func (c *clocks) off() time.Duration { return time.Until(c.agreed.Now()) }

func (c *clocks) wants(what string, got, want Agreement, low, high time.Duration) {
	c.t.Helper()
	if off := c.off(); got != want || off < low || off > high {
		c.t.Errorf("%s: %s and off by %s, want %s and %s to %s", what, got, off, want, low, high)
	}
}

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

const millisecond, second = time.Millisecond, time.Second

// TestAgreedStart: the first sample sets the clock at once, because nothing was planned yet.
func TestAgreedStart(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		c := newClocks(t, 100*millisecond, 0)
		c.wants("before the first sample", Agreeing, Agreeing, 100*millisecond, 100*millisecond)
		c.wants("which the wall clock agrees with", c.sample(), Agreeing, 99*millisecond, 101*millisecond)
		c = newClocks(t, time.Hour, 0)
		c.wants("a wall clock an hour ahead", c.sample(), Off, -20*millisecond, 20*millisecond)
		c = newClocks(t, -second, 0)
		c.wants("a wall clock a second behind", c.sample(), Corrected, -20*millisecond, 20*millisecond)
	})
}

// TestAgreedSlews: a wall clock that is set wrong while the node runs is corrected
// gradually, and trusted again when it is right.
func TestAgreedSlews(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		c := newClocks(t, 0, 0)
		c.wants("all is right", c.watch(5), Agreeing, -20*millisecond, 20*millisecond)
		c.wall.Step(2 * second)
		c.wants("the wall clock is set 2 s ahead", c.watch(60), Corrected, -20*millisecond, 20*millisecond)
		c.wall.Step(-2 * second)
		c.wants("and mended", c.watch(10), Agreeing, -20*millisecond, 20*millisecond)
		c.wall.Step(-time.Hour)
		c.wants("it is set an hour behind", c.watch(10), Off, -20*millisecond, 20*millisecond)
		c.wall.Step(time.Hour)
		c.wants("and mended", c.watch(10), Agreeing, -20*millisecond, 20*millisecond)
		c.wall.Step(200 * millisecond)
		c.wants("within what is allowed", c.watch(30), Agreeing, 199*millisecond, 201*millisecond)
	})
}

// TestAgreedConverges: a difference of a second is made up within 20 seconds, not at once.
func TestAgreedConverges(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		c := newClocks(t, 0, 0)
		c.watch(5)
		c.other = second // a step that is too small to be an error
		c.wants("three samples are needed to believe it", c.watch(4), Corrected, 0, 100*millisecond)
		c.wants("half of it", c.watch(9), Corrected, 400*millisecond, 650*millisecond)
		c.wants("all of it", c.watch(12), Corrected, 980*millisecond, 1020*millisecond)
	})
}

// TestStoreSteps: the clock of the database makes a step of an hour, either way. The node
// keeps its time, and goes on with the database's when that is right again.
func TestStoreSteps(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{time.Hour, -time.Hour, 11 * second, -11 * second} {
		bubble(t, func(t *testing.T) {
			c := newClocks(t, 0, 0)
			c.watch(70)
			c.other = step
			c.wants("a step", c.watch(70), StoreStepped, -20*millisecond, 20*millisecond)
			c.other = 0
			c.wants("mended", c.watch(70), Agreeing, -20*millisecond, 20*millisecond)
		})
	}
}

// TestBothStep: where both clocks are set to another time, that is the right one.
func TestBothStep(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		c := newClocks(t, 0, 0)
		c.watch(10)
		c.other = time.Hour
		c.wall.Step(time.Hour)
		last := Agreeing
		for range 5 { // not watch: a step of an hour is not made up gradually
			last = c.sample()
			pass(second)
		}
		c.wants("both", last, Agreeing, time.Hour-20*millisecond, time.Hour+20*millisecond)
	})
}

// TestWallStepsAfterStore: a node keeps its time while the clock of the database is wrong, also where
// its wall clock is then set wrong. When the database's is right again, the node goes by that.
func TestWallStepsAfterStore(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{time.Hour, -time.Hour, second} {
		bubble(t, func(t *testing.T) {
			c := newClocks(t, 0, 0)
			c.watch(10)
			c.other = -70 * time.Minute
			c.wants("the database's", c.watch(10), StoreStepped, -20*millisecond, 20*millisecond)
			c.wall.Step(step)
			c.wants("and the wall clock", c.watch(70), StoreStepped, -20*millisecond, 20*millisecond)
			c.other = 0
			want := Off
			if step.Abs() < offBeyond {
				want = Corrected
			}
			c.wants("the database's is mended", c.watch(10), want, -20*millisecond, 20*millisecond)
			c.wall.Step(-step)
			c.wants("both are", c.watch(10), Agreeing, -20*millisecond, 20*millisecond)
		})
	}
}

// TestEachToAnotherTime: where both clocks are set, each to another time, neither is known to
// be right.
func TestEachToAnotherTime(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		c := newClocks(t, 0, 0)
		c.watch(10)
		c.other = time.Hour
		c.wall.Step(-time.Minute)
		last := Agreeing
		for range 5 {
			last = c.sample()
			pass(second)
		}
		c.wants("each to another time", last, Off, time.Hour-20*millisecond, time.Hour+20*millisecond)
	})
}

// TestSlowAnswers: an answer that took long says little, and does not move the clock.
func TestSlowAnswers(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		c := newClocks(t, 0, 0)
		c.watch(10)
		c.trip = 4 * second
		for range 40 {
			if got := c.sample(); got != Agreeing {
				t.Fatalf("%s after a slow answer", got)
			}
		}
		c.wants("slow answers", Agreeing, Agreeing, -20*millisecond, 20*millisecond)
	})
}

// TestSlowFirstAnswer: an answer that takes long says little, also where it is the first one. While
// there was no quick one, the clock is late rather than early, by the time of an answer at most, and
// never goes back after the first. With the first quick one it is right at once.
func TestSlowFirstAnswer(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		for _, wall := range []time.Duration{0, second, -second, 2 * second, time.Hour} {
			c := newClocks(t, wall, 0)
			shown := time.Time{}
			for range 20 {
				c.trip = 3 * second
				asked := c.agreed.Mark()
				c.sample()
				c.wants("a slow answer", Agreeing, Agreeing, min(wall, 0)-c.agreed.Elapsed(asked), 0)
				if now := c.agreed.Now(); now.Before(shown) {
					t.Fatalf("the clock went back by %s", shown.Sub(now))
				}
				pass(second)
				shown = c.agreed.Now()
			}
			c.trip = 20 * millisecond
			c.sample()
			c.wants("a quick answer", Agreeing, Agreeing, -20*millisecond, 20*millisecond)
		}
	})
}

// TestStepWhileAnswersAreSlow: a step of the wall clock is not followed while no answer tells whether the
// other clock agrees with it, neither before the first quick answer nor after the last. The clock does not go back.
func TestStepWhileAnswersAreSlow(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{second, -second} {
		for _, before := range []int{0, 5} { // quick answers
			bubble(t, func(t *testing.T) {
				c := newClocks(t, 0, 0)
				for range before {
					c.sample()
				}
				c.trip = 1500 * millisecond
				c.sample()
				shown := c.agreed.Now()
				c.wall.Step(step)
				for range maxSamples + 10 { // until no quick answer is left
					c.sample()
					if now := c.agreed.Now(); now.Before(shown) {
						t.Fatalf("it went back by %s: a step of %s, %d quick answers", shown.Sub(now), step, before)
					}
					shown = c.agreed.Now()
					if off := c.off(); off > agreeWithin || before > 0 && off < -agreeWithin {
						t.Fatalf("off by %s after a step of %s and %d quick answers", off, step, before)
					}
				}
			})
		}
	}
}

// TestStepBeforeTheFirstSample: a clock that is wrong when the first answers are too slow to tell is
// right with the first quick one.
func TestStepBeforeTheFirstSample(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		c := newClocks(t, time.Second, 0)
		c.trip = 3 * time.Second
		c.sample()
		c.trip = 20 * time.Millisecond
		c.wants("the first quick answer", c.sample(), Corrected, -20*millisecond, 20*millisecond)
	})
}

// TestOneWildSample: one or two samples that cannot be true change nothing.
func TestOneWildSample(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		c := newClocks(t, 0, 0)
		c.watch(10)
		for range 20 {
			c.other = time.Hour
			c.sample()
			c.sample()
			c.other = 0
			c.wants("two wild samples", c.watch(1), Agreeing, -20*millisecond, 20*millisecond)
		}
	})
}

// TestDrift: a wall clock that goes wrong by a thousandth is noticed and corrected before it
// is half a second off.
func TestDrift(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		c := newClocks(t, 0, 0)
		worst := time.Duration(0)
		for range 1_000 {
			c.watch(1)
			c.wall.Step(millisecond)
			worst = max(worst, c.off().Abs())
		}
		got, _ := c.agreed.Agreement()
		if n := len(c.agreed.samples); n > maxSamples {
			t.Errorf("%d samples are kept", n)
		}
		c.wants("a drift of a second", got, Corrected, -60*millisecond, 60*millisecond)
		if worst > 300*millisecond {
			t.Errorf("the clock was off by %s", worst)
		}
	})
}

// waiting is a clock after each reading of which the process has to wait for the processor.
type waiting struct{ Clock }

func (w waiting) Now() time.Time {
	defer pass(3 * time.Millisecond)
	return w.Clock.Now()
}

func (w waiting) Mark() Mark {
	defer pass(3 * time.Millisecond)
	return w.Clock.Mark()
}

func (w waiting) Elapsed(m Mark) time.Duration {
	defer pass(3 * time.Millisecond)
	return w.Clock.Elapsed(m)
}

// A process that has to wait in the middle of a sample is late, and never early.
func TestASampleThatIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClocks(t, 0, 0)
		c.agreed = NewAgreed(waiting{&c.wall})
		for range 100 {
			c.sample()
			for range 10 {
				if off := c.off(); off > 0 || off < -100*time.Millisecond {
					t.Fatalf("the clock is off by %s", off)
				}
				pass(98 * time.Millisecond)
			}
		}
	})
}
