package alert

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// timed is a store that calls itself unavailable when the time for a stream is over, as one on another machine does.
type timed struct{ store.Store }

type timedHistory struct{ store.History }

func (s timed) History() store.History { return timedHistory{s.Store.History()} }

func (h timedHistory) Stream(ctx context.Context, from, to int64, fn func([]domain.Execution) error) error {
	err := h.History.Stream(ctx, from, to, fn)
	if ctx.Err() != nil {
		return domain.Unavailable(ctx.Err(), "the history cannot be read")
	}
	return err
}

// A minute that cannot be read says nothing of what holds: nobody is told that it is over, and it is read again.
func TestAMinuteThatCannotBeReadIsNotOver(t *testing.T) {
	for name, r := range map[string]faulty.Rule{
		"fails": {Method: "History.Stream", Fault: faulty.FailBefore},
		"hangs": {Method: "History.Stream", Fault: faulty.HangBefore},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				long := domain.Condition{Kind: domain.WhenDuration, ThresholdMs: 5_000, WindowMs: 1_800_000}
				w.when(long, domain.ByJob)
				w.jobs(1, 1, payments)
				w.begin()
				w.put(1, func(e *domain.Execution) { e.StartedAt -= 9_000; e.ScheduledAt = e.StartedAt })
				w.wait(time.Minute)
				w.want("ops", opened)
				w.stop()
				inner := w.store
				inner.Add(r)
				w.store = faulty.New(timed{inner}, 1)
				w.begin()
				w.wait(10 * time.Minute)
				w.want("ops", opened)
				inner.Clear()
				w.wait(10 * time.Minute)
				w.want("ops", opened)
				w.wait(15 * time.Minute)
				w.want("ops", opened, isOver)
			})
		})
	}
}

// That messages of a channel that is gone cannot be ended delays nothing that people are told.
func TestMessagesThatCannotBeEndedDelayNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 1, payments)
		w.store.Add(faulty.Rule{Method: "AlertSettings.PendingByChannel", Fault: faulty.HangBefore})
		w.fail(1)
		w.begin()
		w.wait(15 * time.Second)
		w.want("ops", opened)
	})
}

// slow puts executions of jobs on record that have just taken too long.
func (w *world) slow(jobs ...int) {
	w.t.Helper()
	now := time.Now().UnixMilli()
	var b store.Batch
	for _, n := range jobs {
		b.Facts = append(b.Facts, domain.Execution{FireKey: domain.FireKey{JobID: jobID(n), ScheduledAt: now - 9_000},
			Version: 1, Status: domain.StatusSuccess, StartedAt: now - 9_000, CompletedAt: now})
	}
	if err := w.store.Ledger().Record(w.t.Context(), b); err != nil {
		w.t.Fatal(err)
	}
}

// Thousands of jobs that are as slow hide none that a rule is about.
func TestJobsThatARuleIsNotAboutHideNone(t *testing.T) {
	const last = hitsAMinute + 1
	for name, change := range map[string]func(*domain.AlertRule){
		"host": func(r *domain.AlertRule) { r.Match.Host = "mail.example.com" },
		"jobs": func(r *domain.AlertRule) { r.Match.Jobs = []domain.JobID{jobID(last)} },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				slow := domain.Condition{Kind: domain.WhenDuration, ThresholdMs: 5_000, WindowMs: 600_000}
				w.when(slow, domain.ByHost)
				w.change(func(s *Settings) { change(&s.Rules[0]) })
				w.jobs(1, last-1, payments)
				w.jobs(last, last, mail)
				w.slow(upTo(last)...)
				w.begin()
				w.wait(time.Minute)
				w.wantTitles("Slow: job " + jobID(last).String())
				w.wait(15 * time.Minute)
				w.want("ops", opened, isOver)
			})
		})
	}
}

// Where more jobs are slow than are kept of a minute, nobody is told that one of them is not.
func TestWhatIsNotKeptOfAMinuteIsNotOver(t *testing.T) {
	const last = hitsAMinute + 1
	bubble(t, func(t *testing.T, w *world) {
		w.when(domain.Condition{Kind: domain.WhenDuration, ThresholdMs: 5_000, WindowMs: 300_000}, domain.ByHost)
		w.jobs(1, last-1, payments)
		w.jobs(last, last, mail)
		w.begin()
		w.slow(last)
		w.wait(time.Minute)
		for range 10 {
			w.slow(upTo(last)...)
			w.wait(time.Minute)
		}
		for _, title := range w.titles() {
			if !strings.HasPrefix(title, "Slow: ") && !strings.HasPrefix(title, "Still slow: ") {
				t.Error(title)
			}
		}
		w.wait(15 * time.Minute)
		over := 0
		for _, kind := range w.box.types("ops") {
			if kind == isOver {
				over++
			}
		}
		if over != 2 {
			t.Errorf("%d groups are over, want 2: %q", over, w.titles())
		}
	})
}

// What is kept of all rules and minutes together is bounded, and a rule of which not all is kept ends nothing.
func TestWhatIsKeptOfAllRulesIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		const rules = hitsAtMost/hitsAMinute + 1
		w.jobs(1, hitsAMinute, payments)
		w.slow(upTo(hitsAMinute)...)
		settings := Settings{}
		for i := range rules {
			settings.Rules = append(settings.Rules, domain.AlertRule{ID: fmt.Sprintf("r%03d", i),
				When: domain.Condition{Kind: domain.WhenDuration, ThresholdMs: 5_000}})
		}
		var seen watch
		s := &stepping{stored: w.store, settings: &settings, now: time.Now().UnixMilli()}
		if err := seen.look(t.Context(), s, time.Now()); err != nil {
			t.Fatal(err)
		}
		kept := 0
		for _, m := range seen.minutes {
			kept += len(m.hits)
		}
		for _, r := range settings.Rules {
			if seen.ready[r.ID] {
				t.Fatalf("not all was kept of rule %s", r.ID)
			}
		}
		if kept != hitsAtMost {
			t.Errorf("%d are kept, want %d", kept, hitsAtMost)
		}
	})
}

// More jobs with lost fires than are read at a time hide none that a rule is about, and end nothing.
func TestManyLostFiresHideNone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.when(domain.Condition{Kind: domain.WhenLost}, domain.ByHost)
		w.change(func(s *Settings) { s.Rules[0].Match.Host = "mail.example.com" })
		w.jobs(1, 1, mail)
		w.jobs(2, lostAtOnce+1, payments)
		w.begin()
		lose := func(jobs ...int) {
			now := time.Now().UnixMilli()
			var losses []domain.Loss
			for _, n := range jobs {
				losses = append(losses, domain.Loss{JobID: jobID(n), ScheduledAt: now, Version: 1})
			}
			if _, err := w.store.Alerts().AddLost(t.Context(), losses, now); err != nil {
				t.Fatal(err)
			}
		}
		lose(1)
		w.wait(time.Minute)
		w.wantTitles("Fires lost: job " + jobID(1).String())
		lose(upTo(lostAtOnce + 1)[1:]...) // later ones
		w.wait(5 * time.Minute)
		w.want("ops", opened)
	})
}
