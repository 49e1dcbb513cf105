package alert

import (
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

func TestNotRun(t *testing.T) {
	const hour, minute, from = int64(3_600_000), int64(60_000), int64(1_800_000_000_000) // at the start of an hour
	spec := domain.DefaultSpec()
	spec.Schedule, spec.API = "0 0 * * * *", payments
	of := func(change func(*domain.Version)) *domain.Version {
		v := &domain.Version{JobID: jobID(1), Number: 1, EffectiveFrom: from, EffectiveTo: domain.Forever, Active: true,
			Spec: spec}
		change(v)
		return v
	}
	usual := of(func(*domain.Version) {})
	for _, c := range []struct {
		name          string
		v             *domain.Version
		ran, now      int64
		first, latest int64 // after from; zero: it is not late
	}{
		{"it has run", usual, from + 3*hour, from + 3*hour + 30*minute, 0, 0},
		{"due, within the tolerance", usual, from + 3*hour, from + 4*hour + 10*minute, 0, 0},
		{"due, and past it", usual, from + 3*hour, from + 4*hour + 10*minute + 1, 4 * hour, 4 * hour},
		{"for longer", usual, from + 3*hour, from + 9*hour, 4 * hour, 8 * hour},
		{"run between two fires, by hand", usual, from + 4*hour + 1, from + 5*hour, 0, 0},
		{"never, and just made", of(func(v *domain.Version) { v.EffectiveFrom++ }), 0, from + 50*minute, 0, 0},
		{"never", of(func(v *domain.Version) { v.EffectiveFrom++ }), 0, from + 2*hour, hour, hour},
		{"resumed, and not due since", of(func(v *domain.Version) { v.EffectiveFrom += 5*hour + 1 }), from + hour,
			from + 5*hour + 30*minute, 0, 0},
		{"resumed, and due since", of(func(v *domain.Version) { v.EffectiveFrom += 5*hour + 1 }), from + hour,
			from + 7*hour, 6 * hour, 6 * hour},
		{"paused", of(func(v *domain.Version) { v.Active = false }), from, from + 9*hour, 0, 0},
		{"paused until", of(func(v *domain.Version) { v.Active, v.Pause.Until = false, from+5*hour+1 }), from,
			from + 5*hour + 30*minute, 0, 0},
		{"paused until, and due since", of(func(v *domain.Version) { v.Active, v.Pause.Until = false, from+5*hour+1 }),
			from, from + 7*hour, 6 * hour, 6 * hour},
		{"over", of(func(v *domain.Version) { v.Spec.EndAt = from + 2*hour + 1 }), from + 2*hour, from + 9*hour, 0, 0},
		{"over, and its last fire was not sent", of(func(v *domain.Version) { v.Spec.EndAt = from + 2*hour + 1 }),
			from + hour, from + 9*hour, 2 * hour, 2 * hour},
		{"not begun", of(func(v *domain.Version) { v.Spec.StartAt = from + 100*hour }), 0, from + 9*hour, 0, 0},
		{"not a schedule", of(func(v *domain.Version) { v.Spec.Schedule = "?" }), 0, from + 9*hour, 0, 0},
	} {
		first, latest, found := NotRun(c.v, c.ran, 10*minute, c.now)
		if found != (c.first != 0) || found && (first != from+c.first || latest != from+c.latest) {
			t.Errorf("%s: %d, %d, %t", c.name, first-from, latest-from, found)
		}
	}
}

// notRun is a world of jobs that have run once, whose only rule is that they are to run.
func notRun(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	bubble(t, func(t *testing.T, w *world) {
		w.when(domain.Condition{Kind: domain.WhenNotRun, ThresholdMs: 180_000}, domain.ByJob)
		w.jobs(1, 5, payments)
		w.succeed(1, 2, 3, 4, 5)
		w.begin()
		test(t, w)
	})
}

func (w *world) skip(n int) {
	w.put(n, func(e *domain.Execution) { e.Status, e.StartedAt, e.Error = domain.StatusSkipped, 0, "still running" })
}

// People are told of a job that is not sent for longer than the tolerance, also after the end of a pause, whoever
// decides, and when it runs again. Not of one that is sent, that is paused, or of which a call is under way.
func TestAJobThatHasNotRunIsTold(t *testing.T) {
	notRun(t, func(t *testing.T, w *world) {
		spec := domain.DefaultSpec()
		spec.Schedule, spec.API, spec.Type = "0 * * * * *", payments, domain.AtLeastOnce
		now := time.Now().UnixMilli()
		paused := domain.Version{JobID: jobID(3), Number: 2, EffectiveFrom: now + 1, EffectiveTo: domain.Forever,
			CreatedAt: 1, Spec: spec}
		if err := w.store.Jobs().Update(t.Context(), paused); err != nil {
			t.Fatal(err)
		}
		ended := paused // nobody notes that this pause ends
		ended.JobID, ended.Pause.Until = jobID(5), now+30_000
		if err := w.store.Jobs().Update(t.Context(), ended); err != nil {
			t.Fatal(err)
		}
		under := domain.OpenRun{FireKey: domain.FireKey{JobID: jobID(4), ScheduledAt: now + 60_000}, Version: 1,
			InFlight: true, CreatedAt: now + 60_000, Runner: 1}
		batch := store.Batch{Open: []domain.OpenRun{under}, Runner: 1}
		if err := w.store.Ledger().Record(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		run := func(minutes int) {
			for range minutes {
				w.wait(time.Minute)
				w.succeed(1)
				w.skip(2)
			}
		}
		w.skip(2)
		run(3)
		w.want("ops")
		run(4)
		want := []string{"Not run: job " + jobID(2).String(), "Not run: job " + jobID(5).String()}
		w.wantSet(want...)
		text := ""
		for _, d := range w.box.of("ops") {
			text += d.Text()
		}
		for _, part := range []string{"has not run since 2000-01-01 00:00:00 UTC",
			"it was due at 2000-01-01 00:01:00 UTC", "is SKIPPED: still running"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s has no %q", text, part)
			}
		}
		w.stop()
		w.begin()
		run(10)
		w.wantSet(want...)
		w.wait(time.Second)
		w.succeed(2, 5)
		run(2)
		w.wantSet(append(want, "Running again: job "+jobID(2).String(), "Running again: job "+jobID(5).String())...)
	})
}

// wantSet compares the titles of what has come, in any order.
func (w *world) wantSet(want ...string) {
	w.t.Helper()
	got := make(map[string]int)
	for _, title := range w.titles() {
		got[title]++
	}
	for _, title := range want {
		got[title]--
	}
	for title, n := range got {
		if n != 0 {
			w.t.Errorf("%+d times %q", n, title)
		}
	}
}

// In an outage nothing runs. What is sent late after it is not told as not run.
func TestAnOutageIsNoNewsOfJobs(t *testing.T) {
	notRun(t, func(t *testing.T, w *world) {
		w.stop()
		w.wait(2 * time.Hour)
		w.begin()
		w.wait(time.Minute)
		w.succeed(1, 2, 3, 4, 5)
		w.wait(90 * time.Second)
		w.want("ops")
	})
}

// A page of jobs is looked at in a second, and every job in the end, of those that the rule is about.
func TestManyJobsAreLookedAtInPages(t *testing.T) {
	const jobs = 2*jobsAStep + 100
	bubble(t, func(t *testing.T, w *world) {
		w.when(domain.Condition{Kind: domain.WhenNotRun, ThresholdMs: 180_000}, domain.ByHost)
		w.change(func(s *Settings) { s.Rules[0].Match.Host = "payments.example.com" })
		w.jobs(1, jobs, payments)
		w.jobs(jobs+1, jobs+1, mail)
		w.succeed(upTo(jobs + 1)...)
		w.wait(10 * time.Minute)
		teller := w.teller()
		w.steps(teller)
		w.wait(recoverFor)
		for range 5 {
			before := w.store.Count("History.Last").Calls
			w.within("a page", w.steps(teller), mostOfAStep)
			if n := w.store.Count("History.Last").Calls - before; n > 1 {
				t.Errorf("%d pages in a second", n)
			}
			w.wait(lookEvery)
		}
		g := w.groups()
		if len(g) != 1 || g[0].Counts.Jobs != jobs {
			t.Fatalf("%+v", g)
		}
	})
}
