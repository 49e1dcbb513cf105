package alert

import (
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// What was scheduled as long ago as the window of a rule is in it, and what was scheduled a millisecond before is not.
func TestTheBoundOfAWindow(t *testing.T) {
	const now, window = 10_000_000, 600_000
	for ago, want := range map[int64]bool{window - 1: true, window: true, window + 1: false} {
		c := domain.Condition{Kind: domain.WhenDuration, ThresholdMs: 5_000, WindowMs: window}
		e := domain.Execution{Status: domain.StatusSuccess, FireKey: domain.FireKey{ScheduledAt: now - ago},
			StartedAt: now - ago, CompletedAt: now - ago + 9_000}
		if f := Judge(&c, []domain.Execution{e}, now); f.Met != want {
			t.Errorf("%d ms ago: %t, want %t", ago, f.Met, want)
		}
	}
}

// A success rate looks at what was scheduled as long ago as the longest window that a rule may have.
func TestTheBoundOfTheLongestWindow(t *testing.T) {
	for ago, want := range map[int64]bool{domain.MaxConditionMs: true, domain.MaxConditionMs + 1: false} {
		bubble(t, func(t *testing.T, w *world) {
			w.when(domain.Condition{Kind: domain.WhenSuccessRate, Percent: 50, Count: 2,
				WindowMs: domain.MaxConditionMs}, domain.ByJob)
			w.jobs(1, 1, payments)
			now := time.Now().UnixMilli()
			fail := func(at int64) {
				w.put(1, func(e *domain.Execution) {
					e.ScheduledAt, e.StartedAt, e.CompletedAt, e.Status = at, at, at, domain.StatusFailed
				})
			}
			fail(now - ago)
			fail(now)
			teller := w.teller()
			teller.settings = w.settings
			s := teller.begin(now)
			found, err := s.executions(t.Context(), jobID(1), domain.WhenSuccessRate)
			if err != nil {
				t.Fatal(err)
			}
			if f := Judge(&w.settings.Rules[0].When, found, now); f.Met != want || len(found) != int(f.Count) {
				t.Errorf("%d ms ago: %+v of %d, want %t", ago, f, len(found), want)
			}
		})
	}
}

// The watch counts by minutes: the one in which the window begins is the last that counts.
func TestTheBoundOfAWatchedWindow(t *testing.T) {
	const now, window = 100*minuteMs + 30_000, 10 * minuteMs // it begins within minute 90
	rule := domain.AlertRule{ID: "r", When: domain.Condition{Kind: domain.WhenMissed, WindowMs: window}}
	for at, want := range map[int64]bool{89 * minuteMs: false, 90 * minuteMs: true, 91 * minuteMs: true} {
		key := memberKey{"r", jobID(1)}
		w := watch{rules: []domain.AlertRule{rule}, minutes: map[int64]*minute{
			at: {hits: map[memberKey]*observed{key: {count: 1}}},
		}, seen: make(map[memberKey]*observed), ready: make(map[string]bool)}
		if got := len(w.suspects(&domain.Point{At: at, Missed: 1}, now)) > 0; got != want {
			t.Errorf("minute %d is read: %t, want %t", at/minuteMs, got, want)
		}
		w.sum(now, true, nil)
		if got := w.seen[key] != nil; got != want {
			t.Errorf("minute %d counts: %t, want %t", at/minuteMs, got, want)
		}
	}
}

// A disabled rule of any kind opens no group, and nothing is read for it.
func TestADisabledRuleFindsNothing(t *testing.T) {
	for _, kind := range domain.ConditionKinds {
		t.Run(string(kind), func(t *testing.T) {
			server(t, func(t *testing.T, w *world, b *broken) {
				w.change(func(s *Settings) {
					r := domain.DefaultRule()
					r.Disabled, r.When = true, domain.Condition{Kind: kind, ThresholdMs: 1, WindowMs: 600_000, Count: 1,
						Of: 1, Percent: 100}
					s.Rules = []domain.AlertRule{r}
				})
				w.jobs(1, 2, payments)
				b.set(Fault{"store", "it does not commit"})
				w.box.refuses["ops"] = &DeliveryError{Text: "410 Gone", Refused: true}
				for range 10 {
					w.fail(1)
					w.slow(1)
					w.wait(time.Minute)
				}
				if g := w.groups(); len(g) != 0 {
					t.Errorf("%d groups, the first one %s", len(g), g[0].State)
				}
				for _, method := range []string{"History.List", "History.Last", "History.Stream", "Series.Points",
					"Notices.MembersOf"} {
					if n := w.store.Count(method).Calls; n != 0 {
						t.Errorf("%d calls of %s", n, method)
					}
				}
			})
		})
	}
}

// What a rule has found is over when somebody disables it: without a message, and for good.
func TestARuleThatIsDisabledCloses(t *testing.T) {
	server(t, func(t *testing.T, w *world, b *broken) {
		b.set(Fault{"store", "it does not commit"})
		w.wait(5 * time.Minute)
		w.wantSet("Belfry has a fault: store")
		w.change(func(s *Settings) {
			s.Rules = slices.Clone(s.Rules)
			s.Rules[0].Disabled = true
		})
		w.wait(time.Hour)
		w.wantSet("Belfry has a fault: store")
		if g := w.groups(); len(g) != 1 || g[0].State != domain.GroupClosed {
			t.Errorf("%+v", g)
		}
	})
}

// Of two fires of a job that were not sent, a call of either one that is under way says that the job runs.
func TestTheLatestOfTwoThatWereNotSent(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 4, payments)
		w.succeed(1, 2, 3, 4)
		begun := time.Now().UnixMilli()
		begun -= begun % minuteMs
		w.wait(5*time.Minute + 30*time.Second)
		first, latest := begun+minuteMs, begun+3*minuteMs // 2.5 minutes ago, with a tolerance of two
		open := func(n int, at int64) domain.OpenRun {
			return domain.OpenRun{FireKey: domain.FireKey{JobID: jobID(n), ScheduledAt: at}, Version: 1, CreatedAt: at,
				Runner: 1, InFlight: true}
		}
		batch := store.Batch{Runner: 1, Open: []domain.OpenRun{
			open(1, first), open(2, latest), open(3, begun+2*minuteMs),
		}}
		if err := w.store.Ledger().Record(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		teller := w.teller()
		s := teller.begin(time.Now().UnixMilli())
		jobs, err := w.store.Jobs().List(t.Context(), store.JobQuery{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		r := &domain.AlertRule{When: domain.Condition{Kind: domain.WhenNotRun, ThresholdMs: 2 * minuteMs}}
		found, err := lateOf(t.Context(), s, r, jobs.Jobs)
		if err != nil || len(found) != 2 || found[jobID(3)] == nil || found[jobID(4)] == nil {
			t.Fatalf("%+v, %v", found, err)
		}
		if l := found[jobID(4)]; l.first != first || l.latest != latest {
			t.Errorf("due at %d and %d, want %d and %d", l.first, l.latest, first, latest)
		}
	})
}

// What a step has found of an alert counts in the step itself, and not what is stored of it: when it asks by what a
// group is silenced.
func TestASilenceIsAboutWhatTheStepHasFound(t *testing.T) {
	for _, c := range []struct {
		name   string
		fails  int // its alert opens in the step; zero: none does
		ends   int // likewise: it ends
		silent bool
	}{
		{"nothing changes", 0, 0, false},
		{"what was told ends", 0, 2, true},
		{"what is silenced ends", 0, 1, false},
		{"one more fails", 3, 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.jobs(1, 3, payments)
				w.silence("one", domain.AlertMatcher{Jobs: jobIDs(1, 1)}, time.Hour)
				w.begin()
				w.fail(1, 2)
				w.wait(20 * time.Second)
				w.stop()
				if c.fails != 0 {
					w.fail(c.fails)
				}
				if c.ends != 0 {
					w.succeed(c.ends)
				}
				teller := w.teller()
				groups, err := readOpenGroups(t.Context(), teller.notices)
				if err != nil || len(groups.all) != 1 {
					t.Fatal(groups, err)
				}
				teller.settings, teller.groups = w.settings, groups
				s := teller.begin(time.Now().UnixMilli())
				changes, err := s.notices.Changed(t.Context(), changesAtOnce)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.fold(t.Context(), changes); err != nil {
					t.Fatal(err)
				}
				for id := range groups.all {
					quiet, err := s.quiet(t.Context(), s.open(id))
					if err != nil || (quiet != nil) != c.silent {
						t.Errorf("%+v, %v, want %t", quiet, err, c.silent)
					}
				}
			})
		})
	}
}

// An alert that a step has withdrawn is not withdrawn once more by the round in the same step, which reads what is
// stored.
func TestARoundIsAboutWhatTheStepHasFound(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 3, payments)
		w.begin()
		w.fail(1, 2, 3)
		w.wait(20 * time.Second)
		w.want("ops", opened)
		w.stop()
		w.fail(1)
		now := time.Now().UnixMilli()
		paused := domain.Version{JobID: jobID(1), Number: 2, EffectiveFrom: now + 1, EffectiveTo: domain.Forever,
			CreatedAt: 1, Spec: domain.DefaultSpec()}
		paused.Spec.Schedule, paused.Spec.API = "0 * * * * *", payments
		if err := w.store.Jobs().Update(t.Context(), paused); err != nil {
			t.Fatal(err)
		}
		w.wait(time.Second)
		teller := w.teller()
		defer teller.sending.Wait()
		defer teller.stopCouriers()
		if _, err := teller.runOnce(t.Context()); err != nil { // its first step makes a round
			t.Fatal(err)
		}
		if c := w.groups()[0].Counts; c.Jobs != 2 || c.Withdrawn != 1 {
			t.Errorf("%+v", c)
		}
	})
}
