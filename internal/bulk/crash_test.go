package bulk

import (
	"fmt"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// someJobs is how many jobs an operation has that is disturbed at each of its calls.
const someJobs = 7

var disturbed = []domain.Operation{
	{Action: domain.BulkPause}, {Action: domain.BulkTrigger}, {Action: domain.BulkDelete},
	{Action: domain.BulkTag, Tags: domain.TagChange{Add: []string{"x"}}},
}

// checkOnce checks that an operation has dealt with each job exactly once, and says so.
func checkOnce(t *testing.T, w *world, o domain.Operation, ids []domain.JobID) {
	t.Helper()
	w.store.Clear()
	w.wait()
	got := w.get(o)
	want := domain.OperationCounts{Matched: someJobs, Done: someJobs}
	if got.State != domain.OperationDone || got.Counts != want || len(got.Errors) > 0 {
		t.Errorf("%+v", got)
	}
	entries, own := w.entries(o)
	if len(own) != 1 || own[0].Count != someJobs || len(entries) != someJobs {
		t.Errorf("%d jobs have entries; its own: %+v", len(entries), own)
	}
	for _, id := range ids {
		v, exists := w.current(id)
		executions := w.executions(id)
		var right bool
		switch o.Action {
		case domain.BulkPause:
			right = !v.Active && v.Number == 2
		case domain.BulkDelete:
			right = !exists
		case domain.BulkTag:
			right = slices.Equal(v.Spec.Tags, []string{"x"}) && v.Number == 2
		case domain.BulkTrigger:
			right = executions == 1
		case domain.BulkResume:
		}
		if !right || len(entries[id]) != 1 || o.Action != domain.BulkTrigger && executions > 0 {
			t.Errorf("job %s: version %d, active %t, tags %v, exists %t, %d executions, entries %+v", id, v.Number,
				v.Active, v.Spec.Tags, exists, executions, entries[id])
		}
	}
}

// disturb begins an operation, lets its calls to the store be disturbed by a rule from the n-th
// on, and returns false when there were fewer.
func disturb(t *testing.T, o domain.Operation, rule faulty.Rule, crash bool) (reached bool) {
	bubble(t, func(t *testing.T, w *world) {
		ids := w.jobs(someJobs)
		o = w.ask(o)
		w.store.Add(rule)
		for range 100 {
			worked, err := w.runOnce(t.Context())
			if reached = w.store.Total(rule.Fault) > 0; reached || err == nil && !worked {
				break
			}
		}
		if crash {
			w.crash()
		}
		w.finish()
		checkOnce(t, w, o, ids)
	})
	return reached
}

// TestCrashAnywhere ends the process after each of the calls to the store that an operation
// makes. Whatever was under way, each job is dealt with exactly once after the restart.
func TestCrashAnywhere(t *testing.T) {
	for _, o := range disturbed {
		t.Run(string(o.Action), func(t *testing.T) {
			t.Parallel()
			n := 0
			for disturb(t, o, faulty.Rule{Fault: faulty.FailBefore, Skip: n}, true) {
				if n++; t.Failed() {
					t.Fatalf("after %d calls", n-1)
				}
			}
			if n < 3*someJobs {
				t.Errorf("no more than %d calls were cut", n)
			}
		})
	}
}

// TestFaultsAnywhere lets each call to the store fail, before and after it was done. The
// operation continues by itself.
func TestFaultsAnywhere(t *testing.T) {
	for _, o := range disturbed {
		for _, f := range []faulty.Fault{faulty.FailBefore, faulty.FailAfter} {
			for _, role := range []string{"Operations", "Jobs", "Ledger", "Changes", "History"} {
				t.Run(fmt.Sprint(o.Action, f, role), func(t *testing.T) {
					t.Parallel()
					for n := 0; disturb(t, o, faulty.Rule{Method: role, Fault: f, Skip: n, Times: 1}, false); n++ {
						if t.Failed() {
							t.Fatalf("at call %d", n)
						}
					}
				})
			}
		}
	}
}
