package view

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// sortedAll reads a whole list in an order, as the numbers of its jobs.
func sortedAll(t *testing.T, v *View, q store.JobQuery, now JobsNow, order JobOrder) (all []byte) {
	t.Helper()
	for after := (JobPlace{}); ; {
		page, err := v.Sorted(t.Context(), q, now, order, after)
		if err != nil || len(page.Jobs) > q.Limit || len(page.Jobs) != len(page.Places) {
			t.Fatalf("%+v, %v", page, err)
		}
		for _, j := range page.Jobs {
			all = append(all, j.ID[0])
		}
		if page.Next == nil {
			return all
		}
		if *page.Next == after {
			t.Fatalf("%+v does not lead on", after)
		}
		after = *page.Next
	}
}

// sorts makes nine jobs: those with odd numbers are tagged, and what is on record of them has different orders.
func sorts(t *testing.T) (*View, *source, *faulty.Store) {
	v, live, st := newView(t)
	var versions []domain.Version
	for n := byte(1); n <= 9; n++ {
		spec := domain.DefaultSpec()
		spec.Schedule, spec.API, spec.Type = "* * * * * *", "http://a.test/", domain.AtLeastOnce
		if n%2 == 1 {
			spec.Tags = []string{"odd"}
		}
		versions = append(versions, domain.Version{JobID: domain.JobID{n}, Number: 1, EffectiveFrom: 500,
			EffectiveTo: domain.Forever, Active: true, Spec: spec})
	}
	if err := st.Jobs().Create(t.Context(), versions); err != nil {
		t.Fatal(err)
	}
	put := func(n byte, at int64, s domain.Status) {
		record(t, st, domain.Execution{FireKey: domain.FireKey{JobID: domain.JobID{n}, ScheduledAt: at * 1000},
			Version: 1, Status: s, CompletedAt: at*1000 + 5})
	}
	for _, at := range []int64{1, 2, 3} { // job 2 fails three times, then 3, and 5 once; 6 has recovered
		put(2, at, domain.StatusFailed)
	}
	put(3, 4, domain.StatusFailed)
	put(5, 4, domain.StatusFailed)
	put(6, 7, domain.StatusFailed)
	put(6, 8, domain.StatusSuccess)
	put(1, 9, domain.StatusSuccess)
	put(1, 8, domain.StatusSuccess)
	put(7, 5, domain.StatusSuccess)
	for _, k := range []struct{ n, at int64 }{{4, 100}, {9, 100}, {1, 101}, {6, 500}, {2, 900}} {
		live.fires = append(live.fires, domain.FireKey{JobID: domain.JobID{byte(k.n)}, ScheduledAt: k.at * 1000})
	}
	return v, live, st
}

// Each order has every job that the filters select, once, on pages of any size.
func TestSorted(t *testing.T) {
	v, _, st := sorts(t)
	yes, no := true, false
	for _, c := range []struct {
		order JobOrder
		q     store.JobQuery
		now   JobsNow
		want  []byte
	}{
		{ByFailures, store.JobQuery{}, JobsNow{}, []byte{2, 3, 5, 1, 4, 6, 7, 8, 9}},
		{ByFailures, store.JobQuery{Tag: "odd"}, JobsNow{}, []byte{3, 5, 1, 7, 9}},
		{ByFailures, store.JobQuery{Failing: &yes}, JobsNow{}, []byte{2, 3, 5}},
		{ByFailures, store.JobQuery{Failing: &no}, JobsNow{}, []byte{1, 4, 6, 7, 8, 9}},
		{ByFailures, store.JobQuery{}, JobsNow{NeverRan: &yes}, []byte{4, 8, 9}},
		{ByNextFire, store.JobQuery{}, JobsNow{}, []byte{4, 9, 1, 6, 2, 3, 5, 7, 8}},
		{ByNextFire, store.JobQuery{Tag: "odd"}, JobsNow{}, []byte{9, 1, 3, 5, 7}},
		{ByNextFire, store.JobQuery{}, JobsNow{DueBefore: 500_000}, []byte{4, 9, 1}},
		{ByNextFire, store.JobQuery{}, JobsNow{NeverRan: &no}, []byte{1, 6, 2, 3, 5, 7}},
		{ByNextFire, store.JobQuery{Name: "nobody"}, JobsNow{}, nil},
		{ByLastFire, store.JobQuery{}, JobsNow{}, []byte{1, 6, 7, 5, 3, 2, 4, 8, 9}},
		{ByLastFire, store.JobQuery{Tag: "odd"}, JobsNow{}, []byte{1, 7, 5, 3, 9}},
		{ByLastFire, store.JobQuery{Failing: &yes}, JobsNow{DueBefore: 1_000_000}, []byte{2}},
		{ByLastFire, store.JobQuery{}, JobsNow{NeverRan: &yes}, []byte{4, 8, 9}},
	} {
		for _, c.q.Limit = range []int{1, 2, 3, 9, 100} {
			if got := sortedAll(t, v, c.q, c.now, c.order); !slices.Equal(got, c.want) {
				t.Errorf("order %d, %+v, %+v: %v, want %v", c.order, c.q, c.now, got, c.want)
			}
		}
		c.q.Limit, c.q.MaxBytes = 100, 1
		if got := sortedAll(t, v, c.q, c.now, c.order); !slices.Equal(got, c.want) {
			t.Errorf("a job on each page: order %d, %+v: %v, want %v", c.order, c.q, got, c.want)
		}
	}
	for order, method := range map[JobOrder]string{ByFailures: "Alerts.MostFailures", ByLastFire: "History.List",
		ByNextFire: "Jobs.List"} {
		remove := st.Add(faulty.Rule{Method: method})
		if _, err := v.Sorted(t.Context(), store.JobQuery{Limit: 1}, JobsNow{}, order, JobPlace{}); err == nil {
			t.Errorf("order %d: no error where %s fails", order, method)
		}
		remove()
	}
}

