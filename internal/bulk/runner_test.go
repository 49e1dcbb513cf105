package bulk

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Each action is carried out on the jobs that match, once, with an entry that names the
// operation; those that were like that already have none.
func TestActions(t *testing.T) {
	paused := func(i int, d *domain.SpecDoc) {
		d.Tags, d.IsActive = []string{"old"}, i%3 != 0
	}
	for _, c := range []struct {
		action    domain.BulkAction
		tags      domain.TagChange
		unchanged int64 // of 30
		is        func(v domain.Version, exists bool) bool
		entry     domain.Action
	}{
		{domain.BulkPause, domain.TagChange{}, 10, func(v domain.Version, _ bool) bool { return !v.Active },
			domain.ActionUpdate},
		{domain.BulkResume, domain.TagChange{}, 20, func(v domain.Version, _ bool) bool { return v.Active },
			domain.ActionUpdate},
		{domain.BulkDelete, domain.TagChange{}, 0, func(_ domain.Version, exists bool) bool { return !exists },
			domain.ActionDelete},
		{domain.BulkTrigger, domain.TagChange{}, 0, func(_ domain.Version, exists bool) bool { return exists },
			domain.ActionTrigger},
		{domain.BulkTag, domain.TagChange{Add: []string{"new"}, Remove: []string{"old"}}, 0,
			func(v domain.Version, _ bool) bool { return slices.Equal(v.Spec.Tags, []string{"new"}) },
			domain.ActionUpdate},
		{domain.BulkTag, domain.TagChange{Add: []string{"old"}}, 30,
			func(v domain.Version, _ bool) bool { return v.Number == 1 }, domain.ActionUpdate},
	} {
		t.Run(fmt.Sprint(c.action, c.tags), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				other := w.jobs(5)
				ids := w.jobs(30, paused)
				o := w.ask(domain.Operation{Action: c.action, Tags: c.tags, RequestID: "r-1",
					Filter: domain.JobFilter{Tag: "old"}})
				w.finish()
				w.wait()
				got := w.get(o)
				want := domain.OperationCounts{Matched: 30, Done: 30 - c.unchanged, Unchanged: c.unchanged}
				if got.State != domain.OperationDone || got.Counts != want || got.EndedAt == 0 || got.MatchedAt == 0 ||
					got.Progress.StepAt != 0 {
					t.Errorf("%+v", got)
				}
				entries, own := w.entries(o)
				if len(own) != 1 || own[0].Action != domain.ActionBulk || own[0].Count != 30 || own[0].By != caller {
					t.Errorf("its own entry: %+v", own)
				}
				for _, id := range ids {
					v, exists := w.current(id)
					if !c.is(v, exists) {
						t.Errorf("job %s: version %+v, exists %t", id, v, exists)
					}
					if e := entries[id]; len(e) > 1 || len(e) == 1 && (e[0].Action != c.entry || e[0].By != caller ||
						e[0].RequestID != "r-1") {
						t.Errorf("entries %+v", e)
					}
				}
				if len(entries) != int(30-c.unchanged) {
					t.Errorf("%d jobs have entries", len(entries))
				}
				triggers := c.action == domain.BulkTrigger
				if n := w.calls.n.Load(); triggers != (n == 30) || !triggers && n > 0 {
					t.Errorf("%d calls", n)
				}
				for _, id := range other {
					if v, exists := w.current(id); !exists || v.Number != 1 {
						t.Errorf("another job was changed: %+v", v)
					}
				}
			})
		})
	}
}

// A pause that is over before the operation comes to a job leaves it as it is.
func TestPauseThatIsOver(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		ids := w.jobs(3)
		o := w.ask(domain.Operation{Action: domain.BulkPause, Pause: domain.Pause{Until: w.now() + 1}})
		time.Sleep(time.Second)
		w.finish()
		if got := w.get(o); got.State != domain.OperationDone || got.Counts.Unchanged != 3 {
			t.Errorf("%+v", got)
		}
		for _, id := range ids {
			if v, _ := w.current(id); v.Number != 1 {
				t.Errorf("%+v", v)
			}
		}
	})
}

// Pages of the list that end early lead on, until all jobs are matched.
func TestEveryPageIsMatched(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(3 * stepJobs / 2)
		w.Store = shortPages{w.store}
		o := w.ask(domain.Operation{Action: domain.BulkPause})
		w.finish()
		if got := w.get(o); got.Counts.Matched != 3*stepJobs/2 || got.Counts.Done != got.Counts.Matched {
			t.Errorf("%+v", got.Counts)
		}
	})
}

