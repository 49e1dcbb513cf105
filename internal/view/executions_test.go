package view

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
	"github.com/google/go-cmp/cmp"
)

func TestMergeNewest(t *testing.T) {
	a, b := domain.JobID{1}, domain.JobID{2}
	e := func(job domain.JobID, at, nonce int64, s domain.Status) domain.Execution {
		return domain.Execution{FireKey: domain.FireKey{JobID: job, ScheduledAt: at, Nonce: nonce}, Status: s}
	}
	facts := []domain.Execution{e(a, 9, 0, "SUCCESS"), e(b, 5, 2, "FAILED"), e(a, 5, 2, "SUCCESS")}
	live := []domain.Execution{e(a, 10, 0, "RUNNING"), e(b, 5, 3, "PENDING"), e(b, 5, 2, "RUNNING"),
		e(a, 1, 0, "PENDING")}
	want := []domain.Execution{live[0], facts[0], live[1], facts[1], facts[2], live[3]}
	if diff := cmp.Diff(want, mergeNewest(facts, live)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(facts, mergeNewest(facts, nil)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(live, mergeNewest(nil, live)); diff != "" {
		t.Error(diff)
	}
}

// source is a live source of what a test says. looked is called after each look.
type source struct {
	runs   []domain.Execution
	health domain.Health
	fired  map[domain.JobID]bool // an hour ago or earlier
	fires  []domain.FireKey      // to come, in order
	asked  []int                 // for so many next fires each
	looked func()
}

func (s *source) Live(id domain.ExecutionID) (domain.Execution, bool) {
	defer s.looked()
	for _, x := range s.runs {
		if x.ID() == id {
			return x, true
		}
	}
	return domain.Execution{}, false
}

func (s *source) LiveByJob(id domain.JobID, limit int) (out []domain.Execution) {
	defer s.looked()
	for _, x := range s.runs {
		if x.JobID == id && len(out) < limit {
			out = append(out, x)
		}
	}
	return out
}

func (s *source) LiveList(q store.ExecutionQuery) store.ExecutionPage {
	defer s.looked()
	top, page := q.Start(), q.Collect()
	for _, x := range s.runs {
		if newestFirst(x.FireKey, top) <= 0 || !q.Selects(&x) {
			continue
		}
		if page.Full() {
			return page.EndBefore()
		}
		page.Add(x)
	}
	return page.End()
}

func (s *source) NextFire(id domain.JobID) (int64, bool) {
	for _, k := range s.fires {
		if k.JobID == id {
			return k.ScheduledAt, true
		}
	}
	return 77, id == domain.JobID{1}
}
func (s *source) Health() domain.Health { return s.health }

func (s *source) NextFires(ctx context.Context, after domain.FireKey, limit int) (found []domain.FireKey, err error) {
	s.asked = append(s.asked, limit)
	for _, k := range s.fires {
		if k.Sooner(after) > 0 && len(found) < limit {
			found = append(found, k)
		}
	}
	return found, ctx.Err()
}

func (s *source) FiredAgo(id domain.JobID, _ time.Duration) bool { return s.fired[id] }

func newView(t *testing.T) (*View, *source, *faulty.Store) {
	t.Helper()
	db, err := memory.NewDisk(clock.System{}).Open()
	if err != nil {
		t.Fatal(err)
	}
	st := faulty.New(db, 1)
	live := &source{looked: func() {}}
	v, err := New(Config{Store: st, Live: live})
	if err != nil {
		t.Fatal(err)
	}
	return v, live, st
}

func run(at int64, s domain.Status) domain.Execution {
	return domain.Execution{FireKey: domain.FireKey{JobID: domain.JobID{1}, ScheduledAt: at}, Version: 1, Status: s}
}

func record(t *testing.T, st store.Store, facts ...domain.Execution) {
	t.Helper()
	if err := st.Ledger().Record(context.Background(), store.Batch{Facts: facts}); err != nil {
		t.Fatal(err)
	}
}

// An execution that ends between the looks of a call is in its answer, as the fact.
func TestExecutionThatEndsMeanwhile(t *testing.T) {
	v, live, st := newView(t)
	live.runs = []domain.Execution{run(5_000, domain.StatusRunning)}
	ended := false
	live.looked = func() {
		if !ended {
			ended = true
			live.runs = nil
			record(t, st, run(5_000, domain.StatusSuccess))
		}
	}
	page, err := v.Executions(t.Context(), store.ExecutionQuery{JobID: domain.JobID{1}, Limit: 5})
	all := page.Executions
	if err != nil || len(all) != 1 || all[0].Status != domain.StatusSuccess {
		t.Fatalf("%+v, error %v", all, err)
	}
	x, err := v.Execution(t.Context(), all[0].ID())
	if err != nil || x.Status != domain.StatusSuccess {
		t.Errorf("%+v, error %v", x, err)
	}
	// It leaves the live source just before it is looked for there.
	next := run(6_000, domain.StatusSuccess)
	live.looked = func() { record(t, st, next) }
	if x, err := v.Execution(t.Context(), next.ID()); err != nil || x.Status != domain.StatusSuccess {
		t.Errorf("%+v, error %v", x, err)
	}
	live.looked = func() {}
	if _, err := v.Execution(t.Context(), domain.ExecutionID{9}); domain.ErrorCode(err) != domain.CodeNotFound {
		t.Errorf("an unknown one: %v", err)
	}
}

// Pages of any size show the same list.
func TestPages(t *testing.T) {
	v, live, st := newView(t)
	for i := range int64(7) {
		record(t, st, run(1_000*i+1_000, domain.StatusSuccess))
	}
	for i := range int64(6) {
		live.runs = append([]domain.Execution{run(1_000*i+1_500, domain.StatusRunning)}, live.runs...)
	}
	for limit := 1; limit <= 14; limit++ {
		for name, q := range map[string]store.ExecutionQuery{"of a job": {JobID: domain.JobID{1}}, "of all": {},
			"with less work": {MaxWork: 2}} {
			q.Limit = limit
			got := listAll(t, v, q)
			if len(got) != 13 || !slices.IsSortedFunc(got, func(a, b int64) int { return int(b - a) }) {
				t.Errorf("%s, limit %d: %v", name, limit, got)
			}
		}
	}
}

// listAll returns the instants of all executions that a query selects.
func listAll(t *testing.T, v *View, q store.ExecutionQuery) (got []int64) {
	t.Helper()
	for range 1_000 {
		page, err := v.Executions(t.Context(), q)
		if err != nil || len(page.Executions) > q.Limit {
			t.Fatalf("%d executions, error %v", len(page.Executions), err)
		}
		for _, x := range page.Executions {
			got = append(got, x.ScheduledAt)
		}
		if page.Next == (domain.FireKey{}) {
			return got
		}
		q.Before = page.Next
	}
	t.Fatal("the list has no end")
	return nil
}

// A filter selects of both lists, and only what is asked for is read.
func TestExecutionsByWhatTheyAre(t *testing.T) {
	v, live, st := newView(t)
	failed, byHand := run(2_000, domain.StatusFailed), run(3_000, domain.StatusSuccess)
	byHand.Nonce = 7
	record(t, st, run(1_000, domain.StatusSuccess), failed, byHand, run(6_000, domain.StatusSkipped))
	waiting := run(5_000, domain.StatusPending)
	waiting.Nonce = 3
	live.runs = []domain.Execution{waiting, run(4_000, domain.StatusRunning)}
	yes, no := true, false
	for name, c := range map[string]struct {
		q    store.ExecutionQuery
		want []int64
	}{
		"all":     {store.ExecutionQuery{}, []int64{6_000, 5_000, 4_000, 3_000, 2_000, 1_000}},
		"running": {store.ExecutionQuery{Statuses: []domain.Status{domain.StatusRunning}}, []int64{4_000}},
		"live or failed": {store.ExecutionQuery{Statuses: []domain.Status{"PENDING", "RUNNING", "FAILED"}},
			[]int64{5_000, 4_000, 2_000}},
		"succeeded":   {store.ExecutionQuery{Statuses: []domain.Status{"SUCCESS"}}, []int64{3_000, 1_000}},
		"by hand":     {store.ExecutionQuery{Manual: &yes}, []int64{5_000, 3_000}},
		"by schedule": {store.ExecutionQuery{Manual: &no}, []int64{6_000, 4_000, 2_000, 1_000}},
		"a window":    {store.ExecutionQuery{From: 2_000, To: 5_000}, []int64{4_000, 3_000, 2_000}},
		"nothing":     {store.ExecutionQuery{From: 4_001, To: 5_000}, nil},
	} {
		for _, job := range []domain.JobID{{}, {1}} {
			for limit := 1; limit < 8; limit++ {
				c.q.JobID, c.q.Limit = job, limit
				if len(c.want) > 0 { // otherwise the job is asked for
					if got := listAll(t, v, c.q); !slices.Equal(got, c.want) {
						t.Errorf("%s, job %v, limit %d: %v, want %v", name, job, limit, got, c.want)
					}
				}
			}
		}
	}
	st.Add(faulty.Rule{Err: errors.New("disk gone")})
	q := store.ExecutionQuery{Statuses: []domain.Status{domain.StatusPending, domain.StatusRunning}, Limit: 5}
	if got := listAll(t, v, q); !slices.Equal(got, []int64{5_000, 4_000}) {
		t.Errorf("without the store: %v", got)
	}
}

// Of a job that was never there nothing is answered; of one without history an empty
// list.
func TestUnknownJob(t *testing.T) {
	v, _, st := newView(t)
	if _, err := v.Executions(t.Context(), store.ExecutionQuery{JobID: domain.JobID{2}, Limit: 5}); domain.ErrorCode(
		err) != domain.CodeNotFound {
		t.Errorf("error %v", err)
	}
	version := domain.Version{JobID: domain.JobID{1}, Number: 1, EffectiveTo: domain.Forever,
		Spec: domain.DefaultSpec()}
	if err := st.Jobs().Create(t.Context(), []domain.Version{version}); err != nil {
		t.Fatal(err)
	}
	empty, err := v.Executions(t.Context(), store.ExecutionQuery{JobID: domain.JobID{1}, Limit: 5})
	if err != nil || len(empty.Executions) != 0 {
		t.Errorf("%v, error %v", empty, err)
	}
	j, err := v.Job(t.Context(), domain.JobID{1})
	if err != nil || j.NextFireAt == nil || *j.NextFireAt != 77 {
		t.Errorf("%+v, error %v", j, err)
	}
	jobs, err := v.Jobs(t.Context(), store.JobQuery{Limit: 5})
	if err != nil || len(jobs.Jobs) != 1 || *jobs.Jobs[0].NextFireAt != 77 {
		t.Errorf("%+v, error %v", jobs, err)
	}
}

// What the store cannot do has a code.
func TestFaultsOfTheStore(t *testing.T) {
	v, _, st := newView(t)
	st.Add(faulty.Rule{Err: errors.New("disk gone")})
	ctx, q := t.Context(), store.ExecutionQuery{JobID: domain.JobID{1}, Limit: 1}
	for name, read := range map[string]func() error{
		"job":        func() error { _, err := v.Job(ctx, domain.JobID{1}); return err },
		"jobs":       func() error { _, err := v.Jobs(ctx, store.JobQuery{Limit: 1}); return err },
		"executions": func() error { _, err := v.Executions(ctx, q); return err },
		"execution":  func() error { _, err := v.Execution(ctx, domain.ExecutionID{1}); return err },
		"list":       func() error { _, err := v.List(ctx, store.ExecutionQuery{}); return err },
		"last":       func() error { _, err := v.Last(ctx, nil); return err },
		"counts":     func() error { _, err := v.Counts(ctx, 0); return err },
	} {
		if err := read(); domain.ErrorCode(err) != domain.CodeUnavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// One check that fails is enough, whoever makes it.
func TestHealth(t *testing.T) {
	good, bad := domain.Check{Name: "a", OK: true}, domain.Check{Name: "b"}
	for name, c := range map[string]struct {
		live  domain.Health
		other domain.Check
		ready bool
	}{
		"all is well":      {domain.Health{Ready: true, Checks: []domain.Check{good}}, good, true},
		"it is not ready":  {domain.Health{Checks: []domain.Check{good}}, good, false},
		"one of its fails": {domain.Health{Ready: true, Checks: []domain.Check{bad}}, good, false},
		"another fails":    {domain.Health{Ready: true, Checks: []domain.Check{good}}, bad, false},
	} {
		v := View{live: &source{health: c.live}, checks: []func() domain.Check{func() domain.Check { return c.other }}}
		if h := v.Health(); h.Ready != c.ready || len(h.Checks) != 2 {
			t.Errorf("%s: %+v", name, h)
		}
	}
}
