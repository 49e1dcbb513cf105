package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var operationCases = []testCase{
	{"an operation is kept as it was made, with its jobs, through a reopen", operationLife},
	{"Create writes the entry and the record of the Idempotency-Key with it, once", operationCreate},
	{"Create that is refused leaves neither operation, entry nor jobs", operationRefused},
	{"Match and Mark write the progress with their jobs, and can be repeated", operationProgress},
	{"an operation that has ended does not change any more", operationEnded},
	{"Cancel keeps the first request, with its entry, beside the progress", operationCancel},
	{"List pages, newest first, by namespace and those that have not ended", operationPages},
	{"Expire deletes what has ended, and what is pending of it", operationExpire},
	{"changes that an operation has made are listed by it", operationChanges},
}

// operation returns operation n, which matches jobs of a filter.
func operation(n int) domain.Operation {
	active := true
	return domain.Operation{
		ID: domain.OperationID(jobID(n)), Action: domain.BulkTag,
		Tags:   domain.TagChange{Add: []string{"müde", "b"}, Remove: []string{"c"}},
		Filter: domain.JobFilter{Active: &active, Namespace: "billing", Text: `"%_'`}, Namespace: "billing",
		By:   domain.Author{Key: "aaaaaa01", Name: "CI", Address: "192.0.2.1"},
		Role: domain.RoleEditor, RequestID: "r-1", CreatedAt: noon + int64(n), State: domain.OperationMatching,
	}
}

// running returns operation n, which has three jobs that were named.
func running(n int) (domain.Operation, []domain.JobID) {
	o := operation(n)
	o.Action, o.Tags, o.Filter, o.Named, o.Namespace = domain.BulkPause, domain.TagChange{}, domain.JobFilter{}, 4, ""
	o.Pause = domain.Pause{Reason: "moved", Until: noon + day}
	o.State, o.MatchedAt, o.Counts = domain.OperationRunning, noon, domain.OperationCounts{Matched: 3, NotFound: 1}
	return o, []domain.JobID{jobID(3), jobID(1), jobID(2)}
}

func (f *fixture) operation(t *testing.T, id domain.OperationID) domain.Operation {
	t.Helper()
	return must(f.Operations().Get(t.Context(), id))(t)
}

func (f *fixture) pending(t *testing.T, id domain.OperationID) []domain.JobID {
	t.Helper()
	return must(f.Operations().Pending(t.Context(), id, 100))(t)
}

func operationLife(t *testing.T, f *fixture) {
	first := operation(1)
	second, jobs := running(2)
	ok(t, f.Operations().Create(t.Context(), first, nil))
	ok(t, f.Operations().Create(t.Context(), second, jobs))
	for range 2 {
		equal(t, f.operation(t, first.ID), first)
		equal(t, f.operation(t, second.ID), second)
		equal(t, f.pending(t, first.ID), nil)
		equal(t, f.pending(t, second.ID), []domain.JobID{jobID(1), jobID(2), jobID(3)})
		equal(t, must(f.Operations().Pending(t.Context(), second.ID, 2))(t), []domain.JobID{jobID(1), jobID(2)})
		_, err := f.Operations().Get(t.Context(), operation(3).ID)
		wantCode(t, err, domain.CodeNotFound)
		equal(t, f.changes(t), nil)
		f.reopen(t)
	}
}

func operationCreate(t *testing.T, f *fixture) {
	o, jobs := running(1)
	r := record(1, noon)
	for range 2 {
		ok(t, f.Operations().Create(store.WithChange(under(t, r), o.Entry()), o, jobs))
	}
	r.Operation = o.ID
	for range 2 {
		equal(t, f.kept(t, r), &r)
		equal(t, f.changes(t), []domain.Change{{
			At: o.CreatedAt, Nonce: o.Nonce(domain.JobID{}), By: o.By, Action: domain.ActionBulk, RequestID: "r-1",
			Operation: o.ID, Count: 3, Detail: "PAUSE until 2026-03-11T12:00:00Z (moved) 4 ids",
		}})
		f.reopen(t)
	}
}

func operationRefused(t *testing.T, f *fixture) {
	o, jobs := running(1)
	ok(t, f.Operations().Create(t.Context(), o, jobs))
	other := o
	other.Action = domain.BulkDelete
	wantCode(t, f.Operations().Create(store.WithChange(t.Context(), other.Entry()), other, []domain.JobID{jobID(9)}),
		domain.CodeConflict)
	equal(t, f.operation(t, o.ID), o)

	r := record(1, noon)
	ok(t, f.Jobs().Create(under(t, r), []domain.Version{version(1)}))
	r.At += hour
	second, jobs := running(2)
	wantCode(t, f.Operations().Create(store.WithChange(under(t, r), second.Entry()), second, jobs), domain.CodeConflict)
	_, err := f.Operations().Get(t.Context(), second.ID)
	wantCode(t, err, domain.CodeNotFound)
	equal(t, f.pending(t, second.ID), nil)
	equal(t, f.changes(t), nil)
	equal(t, len(f.pending(t, o.ID)), 3)
}

