package alert

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// when makes the only rule one of a condition.
func (w *world) when(c domain.Condition, by domain.GroupBy) {
	w.change(func(s *Settings) {
		s.Rules = []domain.AlertRule{domain.DefaultRule()}
		s.Rules[0].When, s.Rules[0].By = c, by
	})
}

// titles are the first lines of what a channel has got.
func (w *world) titles() (titles []string) {
	for _, d := range w.box.of("ops") {
		titles = append(titles, d.Title())
	}
	return titles
}

func (w *world) wantTitles(want ...string) {
	w.t.Helper()
	if got := w.titles(); !slices.Equal(got, want) {
		w.t.Errorf("the titles are %q, want %q", got, want)
	}
}

// put records an execution of a job that ended now.
func (w *world) put(n int, change func(*domain.Execution)) {
	w.t.Helper()
	now := time.Now().UnixMilli()
	e := domain.Execution{FireKey: domain.FireKey{JobID: jobID(n), ScheduledAt: now}, Version: 1,
		Status: domain.StatusSuccess, StartedAt: now, CompletedAt: now}
	change(&e)
	if err := w.store.Ledger().Record(w.t.Context(), store.Batch{Facts: []domain.Execution{e}}); err != nil {
		w.t.Fatal(err)
	}
}

// Of a job that fails now and then, people are told when it fails often, and when it does not any more; whoever
// decides meanwhile.
func TestFailedOfLast(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.when(domain.Condition{Kind: domain.WhenFailedOf, Count: 3, Of: 6}, domain.ByJob)
		w.jobs(1, 2, payments)
		w.begin()
		w.fail(2) // once only
		for range 2 {
			w.fail(1)
			w.wait(time.Minute)
			w.succeed(1)
			w.wait(time.Minute)
		}
		w.want("ops")
		w.fail(1)
		w.wait(time.Second)
		w.stop()
		w.begin()
		w.wait(time.Minute)
		w.wantTitles("Failing often: job " + jobID(1).String())
		g := w.box.of("ops")[0].Groups[0]
		want := "3 of the last 5 executions failed: 503 Service Unavailable: out of disks"
		if g.Samples[0].Error != want || g.Counts.Failures != 3 || g.When != domain.WhenFailedOf {
			t.Errorf("%+v", g)
		}
		for range 3 {
			w.succeed(1)
			w.wait(time.Second)
		}
		w.wait(2 * time.Minute)
		w.wantTitles("Failing often: job "+jobID(1).String(), "Recovered: job "+jobID(1).String())
		w.wait(quietMs * time.Millisecond)
		if g := w.groups(); len(g) != 1 || g[0].State != domain.GroupClosed {
			t.Errorf("%+v", g)
		}
	})
}

func TestSuccessRate(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.when(domain.Condition{Kind: domain.WhenSuccessRate, Percent: 80, Count: 5, WindowMs: 600_000}, domain.ByHost)
		w.jobs(1, 1, payments)
		w.begin()
		for range 8 {
			w.succeed(1)
			w.wait(time.Second)
		}
		for range 2 {
			w.fail(1)
			w.wait(time.Second)
		}
		w.wait(time.Minute)
		w.want("ops") // 8 of 10
		w.fail(1)
		w.wait(time.Minute)
		w.want("ops", opened)
		w.wait(10 * time.Minute) // nothing runs: there is nothing to say any more
		w.want("ops", opened, isOver)
	})
}

// What is missed, skipped, slow or late leads to a message while it is within the window, and to one when it is not.
func TestWhatTheRecordShows(t *testing.T) {
	long := func(e *domain.Execution) { e.StartedAt -= 9_000; e.ScheduledAt = e.StartedAt }
	late := func(e *domain.Execution) { e.ScheduledAt -= 9_000 }
	unsent := func(s domain.Status) func(*domain.Execution) {
		return func(e *domain.Execution) { e.Status, e.StartedAt, e.CompletedAt = s, 0, time.Now().UnixMilli() }
	}
	for _, c := range []struct {
		kind   domain.ConditionKind
		bad    func(*domain.Execution)
		titles [2]string
		text   string
	}{
		{domain.WhenDuration, long, [2]string{"Slow", "No longer slow"}, "took 9s, longer than 5s"},
		{domain.WhenDrift, late, [2]string{"Late", "On time again"}, "started 9s late, later than 5s"},
		{domain.WhenMissed, unsent(domain.StatusMissed), [2]string{"Fires missed", "No more fires missed"},
			"1 fire missed in 10m0s"},
		{domain.WhenSkipped, unsent(domain.StatusSkipped), [2]string{"Fires skipped", "No more fires skipped"},
			"1 fire skipped in 10m0s"},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				when := domain.Condition{Kind: c.kind, WindowMs: 600_000}
				if c.kind == domain.WhenDuration || c.kind == domain.WhenDrift {
					when.ThresholdMs = 5_000
				}
				w.when(when, domain.ByJob)
				w.jobs(1, 3, payments)
				w.put(3, c.bad) // before the server is started
				w.wait(15 * time.Minute)
				w.begin()
				w.put(1, func(*domain.Execution) {})
				w.put(2, c.bad)
				w.wait(time.Minute)
				w.wantTitles(c.titles[0] + ": job " + jobID(2).String())
				for _, d := range w.box.of("ops") {
					if s := d.Groups[0].Samples[0]; s.Error != c.text || s.Execution.String() == "" {
						t.Errorf("%+v", s)
					}
				}
				w.stop()
				w.begin()
				w.wait(5 * time.Minute)
				w.wantTitles(c.titles[0] + ": job " + jobID(2).String())
				w.wait(8 * time.Minute)
				w.wantTitles(c.titles[0]+": job "+jobID(2).String(), c.titles[1]+": job "+jobID(2).String())
			})
		})
	}
}

