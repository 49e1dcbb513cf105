package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var executionCases = []testCase{
	{"List of executions filters by job, status, time and manual", executionFilters},
	{"List of executions filters by what the version of a fire called", executionsByHost},
	{"List of executions has none that waits for a retry", executionsRetrying},
	{"List of executions begins below the key of any fire", executionsBelow},
	{"List of executions ends a page by its bytes", executionPageBytes},
	{"List of executions finds the few among many", executionsAmongMany},
	{"Last finds the newest fact of each job", lastFacts},
	{"Last finds facts of versions that have ended", lastOlder},
	{"Last follows what is recorded, and the jobs it is asked for", lastFollows},
}

// mixed are facts of three jobs over four days, of every status, by schedule and by hand.
func (f *fixture) mixed(t *testing.T) (facts []domain.Execution) {
	t.Helper()
	f.create(t, version(1), version(2), version(3))
	for i := range int64(60) {
		for n := 1; n <= 3; n++ {
			at := noon + (i%15)*minute + i/15*day
			e := success(n, at)
			switch {
			case i%7 == int64(n):
				e = failure(n, at)
			case i%11 == int64(n):
				e.Status, e.HTTPStatus, e.StartedAt, e.Attempts = domain.StatusSkipped, 0, 0, nil
			case i%13 == 2*int64(n):
				e.Status, e.Error, e.HTTPStatus = domain.StatusUnknown, "unknown", 0
			}
			facts = append(facts, e)
			if i%9 == int64(n) {
				facts = append(facts, trigger(n, at+7, i+1))
			}
		}
	}
	facts = append(facts, missed(2, noon+20*minute, noon+30*minute, 11),
		missed(3, noon+day+20*minute, noon+day+25*minute, 6),
		trigger(1, noon+minute, 99)) // at the instant of a fire
	f.record(t, facts...)
	return facts
}

// executions reads a whole list.
func (f *fixture) executions(t *testing.T, q store.ExecutionQuery) (all []domain.Execution) {
	t.Helper()
	for range 10_000 {
		page := must(f.History().List(t.Context(), q))(t)
		if len(page.Executions) > q.Limit {
			t.Fatalf("%d executions on a page of %d", len(page.Executions), q.Limit)
		}
		all = append(all, page.Executions...)
		if page.Next == (domain.FireKey{}) {
			return all
		}
		if page.Next == q.Before {
			t.Fatalf("%+v: the page does not lead on", q)
		}
		q.Before = page.Next
	}
	t.Fatalf("%+v: the list has no end", q)
	return nil
}

// executionQueries are combinations of all filters.
func executionQueries() (all []store.ExecutionQuery) {
	yes, no := true, false
	for _, job := range []domain.JobID{{}, jobID(2), jobID(9)} {
		for _, statuses := range [][]domain.Status{
			nil, {domain.StatusFailed}, {domain.StatusFailed, domain.StatusUnknown}, {domain.StatusMissed},
			{domain.StatusSuccess, domain.StatusSkipped, domain.StatusSkipped},
			{domain.StatusRunning, domain.StatusPending}, {domain.StatusRunning, domain.StatusFailed},
		} {
			for _, manual := range []*bool{nil, &yes, &no} {
				for _, window := range [][2]int64{{0, 0}, {noon + 3*minute, noon + 2*day}, {noon + day, domain.Forever},
					{noon + 8, noon + 9}, {0, 1}, {noon + 3*day + 9*minute, 0}} {
					all = append(all, store.ExecutionQuery{JobID: job, Statuses: statuses, Manual: manual,
						From: window[0], To: window[1]})
				}
			}
		}
	}
	return all
}

func executionFilters(t *testing.T, f *fixture) {
	facts := newestFirst(f.mixed(t))
	for round := range 2 {
		for i, q := range executionQueries() {
			var want []domain.Execution
			for _, e := range facts {
				if q.Selects(&e) {
					want = append(want, e)
				}
			}
			q.Limit = []int{1, 3, 1_000}[(i+round)%3]
			q.MaxWork = []int{0, 1, 20}[(i/3+round)%3]
			if got := f.executions(t, q); !slices.EqualFunc(got, want, sameKey) {
				t.Errorf("%+v: %s, want %s", q, keysOf(got), keysOf(want))
			} else if i%5 == 0 {
				equal(t, got, want)
			}
		}
		f.reopen(t)
	}
}

