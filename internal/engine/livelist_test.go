package engine

import (
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// liveAll reads the whole list of executions that have not ended.
func (w *world) liveAll(q store.ExecutionQuery) (all []domain.Execution) {
	w.t.Helper()
	for {
		page := w.eng.LiveList(q)
		if len(page.Executions) > q.Limit {
			w.t.Fatalf("%d executions on a page of %d", len(page.Executions), q.Limit)
		}
		all = append(all, page.Executions...)
		if page.Next == (domain.FireKey{}) {
			return all
		}
		if q.Before == page.Next {
			w.t.Fatal("the page does not lead on")
		}
		q.Before = page.Next
	}
}

// The list of what has not ended has calls, what waits for a retry and what is queued, of all jobs,
// and the filters select of it.
func TestLiveListOfAllJobs(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		var ids []domain.JobID
		for range 3 {
			doc := spec("?status=503&delay=1500")
			doc.Retry = domain.Retry{MaxRetries: 1, DelayMs: 60_000, Backoff: "FIXED", MaxDelayMs: 60_000}
			ids = append(ids, w.create(doc))
		}
		if _, err := w.trigger(ids[1]); err != nil {
			t.Fatal(err)
		}
		w.pass(5 * time.Second)
		var want []domain.Execution
		for _, id := range ids {
			want = append(want, w.eng.LiveByJob(id, 100)...)
		}
		slices.SortFunc(want, func(a, b domain.Execution) int { return compareNewest(a.FireKey, b.FireKey) })
		if len(want) < 12 {
			t.Fatalf("%d live executions", len(want))
		}
		yes, no := true, false
		api := spec("").API
		there, err := domain.ParseHostFilter(domain.HostName(api))
		if err != nil || there.Name == "" {
			t.Fatal(there, err)
		}
		mid := want[len(want)/2].ScheduledAt
		for name, q := range map[string]store.ExecutionQuery{
			"all": {}, "by hand": {Manual: &yes}, "by schedule": {Manual: &no}, "from": {From: mid}, "to": {To: mid},
			"waiting": {Statuses: []domain.Status{domain.StatusPending}}, "job": {JobID: ids[2]},
			"retrying":             {Statuses: []domain.Status{domain.StatusPending}, Retrying: &yes},
			"not retrying":         {Retrying: &no},
			"in flight, or failed": {Statuses: []domain.Status{domain.StatusFailed, domain.StatusRunning}},
			"ended":                {Statuses: []domain.Status{domain.StatusFailed}},
			"host":                 {Host: there}, "another host": {Host: domain.HostFilter{Name: "other.test"}},
		} {
			selected := slices.DeleteFunc(slices.Clone(want), func(x domain.Execution) bool {
				return !q.Selects(&x) || !q.Host.Matches(api)
			})
			if none := name == "ended" || name == "another host"; (len(selected) == 0) != none {
				t.Fatalf("%s selects %d", name, len(selected))
			}
			for _, limit := range []int{1, 2, 5, 100} {
				q.Limit = limit
				got := w.liveAll(q)
				if !slices.EqualFunc(got, selected, func(a, b domain.Execution) bool {
					return a.FireKey == b.FireKey && a.Status == b.Status
				}) {
					t.Errorf("%s, limit %d: %d executions, want %d", name, limit, len(got), len(selected))
				}
			}
		}
		for _, id := range ids {
			if _, err := w.update(id, paused); err != nil {
				t.Fatal(err)
			}
		}
		w.pass(3 * time.Minute)
		if got := w.liveAll(store.ExecutionQuery{Limit: 10}); len(got) != 0 {
			t.Errorf("%d after the end", len(got))
		}
	})
}

// However many runs there are, and in whatever order they come, the newest ones are kept, once.
func TestNewestRuns(t *testing.T) {
	j := run.NewJob(domain.JobID{1}, 0, 0)
	all := make([]*run.Run, 1_000)
	for i := range all {
		all[i] = &run.Run{Job: j, At: int64(i * 7 % 1_000), Nonce: int64(i % 2)}
	}
	for _, most := range []int{1, 10, 999, 1_000, 2_000} {
		n := newest{most: most, take: func(r *run.Run) bool { return r.At%2 == 0 }}
		for range 2 { // each is found twice
			for _, r := range all {
				n.add(r)
			}
		}
		n.trim()
		want := min(most, 500)
		if len(n.runs) != want || n.dropped != (most < 500) {
			t.Fatalf("most %d: %d runs, dropped %v", most, len(n.runs), n.dropped)
		}
		for i, r := range n.runs {
			if r.At != int64(998-2*i) {
				t.Fatalf("most %d: run %d is at %d", most, i, r.At)
			}
		}
	}
}