func operationProgress(t *testing.T, f *fixture) {
	o := operation(1)
	ok(t, f.Operations().Create(t.Context(), o, nil))
	o.Counts.Matched, o.Progress.Matched = 2, jobID(2)
	for range 2 {
		ok(t, f.Operations().Match(t.Context(), o, []domain.JobID{jobID(1), jobID(2)}))
		equal(t, f.operation(t, o.ID), o)
		f.reopen(t)
	}
	o.Counts.Matched, o.Progress.Matched, o.State, o.MatchedAt = 3, jobID(3), domain.OperationRunning, noon+second
	ok(t, f.Operations().Match(t.Context(), o, []domain.JobID{jobID(2), jobID(3)}))
	equal(t, f.pending(t, o.ID), []domain.JobID{jobID(1), jobID(2), jobID(3)})

	o.Progress.StepAt = noon + minute
	ok(t, f.Operations().Mark(t.Context(), o, nil))
	o.Progress.StepAt = 0
	o.Counts.Done, o.Counts.Unchanged, o.Counts.Skipped = 1, 0, 0
	o.Note(jobID(3), fmt.Errorf("größer als erlaubt"))
	changed := o // what an operation was made with stays
	changed.Action, changed.Named, changed.By, changed.CreatedAt = domain.BulkDelete, 7, domain.Author{Key: "x"}, 1
	for range 2 {
		ok(t, f.Operations().Mark(t.Context(), changed, []domain.JobID{jobID(1), jobID(3)}))
		equal(t, f.operation(t, o.ID), o)
		equal(t, f.pending(t, o.ID), []domain.JobID{jobID(2)})
		f.reopen(t)
	}
	unknown := operation(2)
	wantCode(t, f.Operations().Match(t.Context(), unknown, []domain.JobID{jobID(1)}), domain.CodeNotFound)
	wantCode(t, f.Operations().Mark(t.Context(), unknown, nil), domain.CodeNotFound)
	equal(t, f.pending(t, unknown.ID), nil)
}

func operationEnded(t *testing.T, f *fixture) {
	o, jobs := running(1)
	ok(t, f.Operations().Create(t.Context(), o, jobs))
	o.State, o.EndedAt, o.Fault = domain.OperationFailed, noon+hour, "the key was revoked"
	for range 2 {
		ok(t, f.Operations().Mark(t.Context(), o, jobs[:1]))
	}
	later := o
	later.State, later.EndedAt, later.Fault = domain.OperationDone, noon+2*hour, ""
	wantCode(t, f.Operations().Mark(t.Context(), later, jobs), domain.CodeConflict)
	wantCode(t, f.Operations().Match(t.Context(), later, []domain.JobID{jobID(9)}), domain.CodeConflict)
	wantCode(t, f.Operations().Cancel(t.Context(), o.ID, domain.Cancellation{At: noon, By: o.By}), domain.CodeConflict)
	for range 2 {
		equal(t, f.operation(t, o.ID), o)
		equal(t, f.pending(t, o.ID), []domain.JobID{jobID(1), jobID(2)})
		f.reopen(t)
	}
}

func operationCancel(t *testing.T, f *fixture) {
	o, jobs := running(1)
	ok(t, f.Operations().Create(t.Context(), o, jobs))
	wantCode(t, f.Operations().Cancel(t.Context(), operation(2).ID, domain.Cancellation{At: noon}), domain.CodeNotFound)
	ctx, entry := by(t, noon+minute, 7)
	first := domain.Cancellation{At: noon + minute, By: entry.By}
	for range 2 {
		ok(t, f.Operations().Cancel(ctx, o.ID, first))
	}
	ctx, _ = by(t, noon+hour, 8)
	ok(t, f.Operations().Cancel(ctx, o.ID, domain.Cancellation{At: noon + hour, By: domain.Author{Key: "bbbbbbbb"}}))
	entry.Action, entry.Operation = domain.ActionCancel, o.ID

	o.Counts.Done = 1 // by whoever does not know of it yet
	ok(t, f.Operations().Mark(t.Context(), o, jobs[:1]))
	o.Cancelled = first
	for range 2 {
		equal(t, f.operation(t, o.ID), o)
		equal(t, f.changes(t), []domain.Change{entry})
		f.reopen(t)
	}
}