// calling returns a version that calls another host.
func calling(v domain.Version, api string) domain.Version {
	v.Spec.API = api
	return v
}

// A host is that of the version which fired, deleted jobs and all; it is combined with the other filters.
func executionsByHost(t *testing.T, f *fixture) {
	facts := f.mixed(t) // of 127.0.0.1:4444
	f.create(t, calling(version(4), "https://a.test/x"), calling(version(5), "http://a.test:8080/"))
	moved := calling(edit(version(4), noon+10*minute, nil), "http://b.test/")
	f.update(t, moved)
	for i := range int64(20) {
		old, there := success(4, noon+i*minute), failure(5, noon+i*minute+3*second)
		if i > 10 {
			old.Version = 2
		}
		facts = append(facts, old, there)
		f.record(t, old, there)
	}
	byHand := trigger(5, noon+3*minute+1, 8)
	facts = append(facts, byHand)
	f.record(t, byHand)
	if err := f.Jobs().Delete(t.Context(), jobID(5), 1, noon+hour); err != nil {
		t.Fatal(err)
	}
	called := func(e *domain.Execution) string {
		switch {
		case e.JobID == jobID(4) && e.Version == 2:
			return "http://b.test/"
		case e.JobID == jobID(4):
			return "https://a.test/x"
		case e.JobID == jobID(5):
			return "http://a.test:8080/"
		}
		return version(1).Spec.API
	}
	facts = newestFirst(facts)
	yes := true
	for i, host := range []string{"a.test", "a.test:8080", "https://a.test", "b.test", "127.0.0.1", "127.0.0.1:4444",
		"nobody.test"} {
		filter := must(domain.ParseHostFilter(host))(t)
		for j, q := range []store.ExecutionQuery{{}, {JobID: jobID(4)},
			{Statuses: []domain.Status{domain.StatusFailed}},
			{Manual: &yes}, {JobID: jobID(5), Manual: &yes}, {From: noon + 9*minute, To: noon + day},
			{JobID: jobID(5), Statuses: []domain.Status{domain.StatusFailed, domain.StatusUnknown}}} {
			q.Host, q.Limit, q.MaxWork = filter, []int{1, 7, 1_000}[(i+j)%3], []int{0, 1, 30}[(i+j/3)%3]
			var want []domain.Execution
			for _, e := range facts {
				if q.Selects(&e) && filter.Matches(called(&e)) {
					want = append(want, e)
				}
			}
			if got := f.executions(t, q); !slices.EqualFunc(got, want, sameKey) {
				t.Errorf("%s, %+v: %s, want %s", host, q, keysOf(got), keysOf(want))
			}
		}
	}
}

// No fact waits for a retry.
func executionsRetrying(t *testing.T, f *fixture) {
	facts := f.mixed(t)
	for _, job := range []domain.JobID{{}, jobID(2)} {
		for _, statuses := range [][]domain.Status{nil, {domain.StatusFailed}} {
			q := store.ExecutionQuery{JobID: job, Statuses: statuses, Limit: 1_000}
			want := 0
			for i := range facts {
				if q.Selects(&facts[i]) {
					want++
				}
			}
			for retrying, want := range map[bool]int{true: 0, false: want} {
				q.Retrying = &retrying
				if got := f.executions(t, q); len(got) != want {
					t.Errorf("%+v, retrying %v: %d executions, want %d", q, retrying, len(got), want)
				}
			}
		}
	}
}

func sameKey(a, b domain.Execution) bool { return a.FireKey == b.FireKey && a.Status == b.Status }

