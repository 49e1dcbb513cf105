package engine

import (
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Steps of the wall clock: whatever it does, each fire is on record once and
// none is sent before its time (see checker).
func TestClockSteps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step     time.Duration
		pass     time.Duration // before the check
		sent     int           // calls of the RUN_ALL job in that time, at least
		sentMost int
	}{
		"back an hour: nothing twice":                   {-time.Hour, time.Minute, 0, 0},
		"back five minutes: goes on":                    {-5 * time.Minute, 6 * time.Minute, 59, 61},
		"back two seconds":                              {-2 * time.Second, time.Minute, 57, 59},
		"ahead five minutes: late":                      {5 * time.Minute, 30 * time.Second, 328, 332},
		"ahead twenty minutes: not within a minute":     {20 * time.Minute, 58 * time.Second, 0, 0},
		"ahead twenty minutes: then the misfire policy": {20 * time.Minute, 100 * time.Second, 1000, 1100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				w.edge(300 * time.Millisecond)
				w.create(spec(""), spec("", once), spec("?status=500&first=1"),
					spec("", misfire(domain.MisfireSkip, 1, time.Hour)))
				id := w.jobs[0]
				w.pass(5 * time.Second)
				before := len(w.targets.of(id))
				w.clk.Step(c.step)
				w.pass(c.pass)
				if n := len(w.targets.of(id)) - before; n < c.sent || n > c.sentMost {
					t.Errorf("%d calls after the step, want %d to %d", n, c.sent, c.sentMost)
				}
				w.pass(90 * time.Second)
				w.check(min(w.now()-3000, w.eng.shards.Watermark()))
			})
		})
	}
}

// A big step that is taken back within the minute changes nothing.
func TestClockStepTakenBack(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		id := w.create(spec(""))
		w.pass(5 * time.Second)
		w.clk.Step(24 * time.Hour)
		w.pass(20 * time.Second)
		w.clk.Step(-24 * time.Hour)
		w.pass(20 * time.Second)
		w.check(w.now() - 2000)
		if n := len(w.targets.of(id)); n < 43 || n > 46 {
			t.Errorf("%d calls in 45 s", n)
		}
	})
}

// An edit while the timetable is behind the clock takes no fire of the old
// version away.
func TestEditWhileTheTimetableIsBehind(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(w *world, id domain.JobID) error{
		"update": func(w *world, id domain.JobID) error { _, err := w.update(id, target("?v=2")); return err },
		"pause":  func(w *world, id domain.JobID) error { _, err := w.update(id, paused); return err },
		"delete": func(w *world, id domain.JobID) error { _, err := w.delete(id); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				w.edge(300 * time.Millisecond)
				id := w.create(spec("?v=1"))
				w.pass(5 * time.Second)
				w.clk.Step(20 * time.Minute)
				w.pass(10 * time.Second) // the step is not believed yet
				if err := edit(w, id); err != nil {
					t.Fatal(err)
				}
				w.pass(2 * time.Minute)
				w.check(w.now() - 2000)
			})
		})
	}
}

// A watermark far ahead of the clock is refused, unless it is reset.
func TestWatermarkInTheFuture(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.create(spec("?v=1"))
		w.pass(3 * time.Second)
		if err := w.stop(time.Second); err != nil {
			t.Fatal(err)
		}
		w.clk.Step(4 * time.Hour)
		w.boot()
		w.pass(3 * time.Minute)
		if err := w.stop(time.Second); err != nil {
			t.Fatal(err)
		}
		w.clk.Step(-4 * time.Hour)
		if err := w.tryBoot(); err == nil {
			t.Fatal("a watermark four hours ahead was accepted")
		}
		w.cfg.ResetWatermark = true
		w.boot()
		before := len(w.targets.all())
		w.pass(10 * time.Second)
		if n := len(w.targets.all()) - before; n < 9 {
			t.Errorf("%d calls in 10 s after the reset", n)
		}
	})
}

// Ten minutes are not far: the engine waits for the clock to catch up, and says so.
func TestWatermarkMinutesAhead(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.create(spec("?v=1"))
		w.pass(3 * time.Second)
		if err := w.stop(time.Second); err != nil {
			t.Fatal(err)
		}
		w.clk.Step(-10 * time.Minute)
		w.boot()
		before := len(w.targets.all())
		w.pass(time.Minute)
		if h := w.eng.Health(); h.Ready {
			t.Error("the engine stands still and is well")
		}
		if n := len(w.targets.all()) - before; n != 0 {
			t.Errorf("%d calls", n)
		}
		w.pass(10 * time.Minute)
		w.check(w.now() - 2000)
	})
}
