package edit

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// elsewhere makes another process the owner of all jobs. The shards are free, so that no owner has
// to follow a change.
func (w *world) elsewhere() *world {
	w.owner.refuses = store.Stale(0)
	w.without.ahead = 3_000
	return w
}

// The answer of the store to a change may be lost. Whoever made it gets the answer nevertheless, and
// the change is made once.
func TestChangeWithoutOwner(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		id := w.elsewhere().make()
		for n, rule := range []faulty.Rule{
			{}, {Fault: faulty.FailBefore, Times: 1}, {Fault: faulty.FailAfter, Times: 1},
			{Fault: faulty.FailAfter, Times: 2},
		} {
			if n > 0 {
				rule.Method = "Edits.Update"
				w.store.Add(rule)
			}
			v, changed, err := w.SetActive(t.Context(), id, 0, n%2 == 1, nil)
			if err != nil || !changed || v.Number != n+2 {
				t.Fatalf("change %d: %+v, %v", n, v, err)
			}
			if job, err := w.store.Jobs().Get(t.Context(), id); err != nil || job.Current.EffectiveFrom !=
				v.EffectiveFrom || job.Current.Number != n+2 {
				t.Errorf("change %d: stored is %+v, answered %+v", n, job.Current, v)
			}
			w.store.Clear()
		}
		w.fail(faulty.FailBefore, "Edits")
		if err := w.rename(id, "x"); codeOf(err) != domain.CodeUnavailable || w.number(id) != 5 {
			t.Errorf("%v, version %d", err, w.number(id))
		}
		w.store.Clear()
		w.fail(faulty.FailAfter, "Edits")
		if err := w.rename(id, "y"); codeOf(err) != domain.CodeUnavailable || w.number(id) != 6 {
			t.Errorf("%v, version %d", err, w.number(id))
		}
		w.store.Clear()
		if err := w.rename(id, "z"); err != nil || w.number(id) != 7 {
			t.Errorf("%v, version %d", err, w.number(id))
		}
		w.store.Add(faulty.Rule{Method: "Edits.Delete", Fault: faulty.FailAfter, Times: 1})
		if to, err := w.Delete(t.Context(), id, 0); err != nil || to == 0 {
			t.Errorf("deleted from %d on: %v", to, err)
		}
		if begun, ended := w.owner.told(); begun != 0 || slices.Contains(ended, true) {
			t.Errorf("the owner that is none was told of %d changes: %v", begun, ended)
		}
	})
}

// A change whose outcome is not known holds back the others of its job until it is.
func TestUnclearChangeWithoutOwner(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		id := w.elsewhere().make()
		w.fail(faulty.FailBefore, "Edits")
		w.store.Add(faulty.Rule{Method: "Jobs.Get", Fault: faulty.FailBefore, Skip: 2})
		if err := w.rename(id, "x"); codeOf(err) != domain.CodeUnavailable {
			t.Fatal(err)
		}
		waits := make(chan error, 1)
		go func() { waits <- w.rename(id, "y") }()
		pass(time.Second)
		select {
		case err := <-waits:
			t.Fatalf("another change came before: %v", err)
		default:
		}
		w.store.Clear()
		if err := <-waits; err != nil || w.number(id) != 3 {
			t.Errorf("%v, version %d", err, w.number(id))
		}
	})
}

// A lease that is lost between the beginning of a change and its commit makes the change one
// without the owner.
func TestLeaseIsLostDuringChange(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		id := w.make()
		w.without.ahead = 3_000
		lost := func(method string) {
			w.store.Add(faulty.Rule{Method: method, Fault: faulty.FailBefore, Times: 1, Err: store.Stale(0)})
		}
		lost("Jobs.Update")
		if err := w.rename(id, "x"); err != nil || w.number(id) != 2 {
			t.Errorf("%v, version %d", err, w.number(id))
		}
		lost("Jobs.Create")
		other := w.make()
		lost("Jobs.Delete")
		if to, err := w.Delete(t.Context(), other, 0); err != nil || to == 0 {
			t.Errorf("deleted from %d on: %v", to, err)
		}
		if _, ended := w.owner.told(); !slices.Equal(ended, []bool{true, false, false, false, false}) {
			t.Errorf("the owner was told %v", ended)
		}
		w.without.ahead = 0 // no other process has the database
		lost("Jobs.Update")
		if err := w.rename(id, "y"); store.StaleShards(err) == nil {
			t.Errorf("the lease is lost: %v", err)
		}
	})
}

