package engine

import (
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// A crash at any moment, and a start after a gap: every fire of the time
// before, of the gap and after it ends in one record, and at most once means
// at most once (see checker).
func TestCrashAtEveryMoment(t *testing.T) {
	t.Parallel()
	for _, gap := range []time.Duration{0, 1700 * time.Millisecond, 45 * time.Second} {
		t.Run(gap.String(), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				w.create(spec("?v=1"), spec("?v=1", once), spec("?v=1&delay=700"), spec("?v=1&delay=1300", once),
					spec("?v=1&status=500"), spec("?v=1&status=503&first=1", overlap(domain.OverlapQueue)),
					spec("?v=1", misfire(domain.MisfireRunLatest, 1, time.Hour)),
					spec("?v=1", misfire(domain.MisfireSkip, 1, time.Hour)))
				w.pass(3 * time.Second)
				for offset := 0; offset < 1000; offset += 240 {
					w.edge(time.Duration(offset) * time.Millisecond)
					w.reboot(true, gap)
					w.pass(4 * time.Second)
				}
				for _, id := range w.jobs {
					if _, err := w.update(id, func(d *domain.SpecDoc) {
						every(30)(d)
						d.API = "http://a.test/?v=2"
					}); err != nil {
						t.Fatal(err)
					}
				}
				until := w.now()
				w.pass(time.Minute)
				w.check(until)
			})
		})
	}
}

// The process dies with a write to the store: before the store did it, or
// after, when the answer is lost.
func TestCrashAtEveryWrite(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		t.Run(map[bool]string{false: "before the commit", true: "after the commit"}[after], func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				w.create(spec("?v=1"), spec("?v=1", once), spec("?v=1&status=503&first=1"),
					spec("?v=1&delay=600", once))
				for n := 1; n <= 12; n++ {
					w.gate.crashAtWrite(n, after)
					for !w.gate.dead() {
						w.pass(100 * time.Millisecond)
					}
					w.reboot(true, 300*time.Millisecond)
				}
				w.pass(30 * time.Second)
				w.check(w.now() - 5000)
			})
		})
	}
}

// What the misfire policy makes of a gap of 60 s after a stop in good order.
func TestMisfirePolicies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change       func(*domain.SpecDoc)
		sent, missed int64 // of the 60 or so fires of the gap
	}{
		"RUN_ALL":                 {misfire(domain.MisfireRunAll, 1000, time.Hour), 60, 0},
		"RUN_ALL, the latest ten": {misfire(domain.MisfireRunAll, 10, time.Hour), 10, 50},
		"RUN_ALL, 20 s old":       {misfire(domain.MisfireRunAll, 1000, 20*time.Second), 20, 40},
		"RUN_LATEST":              {misfire(domain.MisfireRunLatest, 1000, time.Hour), 1, 59},
		"SKIP":                    {misfire(domain.MisfireSkip, 1000, time.Hour), 0, 60},
		"RUN_ALL in a queue":      {func(d *domain.SpecDoc) { overlap(domain.OverlapQueue)(d) }, 60, 0},
		"at most once is sent too, nothing of it was": {once, 60, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				w.edge(300 * time.Millisecond)
				id := w.create(spec("?v=1", c.change))
				w.pass(3 * time.Second)
				if err := w.stop(time.Second); err != nil { // and a second passes
					t.Fatal(err)
				}
				before, from := len(w.targets.all()), w.now()-1000
				w.pass(59 * time.Second)
				w.boot()
				until := w.now()
				w.pass(20 * time.Second)
				w.check(until)
				late := int64(0)
				for _, s := range w.targets.all()[before:] {
					if s.Key.ScheduledAt <= until {
						late++
					}
				}
				if late != c.sent || w.statuses(id)[domain.StatusMissed] != c.missed {
					t.Errorf("%d sent late and %v on record of the fires from %d to %d, want %d and %d missed",
						late, w.statuses(id), from, until, c.sent, c.missed)
				}
			})
		})
	}
}

