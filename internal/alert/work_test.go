package alert

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// kept is a store that notes what the steps of a teller keep.
type kept struct {
	store.Store
	steps []store.NoticeStep
}

type keptNotices struct {
	store.Notices
	into *kept
}

func (s *kept) Notices() store.Notices { return keptNotices{s.Store.Notices(), s} }

func (n keptNotices) Advance(ctx context.Context, s store.NoticeStep) error {
	n.into.steps = append(n.into.steps, s)
	return n.Notices.Advance(ctx, s)
}

// stepped is the most that one of some steps did.
type stepped struct{ steps, judged, queries, groups, members, messages int }

// steps makes steps of a teller until there is nothing more to be done at once.
func (w *world) steps(t *Teller) (most stepped) {
	w.t.Helper()
	noted := &kept{Store: t.Store}
	t.Store, t.notices = noted, noted.Notices()
	defer func() { t.Store, t.notices = noted.Store, noted.Store.Notices() }()
	count := func(methods ...string) (n int) {
		for _, m := range methods {
			n += w.store.Count(m).Calls
		}
		return n
	}
	for more := true; more; most.steps++ {
		if most.steps > 10_000 {
			w.t.Fatal("the steps do not end")
		}
		judged := count("History.List")
		queries := count("Notices.Members", "Notices.MembersOf", "Jobs.List")
		noted.steps = nil
		var err error
		if t.settings, err = t.Settings(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		if t.groups == nil {
			if t.groups, err = readOpenGroups(w.t.Context(), t.notices); err != nil {
				w.t.Fatal(err)
			}
		}
		if more, err = t.step(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		most.judged = max(most.judged, count("History.List")-judged)
		most.queries = max(most.queries, count("Notices.Members", "Notices.MembersOf", "Jobs.List")-queries)
		for _, s := range noted.steps {
			most.groups = max(most.groups, len(s.Groups))
			most.members = max(most.members, len(s.Members))
			most.messages = max(most.messages, len(s.Made))
		}
	}
	return most
}

// within reports what is more than a step may do.
func (w *world) within(what string, got, limit stepped) {
	w.t.Helper()
	if got.judged > limit.judged || got.queries > limit.queries || got.groups > limit.groups ||
		got.members > limit.members || got.messages > limit.messages {
		w.t.Errorf("%s: a step did %+v, more than %+v", what, got, limit)
	}
}

// mostOfAStep is what the budgets of a step allow, and one item more.
var mostOfAStep = stepped{
	judged:  foldWork/workJudge + roundWork/workJudge + 4,
	queries: 4 + roundWork/workQuery + decideWork/workQuery,
	groups:  changesAtOnce + appliedAtOnce + decideWork, members: foldWork + roundWork + appliedAtOnce,
	messages: decideWork,
}

// However much there is to be done, a step does its part, and steps that follow do all of it.
func TestTheWorkOfAStepIsBounded(t *testing.T) {
	failed := func(id string, count int) domain.AlertRule {
		r := domain.DefaultRule()
		r.ID, r.By = id, domain.ByJob
		r.When = domain.Condition{Kind: domain.WhenFailedOf, Count: count, Of: 10}
		return r
	}
	rate := failed("rate", 0)
	rate.When = domain.Condition{Kind: domain.WhenSuccessRate, Percent: 90}
	for name, rules := range map[string][]domain.AlertRule{
		"judged":   {failed("a", 1), failed("b", 1), failed("c", 2), rate},
		"not":      {domain.DefaultRule()},
		"by job":   {{ID: "j", Level: domain.LevelInfo, By: domain.ByJob, Timing: domain.DefaultTiming()}},
		"channels": {{ID: "j", Level: domain.LevelInfo, By: domain.ByJob, Timing: domain.DefaultTiming()}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				channels, jobs := 1, 600
				if name == "channels" {
					jobs = 260 // the store in memory looks through all messages
				}
				w.change(func(s *Settings) {
					s.Rules = rules
					for n := 2; name == "channels" && n <= 20; n++ {
						channels = n
						s.Channels = append(s.Channels, domain.Channel{ID: fmt.Sprint("c", n), Default: true})
					}
				})
				w.jobs(1, jobs, payments)
				w.fail(upTo(jobs)...)
				teller := w.teller()
				w.within("fold", w.steps(teller), mostOfAStep)
				w.wait(2 * time.Minute)
				w.within("open", w.steps(teller), mostOfAStep)
				want := jobs * channels
				switch name {
				case "judged":
					want = 3 * jobs
				case "not":
					want = 1
				}
				if n := len(w.all()); n != want {
					t.Errorf("there are %d messages, want %d", n, want)
				}
				w.wait(2 * time.Minute)
				w.succeed(upTo(jobs)...)
				w.within("round", w.steps(teller), mostOfAStep)
			})
		})
	}
}

