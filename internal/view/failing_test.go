package view

import (
	"fmt"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// failed makes jobs that call hosts, and puts runs of so many failures of each on record, from the instant on.
type failed struct {
	id        byte
	api       string
	namespace string
	runs      []int // failures in each; a success follows all but the last
	from      int64
}

func (f failed) create(t *testing.T, st store.Store) {
	t.Helper()
	spec := domain.DefaultSpec()
	spec.Schedule, spec.API, spec.Type = "* * * * * *", f.api, domain.AtLeastOnce
	if f.namespace != "" {
		spec.Namespace = f.namespace
	}
	v := domain.Version{JobID: domain.JobID{f.id}, Number: 1, EffectiveFrom: 500, EffectiveTo: domain.Forever,
		Active: true, Spec: spec}
	if err := st.Jobs().Create(t.Context(), []domain.Version{v}); err != nil {
		t.Fatal(err)
	}
	at := f.from
	put := func(s domain.Status) {
		record(t, st, domain.Execution{FireKey: domain.FireKey{JobID: v.JobID, ScheduledAt: at}, Version: 1, Status: s,
			CompletedAt: at, Error: fmt.Sprintf("at %d", at)})
		at += 1_000
	}
	for i, n := range f.runs {
		if i > 0 {
			put(domain.StatusSuccess)
		}
		for range n {
			put(domain.StatusFailed)
		}
	}
}

// What fails most is added up by job and by host, of the runs of failures of a time.
func TestFailing(t *testing.T) {
	v, _, st := newView(t)
	for _, f := range []failed{
		{1, "https://a.test/x", "", []int{3, 2}, 10_000},        // fails at 10 to 12 s and 14 to 15 s
		{2, "https://A.test:443/y", "", []int{4, 0}, 20_000},    // 20 to 23 s, recovered
		{3, "http://b.test/", "billing", []int{1}, 30_000},      // 30 s
		{4, "http://c.test/", "", []int{1, 1, 1, 1, 1}, 40_000}, // 40, 42, 44, 46, 48 s
		{5, "http://d.test/", "", []int{9}, 100_000},
	} {
		f.create(t, st)
	}
	if err := st.Jobs().Delete(t.Context(), domain.JobID{5}, 1, 500_000); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		q    FailingQuery
		want string
	}{
		{FailingQuery{To: domain.Forever}, "4: 5 (1 of 1 open, at 48000)  1: 5 (1 of 1 open, at 15000)  " +
			"2: 4 (0 of 1 open, at 23000)  3: 1 (1 of 1 open, at 30000)"},
		{FailingQuery{To: domain.Forever, Limit: 2}, "4: 5 (1 of 1 open, at 48000)  1: 5 (1 of 1 open, at 15000)"},
		{FailingQuery{To: domain.Forever, ByHost: true}, "https://a.test:443: 9 (1 of 2 open, at 23000)  " +
			"http://c.test:80: 5 (1 of 1 open, at 48000)  http://b.test:80: 1 (1 of 1 open, at 30000)"},
		{FailingQuery{From: 13_000, To: 23_000}, "1: 2 (1 of 1 open, at 15000)"}, // the end is exclusive
		{FailingQuery{From: 23_000, To: 23_001}, "2: 4 (0 of 1 open, at 23000)"}, // with those from before
		{FailingQuery{From: 43_000, To: 47_000}, "4: 2 (0 of 1 open, at 46000)"},
		{FailingQuery{To: domain.Forever, Namespace: "billing"}, "3: 1 (1 of 1 open, at 30000)"},
		{FailingQuery{To: domain.Forever, ByHost: true, Namespace: "billing"},
			"http://b.test:80: 1 (1 of 1 open, at 30000)"},
		{FailingQuery{From: 99_000, To: domain.Forever}, ""}, // a deleted job
		{FailingQuery{}, ""},
	} {
		if c.q.Limit == 0 {
			c.q.Limit = 10
		}
		most, complete, err := v.Failing(t.Context(), c.q)
		if err != nil || !complete {
			t.Fatalf("%+v: complete %v, %v", c.q, complete, err)
		}
		var got []string
		for _, f := range most {
			name := f.Host
			if !c.q.ByHost {
				name = fmt.Sprint(f.Job.ID[0])
			}
			if f.Last.Error != fmt.Sprintf("at %d", f.Last.LastAt) || f.Host == "" {
				t.Errorf("%+v", f)
			}
			got = append(got, fmt.Sprintf("%s: %d (%d of %d open, at %d)", name, f.Failures, f.Open, f.Jobs,
				f.Last.LastAt))
		}
		if text := strings.Join(got, "  "); text != c.want {
			t.Errorf("%+v:\n%s, want\n%s", c.q, text, c.want)
		}
	}
	for _, method := range []string{"Alerts.List", "Jobs.List"} {
		remove := st.Add(faulty.Rule{Method: method})
		if _, _, err := v.Failing(t.Context(), FailingQuery{To: domain.Forever, Limit: 1}); err == nil {
			t.Errorf("no error where %s fails", method)
		}
		remove()
	}
}