func keysOf(facts []domain.Execution) (text string) {
	for _, e := range facts {
		text += fmt.Sprintf(" %d+%d.%d=%s", e.JobID[15], (e.ScheduledAt-noon)/second, e.Nonce, e.Status)
	}
	return fmt.Sprintf("%d:%.300s", len(facts), text)
}

func executionsBelow(t *testing.T, f *fixture) {
	facts := newestFirst(f.mixed(t))
	for _, at := range []int64{noon + minute, noon + minute + 1, noon + 7, noon, noon + 3*day} {
		for n := 0; n < 5; n++ {
			for _, nonce := range []int64{0, 50, 99, 100} {
				before := domain.FireKey{ScheduledAt: at, JobID: jobID(n), Nonce: nonce}
				for _, job := range []domain.JobID{{}, jobID(1)} {
					want := []domain.Execution{}
					for _, e := range facts {
						if (job.IsZero() || e.JobID == job) && newer(before, e.FireKey) {
							want = append(want, e)
						}
					}
					q := store.ExecutionQuery{JobID: job, Before: before, Limit: 4}
					got := must(f.History().List(t.Context(), q))(t)
					if !slices.EqualFunc(got.Executions, want[:min(4, len(want))], sameKey) {
						t.Errorf("below %+v of %v: %s, want %s", before, job, keysOf(got.Executions), keysOf(want))
					}
				}
			}
		}
	}
}

// newer reports whether a comes before b in a list.
func newer(a, b domain.FireKey) bool {
	list := newestFirst([]domain.Execution{{FireKey: b}, {FireKey: a}})
	return a != b && list[0].FireKey == a
}

func executionPageBytes(t *testing.T, f *fixture) {
	facts := newestFirst(f.mixed(t))
	for _, q := range []store.ExecutionQuery{{}, {JobID: jobID(1)}, {Statuses: []domain.Status{domain.StatusFailed}}} {
		q.Limit, q.MaxBytes = 100, 1
		page := must(f.History().List(t.Context(), q))(t)
		if len(page.Executions) != 1 || page.Next == (domain.FireKey{}) {
			t.Errorf("%+v: %d executions, next %v", q, len(page.Executions), page.Next)
		}
		q.MaxBytes = 3 * facts[0].Size()
		if page = must(f.History().List(t.Context(), q))(t); len(page.Executions) < 2 || len(page.Executions) > 20 {
			t.Errorf("%+v: %d executions", q, len(page.Executions))
		}
	}
}

func executionsAmongMany(t *testing.T, f *fixture) {
	f.create(t, version(1))
	facts := []domain.Execution{failure(1, noon), trigger(1, noon+5, 4), missed(1, noon+minute, noon+5*minute, 5)}
	for n := 2; n < 4_000; n++ {
		facts = append(facts, success(n, noon+int64(n%7)*second))
	}
	f.record(t, facts...)
	yes := true
	for name, c := range map[string]struct {
		q    store.ExecutionQuery
		want int
	}{
		"failed": {store.ExecutionQuery{Statuses: []domain.Status{domain.StatusFailed}}, 1},
		"missed": {store.ExecutionQuery{Statuses: []domain.Status{domain.StatusMissed}}, 1},
		"failed or missed": {store.ExecutionQuery{Statuses: []domain.Status{domain.StatusFailed,
			domain.StatusMissed}}, 2},
		"manual":         {store.ExecutionQuery{Manual: &yes}, 1},
		"of the job":     {store.ExecutionQuery{JobID: jobID(1)}, 3},
		"all":            {store.ExecutionQuery{}, len(facts)},
		"skipped":        {store.ExecutionQuery{Statuses: []domain.Status{domain.StatusSkipped}}, 0},
		"of a later day": {store.ExecutionQuery{From: noon + day}, 0},
	} {
		for _, work := range []int{0, 500} {
			c.q.Limit, c.q.MaxWork = 500, work
			if got := f.executions(t, c.q); len(got) != c.want {
				t.Errorf("%s, work %d: %d executions, want %d", name, work, len(got), c.want)
			}
		}
	}
}