// What a minute has is read again when a result of it comes late, and not otherwise.
func TestAMinuteIsReadOnce(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.when(domain.Condition{Kind: domain.WhenSkipped, Count: 2}, domain.ByJob)
		w.jobs(1, 1, payments)
		w.begin()
		skip := func(e *domain.Execution) { e.Status, e.StartedAt = domain.StatusSkipped, 0 }
		w.put(1, skip)
		w.wait(10 * time.Minute)
		w.want("ops")
		before := w.store.Count("History.Stream").Calls
		w.wait(10 * time.Minute)
		if now := w.store.Count("History.Stream").Calls; now != before || before == 0 {
			t.Errorf("the record was read %d times, and %d times more while nothing happened", before, now-before)
		}
		w.put(1, func(e *domain.Execution) { skip(e); e.ScheduledAt -= 20*60_000 - 1 })
		w.wait(time.Minute)
		w.want("ops", opened)
	})
}

func TestLostFiresAreTold(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.when(domain.Condition{Kind: domain.WhenLost}, domain.ByHost)
		w.jobs(1, 2, payments)
		w.begin()
		w.fail(2)
		now := clock.NowMs(clock.System{})
		lose := func(n int, at int64) {
			losses := []domain.Loss{{JobID: jobID(n), ScheduledAt: at, Version: 1}}
			_, err := w.store.Alerts().AddLost(t.Context(), losses, clock.NowMs(clock.System{}))
			if err != nil {
				t.Fatal(err)
			}
		}
		lose(1, now-60_000)
		w.wait(time.Minute)
		w.wantTitles("Fires lost: job " + jobID(1).String())
		if s := w.box.of("ops")[0].Groups[0].Samples[0]; !strings.HasSuffix(s.Error, "has no record") {
			t.Errorf("%+v", s)
		}
		w.wait(time.Hour)
		w.want("ops", opened)
		lose(2, now-50_000)
		w.wait(6 * time.Minute)
		w.want("ops", opened, updated)
		w.wait(25 * time.Hour)
		if types := w.box.types("ops"); types[len(types)-1] != isOver {
			t.Errorf("%v", types)
		}
	})
}

// A rule that is about something else now closes the groups that it had.
func TestAConditionThatChangesClosesGroups(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.when(domain.Condition{Kind: domain.WhenLost}, domain.ByHost)
		w.jobs(1, 1, payments)
		now := clock.NowMs(clock.System{})
		losses := []domain.Loss{{JobID: jobID(1), ScheduledAt: now}}
		if _, err := w.store.Alerts().AddLost(t.Context(), losses, now); err != nil {
			t.Fatal(err)
		}
		w.begin()
		w.wait(time.Minute)
		w.want("ops", opened)
		w.when(domain.Condition{}, domain.ByHost)
		w.wait(time.Minute)
		if g := w.groups(); len(g) != 1 || g[0].State != domain.GroupClosed {
			t.Errorf("%+v", g)
		}
		w.fail(1)
		w.wait(time.Minute)
		w.want("ops", opened, opened)
	})
}

// Whatever was found before is found again where it is more than a step applies.
func TestManySlowJobsAreOneMessage(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		const jobs = hitsAMinute
		w.when(domain.Condition{Kind: domain.WhenDuration, ThresholdMs: 5_000, WindowMs: 600_000}, domain.ByHost)
		w.jobs(1, jobs, payments)
		now := time.Now().UnixMilli()
		var b store.Batch
		for _, n := range upTo(jobs) {
			key := domain.FireKey{JobID: jobID(n), ScheduledAt: now}
			b.Facts = append(b.Facts, domain.Execution{FireKey: key, Version: 1, Status: domain.StatusSuccess,
				StartedAt: now, CompletedAt: now + 6_000})
		}
		if err := w.store.Ledger().Record(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		w.begin()
		w.wait(time.Minute)
		w.wantTitles("Slow: payments.example.com:443, 1,000 jobs")
		w.wait(15 * time.Minute)
		w.want("ops", opened, isOver)
	})
}