// Beyond the bound the runs with the latest failures are added up, and it is said.
func TestFailingIsBounded(t *testing.T) {
	v, _, st := newView(t)
	failed{1, "http://a.test/", "", []int{3}, 10_000}.create(t, st)
	var runs []int
	for range failingRuns {
		runs = append(runs, 1)
	}
	failed{2, "http://b.test/", "", runs, 20_000}.create(t, st)
	most, complete, err := v.Failing(t.Context(), FailingQuery{To: domain.Forever, Limit: 10})
	if err != nil || complete || len(most) != 1 || most[0].Failures != failingRuns {
		t.Errorf("%+v, complete %v, %v", most, complete, err)
	}
}

// What other tenants and deleted jobs have in alerts does not take the place of a namespace's own, nor is it
// told whether they have many.
func TestFailingOfANamespaceBesideOthers(t *testing.T) {
	v, _, st := newView(t)
	failed{1, "http://a.test/", "billing", []int{3, 2}, 10_000}.create(t, st)
	failed{4, "http://c.test/", "", []int{2}, 10_000}.create(t, st)
	runs := make([]int, failingRuns+500)
	for i := range runs {
		runs[i] = 1
	}
	failed{2, "http://b.test/", "", runs, 100_000}.create(t, st)
	lost := []domain.Loss{{JobID: domain.JobID{1}, ScheduledAt: 10_000, Version: 1}}
	if _, err := st.Alerts().AddLost(t.Context(), lost, 11_000); err != nil {
		t.Fatal(err)
	}
	ask := func(namespace string) string {
		most, complete, err := v.Failing(t.Context(), FailingQuery{To: domain.Forever, Namespace: namespace, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprint(complete)
		for _, f := range most {
			text += fmt.Sprintf(", %d: %d", f.Job.ID[0], f.Failures)
		}
		return text
	}
	if got := ask("billing"); got != "true, 1: 5" {
		t.Errorf("of the namespace: %s", got)
	}
	if got := ask(""); got != fmt.Sprintf("false, 2: %d", failingRuns) {
		t.Errorf("of all: %s", got)
	}
	if err := st.Jobs().Delete(t.Context(), domain.JobID{2}, 1, 9_000_000); err != nil {
		t.Fatal(err)
	}
	if got := ask(""); got != "true, 1: 5, 4: 2" {
		t.Errorf("beside a deleted job: %s", got)
	}
}

// So many alerts of others are looked at, and no more: then it is said that not all were added up.
func TestFailingLooksAreBounded(t *testing.T) {
	v, _, st := newView(t)
	failed{1, "http://a.test/", "billing", []int{3}, 10_000}.create(t, st)
	others := func(id byte, n int, from int64) {
		runs := make([]int, n)
		for i := range runs {
			runs[i] = 1
		}
		failed{id, "http://b.test/", "", runs, from}.create(t, st)
	}
	ask := func() string {
		q := FailingQuery{To: domain.Forever, Namespace: "billing", Limit: 10}
		most, complete, err := v.Failing(t.Context(), q)
		return fmt.Sprint(len(most), complete, err)
	}
	others(2, failingLooks-1, 100_000)
	if got := ask(); got != "1 false <nil>" {
		t.Errorf("at the bound: %s", got)
	}
	others(3, 1, 100_000_000)
	if got := ask(); got != "0 false <nil>" {
		t.Errorf("beyond the bound: %s", got)
	}
}
