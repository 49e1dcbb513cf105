package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var durabilityCases = []testCase{
	{"everything is there after Close and Open", survivesReopen},
	{"callers in parallel", parallelCallers},
	{"parallel edits of one job: one wins each version", parallelEdits},
	{"a context that has ended stops a call and harms nothing", cancelledCalls},
}

func survivesReopen(t *testing.T, f *fixture) {
	v1, v2 := version(1), everyField(2)
	v3 := edit(v1, noon+hour, nil)
	facts := oneOfEach()
	f.create(t, v1, v2)
	f.update(t, v3)
	f.record(t, facts...)
	f.begin(t, openRun(2, noon))
	totals, alerts := f.totals(t, 0), f.alerts(t)
	for range 3 {
		f.reopen(t)
		equal(t, timeline(t, f, 0), []domain.Version{closed(v1, noon+hour), v3, v2})
		equal(t, must(store.Recent(t.Context(), f.History(), store.Page{Limit: 100}))(t), newestFirst(facts))
		equal(t, f.runs(t), []domain.OpenRun{openRun(2, noon)})
		equal(t, f.totals(t, 0), totals)
		equal(t, f.alerts(t), alerts)
	}
}

func parallelCallers(t *testing.T, f *fixture) {
	const callers, each = 8, 8
	owned := claim(t, f)
	ctx := t.Context()
	ok(t, parallel(callers, func(c int) error {
		for i := range each {
			n := 1 + c*each + i
			at := noon + int64(i)*minute
			err := errors.Join(
				f.Jobs().Create(ctx, []domain.Version{version(n)}),
				f.Ledger().Record(ctx, store.Batch{Facts: []domain.Execution{success(n, at), failure(n, at+minute)}}),
				f.Ledger().Record(ctx, store.Batch{Open: []domain.OpenRun{openRun(n, at+hour)}}),
				f.Jobs().Update(ctx, edit(version(n), noon+hour, nil)),
			)
			_, beatErr := f.Shards().Beat(ctx, []store.Beat{beatOf(owned, 0)}, second)
			_, listErr := f.History().ByJob(ctx, jobID(n), store.Page{Limit: 5})
			_, totalErr := f.History().Totals(ctx, 0)
			_, alertErr := f.Store.Alerts().List(ctx, store.AlertPage{Limit: 5})
			if err := errors.Join(err, beatErr, listErr, totalErr, alertErr); err != nil {
				return fmt.Errorf("caller %d: %w", c, err)
			}
		}
		return nil
	}))
	f.reopen(t)
	wantCount(t, f, callers*each, callers*each)
	equal(t, f.totals(t, 0).ByStatus, map[domain.Status]int64{
		domain.StatusSuccess: callers * each, domain.StatusFailed: callers * each,
	})
	if got := len(f.runs(t)); got != callers*each {
		t.Fatalf("%d open runs, want %d", got, callers*each)
	}
	if got := len(f.alerts(t)); got != callers*each {
		t.Fatalf("%d alerts, want %d", got, callers*each)
	}
}

func parallelEdits(t *testing.T, f *fixture) {
	const editors, edits = 4, 6
	f.create(t, version(1))
	ctx := t.Context()
	ok(t, parallel(editors, func(e int) error {
		for done := 0; done < edits; {
			job, err := f.Jobs().Get(ctx, jobID(1))
			if err != nil {
				return err
			}
			next := edit(job.Current, job.Current.EffectiveFrom+1,
				func(v *domain.Version) { v.Spec.Name = fmt.Sprint(e, done) })
			switch err := f.Jobs().Update(ctx, next); {
			case err == nil:
				done++
			case domain.ErrorCode(err) != domain.CodeConflict:
				return err
			}
		}
		return nil
	}))
	versions := must(f.Jobs().Versions(ctx, jobID(1), store.WholeVersions))(t)
	if len(versions) != 1+editors*edits {
		t.Fatalf("%d versions, want %d", len(versions), 1+editors*edits)
	}
	for i := 1; i < len(versions); i++ {
		if versions[i-1].EffectiveTo != versions[i].EffectiveFrom {
			t.Fatalf("a gap after version %d", versions[i-1].Number)
		}
	}
}

func cancelledCalls(t *testing.T, f *fixture) {
	f.create(t, version(1))
	f.record(t, success(1, noon))
	dead, cancel := context.WithCancel(t.Context())
	cancel()
	_, getErr := f.Jobs().Get(dead, jobID(1))
	_, listErr := store.Recent(dead, f.History(), store.Page{Limit: 1})
	_, claimErr := f.Shards().Claim(dead, process, []store.Claim{{}})
	for name, err := range map[string]error{
		"Create": f.Jobs().Create(dead, []domain.Version{version(2)}),
		"Record": f.Ledger().Record(dead, store.Batch{Facts: []domain.Execution{success(1, noon+minute)}}),
		"Get":    getErr, "Recent": listErr, "Claim": claimErr,
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want %v", name, err, context.Canceled)
		}
	}
	wantCount(t, f, 1, 1)
	f.record(t, success(1, noon+minute))
	equal(t, f.byJob(t, 5), []domain.Execution{success(1, noon+minute), success(1, noon)})
}