// Documents of one request are made in one commit for each of both ways, or, where a record of an
// Idempotency-Key belongs to it, in one.
func TestCreateAtBoth(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.without.ahead = 3_000
		w.owner.away = func(v *domain.Version) bool { return v.Spec.Name == "away" }
		away := func(d *domain.SpecDoc) { d.Name = "away" }
		keyed := func(d *domain.SpecDoc) { d.Key = "k" }
		docs := []domain.SpecDoc{doc(away), doc(), {}, doc(away, keyed), doc(keyed), doc()}
		made := w.Create(t.Context(), docs)
		for i, m := range made {
			if want := map[int]domain.Code{2: domain.CodeInvalid, 3: domain.CodeConflict}[i]; codeOf(m.Err) != want {
				t.Errorf("document %d: %v", i, m.Err)
			}
			if m.Err != nil {
				continue
			}
			if job, err := w.store.Jobs().Get(t.Context(), m.Version.JobID); err != nil ||
				job.Current.EffectiveFrom != m.Version.EffectiveFrom {
				t.Errorf("document %d: %+v, %v; answered %+v", i, job, err, m.Version)
			}
		}
		if a, b := w.store.Count("Jobs.Create").Calls, w.store.Count("Edits.Create").Calls; a != 1 || b != 2 {
			t.Errorf("%d and %d commits", a, b) // the second one without the document whose key is taken
		}
		ctx := store.WithIdempotency(t.Context(), domain.IdempotencyRecord{Key: domain.IdempotencyKey{1}, Caller: "me"})
		for i, m := range w.Create(ctx, []domain.SpecDoc{doc(away), doc(), doc()}) {
			if m.Err != nil {
				t.Errorf("document %d: %v", i, m.Err)
			}
		}
		if a, b := w.store.Count("Jobs.Create").Calls, w.store.Count("Edits.Create").Calls; a != 1 || b != 3 {
			t.Errorf("%d and %d commits", a, b)
		}
	})
}

// Creations of unknown outcome are undone, also without the owner.
func TestUnclearCreationWithoutOwner(t *testing.T) {
	for _, f := range []faulty.Fault{faulty.FailBefore, faulty.FailAfter} {
		bubble(t, func(t *testing.T, w *world) {
			w.elsewhere()
			w.fail(f, "Edits.Create")
			w.fail(faulty.FailBefore, "Jobs.Get", "Edits.Delete")
			made := w.Create(t.Context(), []domain.SpecDoc{doc()})
			if domain.ErrorCode(made[0].Err) != domain.CodeUnavailable {
				t.Fatalf("%+v", made)
			}
			w.store.Clear()
			pass(time.Second)
			if total, _, err := w.store.Jobs().Count(t.Context()); err != nil || total != 0 {
				t.Errorf("%d jobs are left, error %v", total, err)
			}
		})
	}
}

// runs returns the open runs on record.
func (w *world) runs() (found []domain.OpenRun) {
	w.t.Helper()
	if err := w.store.Ledger().OpenRuns(w.t.Context(), store.ShardSet{}, func(r domain.OpenRun) error {
		found = append(found, r)
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	return found
}

// An execution that is triggered without the owner is an open run that nobody carries out, once,
// whatever becomes of the answer of the store.
func TestTriggerWithoutOwner(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		id := w.elsewhere().make()
		for n, rule := range []faulty.Rule{
			{Fault: faulty.FailBefore, Times: 1}, {Fault: faulty.FailAfter, Times: 1}, {Fault: faulty.Delay, Delay: 1},
		} {
			rule.Method = "Ledger.Record"
			w.store.Add(rule)
			x, err := w.Trigger(t.Context(), id, 0)
			runs := w.runs()
			i := slices.IndexFunc(runs, func(r domain.OpenRun) bool { return r.FireKey == x.FireKey })
			if err != nil || x.Status != domain.StatusPending || len(runs) != n+1 || i < 0 || runs[i].Runner != 0 ||
				runs[i].Version != 1 || runs[i].InFlight {
				t.Errorf("trigger %d: %+v, %v; open runs %+v", n, x, err, runs)
			}
			w.store.Clear()
		}
		w.fail(faulty.FailBefore, "Ledger.Record")
		x, err := w.Trigger(t.Context(), id, 0)
		if codeOf(err) != domain.CodeUnavailable || x.JobID != id {
			t.Errorf("%+v, %v", x, err)
		}
		w.store.Clear()
		pass(time.Second)
		if runs := w.runs(); len(runs) != 4 {
			t.Errorf("%d open runs", len(runs))
		}
		if _, err := w.Trigger(t.Context(), domain.NewJobIDs(0, 1)[0], 0); codeOf(err) != domain.CodeNotFound {
			t.Errorf("a job that is not there: %v", err)
		}
	})
}