// The next fires of all nodes are merged, and it is noted when a node does not tell its own.
func TestNextFiresOfAllNodes(t *testing.T) {
	v, live, _ := sorts(t)
	o := &others{&source{looked: func() {}}, &source{looked: func() {}}, 0}
	for i, k := range live.fires {
		if i%2 == 0 {
			o.a.fires = append(o.a.fires, k)
		}
	}
	o.b.fires = live.fires[1:2] // and this one changes hands
	live.fires = []domain.FireKey{live.fires[1], live.fires[3]}
	v.others, v.now = o, func() int64 { return 1_000 }
	for limit := 1; limit < 7; limit++ {
		var got []string
		for after := (domain.FireKey{}); ; {
			fires, more, err := nextFires(t.Context(), v, after, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range fires {
				got = append(got, fmt.Sprint(k.JobID[0]))
				after = k
			}
			if !more {
				break
			}
		}
		if want := []string{"4", "9", "1", "6", "2"}; !slices.Equal(got, want) {
			t.Errorf("limit %d: %v, want %v", limit, got, want)
		}
	}
	partial := 0
	o.missing = 1
	ctx := WithPartial(t.Context(), func() { partial++ })
	_, err := v.Sorted(ctx, store.JobQuery{Limit: 3}, JobsNow{}, ByNextFire, JobPlace{})
	if err != nil || partial != 1 {
		t.Errorf("%v, noted %d", err, partial)
	}
}

// A page ends early when enough jobs were looked at, and leads on.
func TestSortedIsBounded(t *testing.T) {
	v, live, _ := sorts(t)
	var none []domain.FireKey
	for i := range sortedLooks + 500 {
		none = append(none, domain.FireKey{ScheduledAt: 50, JobID: domain.JobID{200, byte(i >> 8), byte(i)}})
	}
	live.fires = append(none, live.fires...)
	page, err := v.Sorted(t.Context(), store.JobQuery{Limit: 5}, JobsNow{}, ByNextFire, JobPlace{})
	if err != nil || len(page.Jobs) != 0 || page.Next == nil || page.Next.Job[0] != 200 {
		t.Errorf("%+v, %v", page, err)
	}
	want := []byte{4, 9, 1, 6, 2, 3, 5, 7, 8}
	if got := sortedAll(t, v, store.JobQuery{Limit: 5}, JobsNow{}, ByNextFire); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

// costly is a record of which a page looks at so many facts at most, as that of a database.
type costly struct {
	store.History
	most    int
	allowed []int // by each question
}

func (c *costly) List(ctx context.Context, q store.ExecutionQuery) (store.ExecutionPage, error) {
	c.allowed = append(c.allowed, q.MaxWork)
	if q.MaxWork == 0 || q.MaxWork > c.most {
		q.MaxWork = c.most
	}
	return c.History.List(ctx, q)
}

// All questions for one page by last fires have one bound, and the list has every job all the same.
func TestLastFiresAreBounded(t *testing.T) {
	v, _, st := sorts(t)
	var facts []domain.Execution
	for at := range int64(400) { // of a job that fires far more often than the others
		k := domain.FireKey{JobID: domain.JobID{8}, ScheduledAt: 10_000 + at}
		facts = append(facts,
			domain.Execution{FireKey: k, Version: 1, Status: domain.StatusSuccess, CompletedAt: 20_000})
	}
	record(t, st, facts...)
	c := &costly{v.history, 20, nil}
	v.history = c
	if _, err := v.Sorted(t.Context(), store.JobQuery{Limit: 9}, JobsNow{}, ByLastFire, JobPlace{}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.allowed, []int{sortedKeys}) {
		t.Errorf("questions that may look at %v facts", c.allowed)
	}
	want := []byte{8, 1, 6, 7, 5, 3, 2, 4, 9}
	if got := sortedAll(t, v, store.JobQuery{Limit: 9}, JobsNow{}, ByLastFire); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	facts = nil
	for i := range 2 * sortedPiece { // jobs that do not exist
		facts = append(facts, domain.Execution{FireKey: domain.FireKey{ScheduledAt: 50_000 + int64(i),
			JobID: domain.JobID{100, byte(i >> 8), byte(i)}}, Version: 1, Status: domain.StatusSkipped})
	}
	record(t, st, facts...)
	c.most, c.allowed = sortedKeys, nil
	if _, err := v.Sorted(t.Context(), store.JobQuery{Limit: 9}, JobsNow{}, ByLastFire, JobPlace{}); err != nil {
		t.Fatal(err)
	}
	if len(c.allowed) != 3 || c.allowed[1] > sortedKeys-sortedPiece || c.allowed[2] > sortedKeys-2*sortedPiece {
		t.Errorf("questions that may look at %v facts", c.allowed)
	}
}

// A page asks a few times for next fires, whatever the filters select of them: each time a block of the
// timetable is looked through.
func TestNextFiresAreAskedForAtOnce(t *testing.T) {
	v, live, _ := sorts(t)
	live.fires = nil
	for i := range sortedLooks + 500 {
		id := domain.JobID{200, byte(i >> 8), byte(i)}
		live.fires = append(live.fires, domain.FireKey{ScheduledAt: 50, JobID: id})
	}
	if _, err := v.Sorted(t.Context(), store.JobQuery{Limit: 5}, JobsNow{}, ByNextFire, JobPlace{}); err != nil {
		t.Fatal(err)
	}
	if want := []int{200, 1_000, 800}; !slices.Equal(live.asked, want) {
		t.Errorf("asked for %v, want %v", live.asked, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := nextFires(ctx, v, domain.FireKey{}, 5)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}

// A job that fires while the timetable is looked through may be found twice: it is on the page once.
func TestAJobIsOnAPageOnce(t *testing.T) {
	for _, nodes := range []int{1, 3} {
		v, live, st := sorts(t)
		if nodes > 1 {
			v.others, v.now = &others{&source{looked: func() {}}, &source{looked: func() {}}, 0},
				func() int64 { return 1_000 }
		}
		again := func(n byte, at int64) domain.FireKey {
			return domain.FireKey{JobID: domain.JobID{n}, ScheduledAt: at}
		}
		fires := []domain.FireKey{again(4, 100_000), again(4, 101_000), again(9, 102_000)}
		for i := range sortedPiece { // and once more in another piece, of jobs that do not exist
			fires = append(fires, domain.FireKey{JobID: domain.JobID{200, byte(i)}, ScheduledAt: 103_000})
		}
		fires = append(fires, again(9, 104_000))
		live.fires = fires
		page, err := v.Sorted(t.Context(), store.JobQuery{Limit: 20}, JobsNow{}, ByNextFire, JobPlace{})
		seen := map[domain.JobID]bool{}
		for _, j := range page.Jobs {
			if seen[j.ID] {
				t.Errorf("%d nodes: job %d twice", nodes, j.ID[0])
			}
			seen[j.ID] = true
		}
		if err != nil || page.Jobs[0].ID[0] != 4 || page.Jobs[1].ID[0] != 9 {
			t.Errorf("%d nodes: %+v, %v", nodes, page, err)
		}
		remove := st.Add(faulty.Rule{Method: "Jobs.List"})
		due := JobsNow{DueBefore: 100_000} // none: no job is looked at, and there is no rest
		page, err = v.Sorted(t.Context(), store.JobQuery{Limit: 5}, due, ByNextFire, JobPlace{})
		if err != nil || len(page.Jobs) != 0 || page.Next != nil {
			t.Errorf("due before the first fire: %+v, %v", page, err)
		}
		remove()
	}
}