// all returns all messages.
func (w *world) all() []domain.Notification {
	w.t.Helper()
	found, err := w.store.Notices().Messages(w.t.Context(), store.MessageQuery{Limit: 100_000})
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

// What is not decided on in a step is decided on after a crash, too.
func TestWhatWaitsForADecisionSurvivesACrash(t *testing.T) {
	const jobs = 130
	bubble(t, func(t *testing.T, w *world) {
		w.change(func(s *Settings) {
			s.Rules[0].By, s.Rules[0].Timing.RepeatMs = domain.ByJob, 0
			for n := range 40 {
				s.Channels = append(s.Channels, domain.Channel{ID: fmt.Sprint("c", n), Default: true})
			}
		})
		w.jobs(1, jobs, payments)
		w.fail(upTo(jobs)...)
		teller := w.teller()
		w.steps(teller)
		w.wait(time.Minute)
		w.steps(teller)
		w.wait(time.Minute)
		w.succeed(upTo(jobs)...)
		if more, err := teller.step(t.Context()); err != nil || !more {
			t.Fatalf("the step has decided on all of it: %v", err)
		}
		w.steps(w.teller())
		for _, g := range w.groups() {
			if g.State != domain.GroupRecovered {
				t.Fatalf("%s is %s, %+v", g.ID, g.State, g.Counts)
			}
		}
	})
}

// What acts at an instant is computed once in a step, for groups and for what is open.
func TestSilencesAreComputedOnceInAStep(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		now := time.Now().UnixMilli()
		s := w.teller().begin(now)
		s.settings.Silences = []domain.Silence{{ID: "s", From: now - 1, To: now + 60_000}}
		first, again := s.acting(now), s.acting(now)
		if len(first) != 1 || &first[0] != &again[0] {
			t.Error("they are computed again")
		}
		s.settings.Silences = nil
		if len(s.acting(now)) != 1 || len(s.acting(now-5)) != 0 || len(s.acts) != 2 {
			t.Error("another instant has what acted at this one")
		}
	})
}

// What a condition asks of the record is bounded, and read once for all rules.
func TestTheExecutionsOfAJobAreReadOnce(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 1, payments)
		w.fail(1)
		var asked []store.ExecutionQuery
		w.store = faulty.New(asking{w.store, &asked}, 1)
		w.change(func(s *Settings) {
			s.Rules = nil
			for n := range 20 {
				r := domain.DefaultRule()
				r.ID = fmt.Sprint("r", n)
				r.When = domain.Condition{Kind: domain.WhenFailedOf, Count: 1, Of: 1 + n}
				if n%2 == 0 {
					r.When = domain.Condition{Kind: domain.WhenSuccessRate, Percent: 1 + n}
				}
				s.Rules = append(s.Rules, r)
			}
		})
		w.steps(w.teller())
		if len(asked) != 2 {
			t.Errorf("%d queries", len(asked))
		}
		for _, q := range asked {
			if q.MaxWork == 0 || q.From == 0 || q.Limit == 0 || q.MaxBytes == 0 {
				t.Errorf("%+v has no bound", q)
			}
		}
	})
}

// asking is a store that notes which executions are asked for.
type asking struct {
	store.Store
	asked *[]store.ExecutionQuery
}

type askingHistory struct {
	store.History
	asked *[]store.ExecutionQuery
}

func (s asking) History() store.History { return askingHistory{s.Store.History(), s.asked} }

func (h askingHistory) List(ctx context.Context, q store.ExecutionQuery) (store.ExecutionPage, error) {
	*h.asked = append(*h.asked, q)
	return h.History.List(ctx, q)
}

func TestRestAfter(t *testing.T) {
	for _, c := range []struct {
		name string
		more bool
		took time.Duration
		want time.Duration
	}{
		{"nothing to do", false, time.Millisecond, lookEvery},
		{"nothing more after a long step", false, 10 * time.Second, lookEvery},
		{"more: a quarter of a processor", true, 40 * time.Millisecond, 120 * time.Millisecond},
		{"more after a long step", true, 10 * time.Second, lookEvery},
		{"more after a step that took no time", true, 0, 0},
	} {
		if got := restAfter(c.more, c.took); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