// shortPages is a store whose lists examine few jobs a call.
type shortPages struct{ store.Store }

func (s shortPages) Jobs() store.Jobs { return shortLists{s.Store.Jobs()} }

type shortLists struct{ store.Jobs }

func (s shortLists) List(ctx context.Context, q store.JobQuery) (store.JobPage, error) {
	q.MaxWork = 7
	return s.Jobs.List(ctx, q)
}

// Jobs that are named one by one are matched at once; what is no job, or another namespace's,
// is not distinguished.
func TestNamedJobs(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		mine, others := w.jobs(3, inNamespace("billing")), w.jobs(2)
		unknown := domain.NewJobID(1)
		o := w.ask(domain.Operation{Action: domain.BulkPause, Namespace: "billing"},
			mine[0], others[0], mine[2], unknown, mine[0])
		if o.State != domain.OperationRunning || o.Named != 4 || o.Counts != (domain.OperationCounts{Matched: 2,
			NotFound: 2}) {
			t.Errorf("at the beginning: %+v", o)
		}
		if err := w.deleteJob(mine[2]); err != nil {
			t.Fatal(err)
		}
		w.finish()
		if got := w.get(o); got.State != domain.OperationDone ||
			got.Counts != (domain.OperationCounts{Matched: 2, NotFound: 2, Done: 1, Skipped: 1}) {
			t.Errorf("%+v", got)
		}
		for _, id := range append(others, mine[1]) {
			if v, _ := w.current(id); !v.Active {
				t.Errorf("job %s was paused", id)
			}
		}
	})
}

func (w *world) deleteJob(id domain.JobID) error {
	_, err := w.edit.Delete(w.t.Context(), id, 0)
	return err
}

// The namespace of the author confines the filter, whatever that says.
func TestNamespaceConfines(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		mine, others := w.jobs(3, inNamespace("billing")), w.jobs(2, inNamespace("other"))
		a := w.ask(domain.Operation{Action: domain.BulkDelete, Namespace: "billing"})
		b := w.ask(domain.Operation{Action: domain.BulkPause, Namespace: "billing",
			Filter: domain.JobFilter{Namespace: "other"}})
		w.finish()
		if n := w.get(a).Counts.Matched + w.get(b).Counts.Matched; n > 6 {
			t.Errorf("%d matched", n)
		}
		for _, id := range others {
			if v, exists := w.current(id); !exists || !v.Active {
				t.Errorf("job %s: %+v", id, v)
			}
		}
		for _, id := range mine {
			if _, exists := w.current(id); exists {
				t.Errorf("job %s is there", id)
			}
		}
	})
}

// A refused action leaves the others, and its first errors are told.
func TestErrorsOfJobs(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		ids := w.jobs(15, func(i int, d *domain.SpecDoc) {
			for n := 0; i < 12 && n < domain.MaxTags; n++ {
				d.Tags = append(d.Tags, fmt.Sprint(n))
			}
		})
		o := w.ask(domain.Operation{Action: domain.BulkTag, Tags: domain.TagChange{Add: []string{"one more"}}})
		w.finish()
		got := w.get(o)
		want := domain.OperationCounts{Matched: 15, Done: 3, Failed: 12}
		if got.State != domain.OperationDone || got.Counts != want ||
			len(got.Errors) != domain.MaxOperationErrors || !slices.Contains(ids, got.Errors[0].JobID) {
			t.Errorf("%+v", got)
		}
	})
}