// last asks for the last facts of jobs, and returns them by the jobs' numbers.
func (f *fixture) last(t *testing.T, numbers ...int) map[int]domain.FireKey {
	t.Helper()
	var jobs []domain.Job
	for _, n := range numbers {
		jobs = append(jobs, must(f.Jobs().Get(t.Context(), jobID(n)))(t))
	}
	found := map[int]domain.FireKey{}
	for id, e := range must(f.History().Last(t.Context(), jobs))(t) {
		if e.JobID != id {
			t.Errorf("the fact of %v is of %v", id, e.JobID)
		}
		found[int(id[15])] = e.FireKey
	}
	return found
}

func lastFacts(t *testing.T, f *fixture) {
	f.mixed(t)
	byHand, never, rare := version(4), version(5), version(6)
	rare.EffectiveFrom, rare.Spec.Schedule = noon-400*day, "0 0 12 10 * *"
	f.create(t, byHand, never, rare)
	f.record(t, trigger(4, noon-day, 3), trigger(4, noon+5*day+77, 8), success(6, noon), failure(6, noon-28*day))
	for range 2 {
		equal(t, f.last(t, 1, 2, 3, 4, 5, 6), map[int]domain.FireKey{
			1: success(1, noon+3*day+14*minute).FireKey, 2: success(2, noon+3*day+14*minute).FireKey,
			3: success(3, noon+3*day+14*minute).FireKey, 4: trigger(4, noon+5*day+77, 8).FireKey,
			6: success(6, noon).FireKey,
		})
		f.reopen(t)
	}
	e := must(f.History().Last(t.Context(), []domain.Job{must(f.Jobs().Get(t.Context(), jobID(6)))(t)}))(t)
	equal(t, e, map[domain.JobID]domain.Execution{jobID(6): success(6, noon)})
}

func lastFollows(t *testing.T, f *fixture) {
	f.create(t, version(1), version(2))
	equal(t, f.last(t), map[int]domain.FireKey{})
	equal(t, f.last(t, 1, 2), map[int]domain.FireKey{})
	f.record(t, success(1, noon))
	equal(t, f.last(t, 1, 2), map[int]domain.FireKey{1: success(1, noon).FireKey})
	f.record(t, missed(1, noon+minute, noon+9*minute, 9), failure(2, noon+minute))
	equal(t, f.last(t, 1, 2), map[int]domain.FireKey{
		1: missed(1, noon+minute, noon+9*minute, 9).FireKey, 2: failure(2, noon+minute).FireKey})
	equal(t, f.last(t, 2), map[int]domain.FireKey{2: failure(2, noon+minute).FireKey})
	f.record(t, success(1, noon+5*minute)) // older than the summary
	equal(t, f.last(t, 1), map[int]domain.FireKey{1: missed(1, noon+minute, noon+9*minute, 9).FireKey})
	must(f.History().Expire(t.Context(), noon+2*day))(t)
	equal(t, f.last(t, 1, 2), map[int]domain.FireKey{})
}

func lastOlder(t *testing.T, f *fixture) {
	f.create(t, version(1), version(2), version(3))
	paused := edit(version(1), noon+10*minute, func(v *domain.Version) { v.Active = false })
	edited := edit(version(2), noon+10*minute, func(v *domain.Version) { v.Spec.Schedule = "0 0 0 1 1 *" })
	again := edit(edited, noon+20*minute, func(v *domain.Version) { v.Spec.Name = "x" })
	f.update(t, paused)
	f.update(t, edited)
	f.update(t, again)
	before := map[int]domain.FireKey{1: success(1, noon+3*minute).FireKey, 2: success(2, noon+4*minute).FireKey,
		3: success(3, noon+minute).FireKey}
	f.record(t, success(1, noon+2*minute), success(1, noon+3*minute), success(2, noon+4*minute),
		success(3, noon+minute))
	equal(t, f.last(t, 1, 2, 3), before)
	f.record(t, trigger(1, noon+2*day, 4)) // paused or not
	before[1] = trigger(1, noon+2*day, 4).FireKey
	equal(t, f.last(t, 1, 2, 3), before)
}