// The calls that a crash cut off: at least once sends them again with the next
// number of an attempt, at most once records that it does not know.
func TestUncertainFires(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		again := w.create(spec("?v=1&delay=300", every(20)))
		never := w.create(spec("?v=1&delay=300", every(20), once))
		manual, err := w.trigger(never)
		if err != nil {
			t.Fatal(err)
		}
		for len(w.targets.of(again)) == 0 {
			w.edge(100 * time.Millisecond)
		}
		w.reboot(true, 2*time.Second)
		until := w.now()
		w.pass(5 * time.Second)
		w.check(until)
		calls := w.targets.of(again)
		if len(calls) != 2 || calls[1].Attempt != 2 || calls[1].ExecutionID != calls[0].ExecutionID {
			t.Errorf("at least once: %+v", calls)
		}
		facts := w.facts(again)
		if x := facts[0]; x.Status != domain.StatusSuccess || x.RetryCount != 1 ||
			x.Attempts[0].Error != run.LostOutcome {
			t.Errorf("at least once on record: %+v", x)
		}
		for _, x := range w.facts(never) {
			want := domain.StatusUnknown
			if x.FireKey == manual.FireKey {
				want = domain.StatusSuccess
			}
			if x.Status != want {
				t.Errorf("at most once on record: %+v, want %s", x, want)
			}
		}
	})
}

// A request that is under way at three crashes in a row is not sent a fourth
// time.
func TestPoison(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		id := w.create(spec("?v=1&delay=5000", every(30)))
		for len(w.targets.of(id)) == 0 {
			w.edge(100 * time.Millisecond)
		}
		for range 4 {
			w.reboot(true, 0)
			w.pass(time.Second)
		}
		w.check(w.now())
		facts := w.facts(id)
		if n := len(w.targets.of(id)); n != 3 || len(facts) != 1 || facts[0].Status != domain.StatusFailed {
			t.Errorf("%d calls, on record %+v", n, facts)
		}
	})
}

// A recovered fire that only waited for its turn at the next crashes is no
// poison: it is marked on record before it is sent again, and it was not.
func TestWaitingThroughCrashesIsNoPoison(t *testing.T) {
	t.Parallel()
	// one late call at a time
	bubbleWith(t, Config{MaxInFlight: 4, MaxInFlightPerHost: 4}, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		w.create(spec("?v=1&delay=5000", every(30)), spec("?v=1&delay=5000", every(30)))
		a, b := w.jobs[0], w.jobs[1]
		for len(w.targets.of(a)) == 0 || len(w.targets.of(b)) == 0 {
			w.edge(100 * time.Millisecond)
		}
		for range 3 {
			w.reboot(true, 0)
			w.pass(time.Second)
		}
		w.pass(8 * time.Second)
		w.check(w.now())
		ends := map[domain.Status]int{}
		for _, id := range []domain.JobID{a, b} {
			for _, x := range w.facts(id) {
				ends[x.Status]++
			}
		}
		if ends[domain.StatusFailed] != 1 || ends[domain.StatusSuccess] != 1 {
			t.Errorf("on record %v, want the one that was sent at each crash FAILED and the other SUCCESS", ends)
		}
	})
}

// A recovered fire that waits for its turn when the job is paused may have been
// sent before the crash: the record does not say that it was skipped.
func TestPauseAfterACrash(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(w *world, id domain.JobID) error{
		"pause":  func(w *world, id domain.JobID) error { _, err := w.update(id, paused); return err },
		"delete": func(w *world, id domain.JobID) error { _, err := w.delete(id); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubbleWith(t, Config{MaxInFlight: 1, MaxInFlightPerHost: 1}, func(t *testing.T, w *world) {
				w.edge(300 * time.Millisecond)
				for range 3 {
					w.create(spec("?v=1&delay=200"))
				}
				w.gate.failAll(fault{before: errDisk}, opRecord)
				w.edge(900 * time.Millisecond) // all three were sent
				w.crash()
				w.boot()
				for _, id := range w.jobs {
					if err := edit(w, id); err != nil {
						t.Fatal(err)
					}
				}
				w.pass(20 * time.Second)
				w.check(w.now())
			})
		})
	}
}

// A retry that waits keeps its instant over a restart.
func TestRetriesSurvive(t *testing.T) {
	t.Parallel()
	for name, crash := range map[string]bool{"crash": true, "stop": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				w.edge(300 * time.Millisecond)
				id := w.create(spec("?v=1&status=503&first=1&after=20000",
					func(d *domain.SpecDoc) { d.Schedule = "40 * * * * *" }))
				for len(w.targets.of(id)) == 0 {
					w.edge(100 * time.Millisecond)
				}
				w.reboot(crash, time.Second)
				w.pass(25 * time.Second)
				w.check(w.now())
				calls := w.targets.of(id)
				if len(calls) != 2 || calls[1].wall-calls[0].wall != 20_000 || calls[1].Attempt != 2 {
					t.Errorf("%+v", calls)
				}
			})
		})
	}
}