// A cancel ends an operation after the step that is under way: what was done is counted, and
// the rest is as it was.
func TestCancel(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		ids := w.jobs(3 * stepJobs)
		o := w.ask(domain.Operation{Action: domain.BulkPause})
		for w.get(o).Counts.Done == 0 {
			if _, err := w.runOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		admin := domain.Author{Key: "bbbbbb01"}
		ctx := store.WithChange(t.Context(), domain.Change{At: 5, Nonce: 6, By: admin})
		for range 2 {
			if asked, err := w.Runner.Cancel(ctx, o.ID, admin); err != nil || asked.Cancelled.By != admin ||
				asked.State != domain.OperationRunning {
				t.Fatalf("%+v, %v", asked, err)
			}
		}
		w.finish()
		got, active := w.get(o), 0
		for _, id := range ids {
			if v, _ := w.current(id); v.Active {
				active++
			}
		}
		if got.State != domain.OperationCancelled || got.Counts.Done != stepJobs || active != 2*stepJobs {
			t.Errorf("%+v, %d active", got, active)
		}
		if _, own := w.entries(o); len(own) != 2 {
			t.Errorf("%+v", own)
		}
		if again, err := w.Runner.Cancel(ctx, o.ID, admin); err != nil || again.State != domain.OperationCancelled {
			t.Errorf("again: %v", err)
		}
		ended := w.ask(domain.Operation{Action: domain.BulkPause}, ids[0])
		w.finish()
		if is, err := w.Runner.Cancel(ctx, ended.ID, admin); err != nil || is.State != domain.OperationDone ||
			is.Cancelled.At != 0 {
			t.Errorf("of one that is done: %+v, %v", is, err)
		}
		if _, err := w.Runner.Cancel(ctx, domain.OperationID{1}, admin); domain.ErrorCode(err) != domain.CodeNotFound {
			t.Errorf("of none: %v", err)
		}
	})
}

// A key that is revoked ends the operations of its holder, and no others.
func TestRevokedKeyEndsItsOperations(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(2 * stepJobs)
		mine := w.ask(domain.Operation{Action: domain.BulkPause})
		other := w.ask(domain.Operation{Action: domain.BulkTag, Tags: domain.TagChange{Add: []string{"x"}},
			By: domain.Author{Key: "bbbbbb01"}, Role: domain.RoleEditor})
		for w.get(mine).Counts.Done == 0 {
			if _, err := w.runOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.authors.lost.Store(&caller.Key)
		w.finish()
		got := w.get(mine)
		if got.State != domain.OperationFailed || got.Fault != rightsEnded || got.Counts.Done != stepJobs {
			t.Errorf("%+v", got)
		}
		if got := w.get(other); got.State != domain.OperationDone || got.Counts.Done != 2*stepJobs {
			t.Errorf("the other: %+v", got)
		}
	})
}

// Operations take turns: a small one does not wait for the end of a large one.
func TestOperationsTakeTurns(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		ids := w.jobs(6 * stepJobs)
		large := w.ask(domain.Operation{Action: domain.BulkPause})
		small := w.ask(domain.Operation{Action: domain.BulkTag, Tags: domain.TagChange{Add: []string{"x"}}}, ids[0])
		for !w.get(small).State.Ended() {
			if _, err := w.runOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.get(large); got.State.Ended() || got.Counts.Done > stepJobs {
			t.Errorf("meanwhile %+v", got)
		}
		w.finish()
		if got := w.get(large); got.State != domain.OperationDone || got.Counts.Done != 6*stepJobs {
			t.Errorf("%+v", got)
		}
	})
}

// So many operations are open at a time, of a caller and of all.
func TestTooManyOperations(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		begin := func(n int) error {
			_, err := w.Begin(t.Context(), domain.Operation{Action: domain.BulkPause,
				By: domain.Author{Key: fmt.Sprint(n)}, Role: domain.RoleEditor}, nil)
			return err
		}
		for i := range domain.MaxOpenOperations + 1 {
			err := begin(i / domain.MaxCallerOperations)
			full := i == domain.MaxOpenOperations
			if (err != nil && domain.ErrorCode(err) == domain.CodeConflict) != full {
				t.Fatalf("operation %d: %v", i, err)
			}
		}
		w.finish()
		for i := range domain.MaxCallerOperations + 1 {
			err := begin(1)
			if full := i == domain.MaxCallerOperations; (err != nil) != full {
				t.Fatalf("operation %d of a caller: %v", i, err)
			}
		}
	})
}

// Run goes on with what a process before has begun, waits for what comes, and ends with its
// context.
func TestRun(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(10)
		first := w.ask(domain.Operation{Action: domain.BulkPause})
		w.crash()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			w.Run(ctx)
		}()
		synctest.Wait()
		second := w.ask(domain.Operation{Action: domain.BulkResume})
		synctest.Wait()
		for _, o := range []domain.Operation{first, second} {
			if got := w.get(o); got.State != domain.OperationDone || got.Counts.Done != 10 {
				t.Errorf("%+v", got)
			}
		}
		cancel()
		<-ended
	})
}