func operationPages(t *testing.T, f *fixture) {
	var all, open, billing []domain.Operation
	for n := 1; n <= 9; n++ {
		o := operation(n)
		if n%3 == 0 {
			o.Namespace = ""
		}
		if n%2 == 0 {
			o.State, o.EndedAt = domain.OperationCancelled, noon+hour
		}
		ok(t, f.Operations().Create(t.Context(), o, nil))
		all = append([]domain.Operation{o}, all...)
		if n%3 != 0 {
			billing = append([]domain.Operation{o}, billing...)
		}
		if n%2 != 0 {
			open = append([]domain.Operation{o}, open...)
		}
	}
	for _, tc := range []struct {
		q    store.OperationQuery
		want []domain.Operation
	}{
		{store.OperationQuery{}, all},
		{store.OperationQuery{Namespace: "billing"}, billing},
		{store.OperationQuery{Namespace: "other"}, nil},
		{store.OperationQuery{Open: true}, open},
		{store.OperationQuery{Open: true, Namespace: "billing"}, []domain.Operation{all[2], all[4], all[8]}},
	} {
		for _, size := range []int{1, 2, 50} {
			var got []domain.Operation
			for tc.q.Limit = size; ; {
				part := must(f.Operations().List(t.Context(), tc.q))(t)
				got = append(got, part...)
				if len(part) < size {
					break
				}
				tc.q.Before = part[size-1].ID
			}
			tc.q.Before = domain.OperationID{}
			equal(t, got, tc.want)
		}
	}
}

func operationExpire(t *testing.T, f *fixture) {
	const n = 2_100 // more than one piece
	pending := make([]domain.JobID, n)
	for i := range pending {
		pending[i] = jobID(i)
	}
	open, jobs := running(1)
	old, late := operation(2), operation(3)
	old.State, old.EndedAt = domain.OperationCancelled, noon
	late.State, late.EndedAt = domain.OperationDone, noon+1
	ok(t, f.Operations().Create(t.Context(), open, jobs))
	ok(t, f.Operations().Create(t.Context(), old, pending))
	ok(t, f.Operations().Create(t.Context(), late, pending))
	equal(t, must(f.Operations().Expire(t.Context(), noon-1))(t), 0)
	equal(t, f.operation(t, old.ID), old)
	for _, o := range []domain.Operation{old, late} {
		equal(t, f.pending(t, o.ID), nil)
	}
	equal(t, must(f.Operations().Expire(t.Context(), noon))(t), 1)
	f.reopen(t)
	equal(t, must(f.Operations().List(t.Context(), store.OperationQuery{Limit: 9}))(t), []domain.Operation{late, open})
	equal(t, len(f.pending(t, open.ID)), 3)
	equal(t, must(f.Operations().Expire(t.Context(), domain.Forever))(t), 1)
	equal(t, f.operation(t, open.ID), open)
}

func operationChanges(t *testing.T, f *fixture) {
	o := operation(1)
	other := operation(2)
	ok(t, f.Operations().Create(store.WithChange(t.Context(), o.Entry()), o, nil))
	f.create(t, version(1), version(2))
	under := func(n int, id domain.OperationID) domain.Change {
		return domain.Change{At: noon + minute, Nonce: int64(n), By: o.By, Operation: id}
	}
	ok(t, f.Jobs().Update(store.WithChange(t.Context(), under(1, o.ID)), edit(version(1), noon+minute, nil)))
	ok(t, f.Jobs().Delete(store.WithChange(t.Context(), under(2, o.ID)), jobID(2), 1, noon+hour))
	ok(t, f.Changes().Add(t.Context(), under(3, other.ID)))
	type short struct {
		action domain.Action
		job    domain.JobID
	}
	for range 2 {
		var got []short
		q := store.ChangeQuery{To: domain.Forever, Limit: 2, Operation: o.ID}
		for {
			page := must(f.Store.Changes().List(t.Context(), q))(t)
			for _, e := range page {
				equal(t, e.Operation, o.ID)
				got = append(got, short{e.Action, e.JobID})
			}
			if len(page) < 2 {
				break
			}
			q.BeforeAt, q.BeforeNonce = page[1].At, page[1].Nonce
		}
		if want := []short{{domain.ActionDelete, jobID(2)}, {domain.ActionUpdate, jobID(1)},
			{domain.ActionBulk, domain.JobID{}}}; !slices.Equal(got, want) {
			t.Fatalf("entries %v, want %v", got, want)
		}
		f.reopen(t)
	}
}