// The record of an Idempotency-Key is kept with the execution. Until it is, the key is under way.
func TestTriggerOnceWithoutOwner(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		id := w.elsewhere().make()
		ctx, kept, end, err := w.begin()
		if err != nil || kept != nil {
			t.Fatal(kept, err)
		}
		w.fail(faulty.FailBefore, "Ledger.Record")
		x, err := w.Trigger(ctx, id, 0)
		end()
		if codeOf(err) != domain.CodeUnavailable {
			t.Fatal(err)
		}
		if _, _, _, err := w.begin(); !errors.Is(err, ErrUnderWay) {
			t.Errorf("while it is not on record: %v", err)
		}
		w.store.Clear()
		pass(time.Second)
		_, kept, end, err = w.begin()
		if err != nil || kept == nil || kept.Execution != x.ID() {
			t.Fatalf("kept %+v, %v; triggered %+v", kept, err, x)
		}
		end()
		if runs := w.runs(); len(runs) != 1 {
			t.Errorf("%d open runs", len(runs))
		}
	})
}

// Another process has made the version of the number that a change was to make, and the answer to the change
// is unclear: it is not taken for made. The owner learns that it was not.
func TestVersionOfAnotherProcess(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.without.ahead = 3_000
		id := w.make()
		w.store.Add(faulty.Rule{Method: "Jobs.Update", Fault: faulty.FailBefore, Times: 1})
		job, err := w.store.Jobs().Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Update(t.Context(), id, 0, func(d *domain.SpecDoc) error {
			theirs := job.Current
			theirs.Number, theirs.EffectiveFrom, theirs.Spec.Name = 2, 0, "theirs"
			_, err := w.store.Edits().Update(t.Context(), theirs, w.without.ahead)
			d.Name = "mine"
			return err
		})
		if codeOf(err) != domain.CodeConflict {
			t.Errorf("the change that another one came before ends with %v", err)
		}
		pass(5 * time.Second)
		if _, ended := w.owner.told(); !slices.Equal(ended, []bool{true, false}) {
			t.Errorf("the owner was told %v", ended)
		}
		if job, err = w.store.Jobs().Get(t.Context(), id); err != nil || job.Current.Spec.Name != "theirs" {
			t.Errorf("stored is %+v, %v", job.Current, err)
		}
		if err := w.rename(id, "next"); err != nil {
			t.Errorf("the next change: %v", err)
		}
	})
}

// A server that is not this process may end a commit after a read has not seen it, as after a crash. So what a read
// does not find is not taken for undone: the owner would go on with a version that is none any more.
func TestAReadIsNoProofOfNoCommit(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		make   func(w *world, id domain.JobID) error
		stored func(job domain.Job, err error) bool
	}{
		"a change": {"Jobs.Update", func(w *world, id domain.JobID) error { return w.rename(id, "mine") },
			func(job domain.Job, err error) bool { return err == nil && job.Current.Spec.Name == "mine" }},
		"a deletion": {"Jobs.Delete", func(w *world, id domain.JobID) error {
			_, err := w.Delete(w.t.Context(), id, 0)
			return err
		}, func(_ domain.Job, err error) bool { return codeOf(err) == domain.CodeNotFound }},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.without.ahead = 3_000
				id := w.make()
				w.store.Add(faulty.Rule{Method: c.method, Fault: faulty.FailBefore, Times: 2})
				if err := c.make(w, id); codeOf(err) != domain.CodeUnavailable {
					t.Errorf("it ends with %v", err)
				}
				pass(20 * time.Second)
				if _, ended := w.owner.told(); !slices.Equal(ended, []bool{true, true}) {
					t.Errorf("the owner was told %v", ended)
				}
				if job, err := w.store.Jobs().Get(t.Context(), id); !c.stored(job, err) {
					t.Errorf("stored is %+v, %v", job.Current, err)
				}
			})
		})
	}
}

// What the store says is undone needs no repeat, and the caller learns at once that nothing was changed.
func TestUndoneIsKnownAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.without.ahead = 3_000
		id := w.make()
		w.store.Add(faulty.Rule{Method: "Jobs.Update", Fault: faulty.FailBefore, Times: 1,
			Err: domain.Unavailable(&store.UndoneError{Err: errors.New("a lock was waited for too long")}, "later")})
		if err := w.rename(id, "mine"); codeOf(err) != domain.CodeUnavailable {
			t.Errorf("it ends with %v", err)
		}
		if _, ended := w.owner.told(); !slices.Equal(ended, []bool{true, false}) {
			t.Errorf("the owner was told %v", ended)
		}
		if job, err := w.store.Jobs().Get(t.Context(), id); err != nil || job.Current.Number != 1 {
			t.Errorf("stored is %+v, %v", job.Current, err)
		}
	})
}
