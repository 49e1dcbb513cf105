package engine

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// rarely is a document of a job that has no fires during a test.
func rarely(target string, change ...func(*domain.SpecDoc)) domain.SpecDoc {
	return spec(target, append(change, func(d *domain.SpecDoc) { d.Schedule = "0 0 0 1 1 * 2090" })...)
}

// triggerAt triggers a job at a node.
func (w *world) triggerAt(ed *edit.Editor, id domain.JobID) domain.Execution {
	w.t.Helper()
	x, err := ed.Trigger(context.Background(), id, 0)
	w.ok(err)
	w.manual = append(w.manual, x.FireKey)
	return x
}

// ofWorld returns those jobs whose owner is the world's engine.
func (w *world) ofWorld() []domain.JobID {
	return slices.DeleteFunc(slices.Clone(w.jobs), func(id domain.JobID) bool {
		return !slices.Contains(ShareOf(w.eng).Owned(), int(w.eng.shards.Number(id)))
	})
}

// A job can be triggered at a node that does not own it, also a paused one, and one that was made just
// now. The owner carries the execution out within some two seconds, once.
func TestTriggersAtAnyNode(t *testing.T) {
	pair(t, func(t *testing.T, w *world, other *node) {
		docs := mixed(2)
		docs = append(docs, slices.Repeat([]domain.SpecDoc{rarely("", paused), rarely("?status=503&first=1")}, 6)...)
		w.by(other.edit, func() { w.create(docs...) })
		asked := w.now()
		for _, ed := range []*edit.Editor{w.edit, other.edit} {
			for _, id := range w.jobs {
				w.triggerAt(ed, id)
			}
		}
		w.pass(2500 * time.Millisecond)
		for _, s := range w.targets.all() {
			if s.Key.Nonce != 0 && s.Attempt == 1 && s.at.UnixMilli() > asked+2100 {
				t.Errorf("%v was sent %d ms after it was triggered", s.Key, s.at.UnixMilli()-asked)
			}
		}
		for range 20 {
			for _, id := range w.jobs {
				w.triggerAt(other.edit, id)
			}
			w.pass(73 * time.Millisecond)
		}
		w.pass(60 * time.Second)
		w.check(w.now() - 50_000)
		for _, key := range w.manual {
			if _, err := w.db.History().Execution(context.Background(), key.ID()); err != nil {
				t.Errorf("%v has no record: %v", key, err)
			}
		}
		for _, open := range w.openRuns() {
			if open.Nonce != 0 {
				t.Errorf("an open run is left: %+v", open)
			}
		}
	})
}

// An execution that was triggered without the owner belongs to the version of then. If the job is
// deleted before the owner sees it, it is on record as SKIPPED.
func TestTriggerMeetsChanges(t *testing.T) {
	pair(t, func(t *testing.T, w *world, other *node) {
		w.create(slices.Repeat([]domain.SpecDoc{rarely("?v=1")}, 16)...)
		theirs := w.ofWorld()
		w.edge(50 * time.Millisecond) // the owner has just looked
		var changed, deleted, paused domain.Execution
		changed = w.triggerAt(other.edit, theirs[0])
		w.update1(theirs[0], func(d *domain.SpecDoc) { d.API = spec("?v=2").API })
		deleted = w.triggerAt(other.edit, theirs[1])
		_, err := w.delete(theirs[1])
		w.ok(err)
		paused = w.triggerAt(other.edit, theirs[2])
		w.update1(theirs[2], func(d *domain.SpecDoc) { d.IsActive = false })
		w.pass(3 * time.Second)
		for name, want := range map[string]struct {
			x      domain.Execution
			status domain.Status
		}{
			"changed": {changed, domain.StatusSuccess}, "deleted": {deleted, domain.StatusSkipped},
			"paused": {paused, domain.StatusSkipped},
		} {
			x, err := w.db.History().Execution(context.Background(), want.x.ID())
			if err != nil || x.Status != want.status || x.Version != 1 {
				t.Errorf("%s: %+v, %v", name, x, err)
			}
		}
		if _, err := other.edit.Trigger(context.Background(), theirs[1], 0); domain.ErrorCode(err) !=
			domain.CodeNotFound {
			t.Errorf("a deleted job: %v", err)
		}
		if _, err := other.edit.TriggerAs(context.Background(), theirs[2], w.now()-60_000, 9); domain.ErrorCode(err) !=
			domain.CodeConflict {
			t.Errorf("a job that was paused after the instant: %v", err)
		}
		for range 3 { // a repeat with the same nonce
			x, err := other.edit.TriggerAs(context.Background(), theirs[3], w.now()-100, 9)
			w.ok(err)
			w.manual = append(w.manual, x.FireKey)
		}
		w.pass(5 * time.Second)
		w.check(w.now() - 3000)
	})
}

// While a job has no owner it can be triggered. The next owner carries the execution out.
func TestTriggerWaitsForAnOwner(t *testing.T) {
	pair(t, func(t *testing.T, w *world, other *node) {
		w.create(slices.Repeat([]domain.SpecDoc{rarely("")}, 16)...)
		theirs := w.ofWorld()
		w.ok(ShareOf(w.eng).Release(context.Background(), []int{0, 2}))
		for _, id := range theirs {
			w.triggerAt(w.edit, id)
			w.triggerAt(other.edit, id)
		}
		w.pass(5 * time.Second)
		if n := len(w.openRuns()); n != 2*len(theirs) {
			t.Errorf("%d open runs", n)
		}
		w.ok(other.eng.owner.own(context.Background(), []int{0}))
		w.pass(500 * time.Millisecond)
		w.ok(w.eng.owner.own(context.Background(), []int{2}))
		w.pass(5 * time.Second)
		w.check(w.now() - 3000)
	})
}

// A process that is frozen while it picks a trigger up does not carry it out as well as the next owner.
func TestTriggerMeetsLoss(t *testing.T) {
	pair(t, func(t *testing.T, w *world, other *node) {
		w.create(slices.Repeat([]domain.SpecDoc{rarely("")}, 16)...)
		for range 30 {
			for _, id := range w.jobs {
				w.triggerAt(w.edit, id)
				w.triggerAt(other.edit, id)
			}
			w.pass(137 * time.Millisecond)
			for _, n := range ShareOf(w.eng).Owned() {
				w.ok(ShareOf(w.eng).Release(context.Background(), []int{n}))
				w.ok(other.eng.owner.own(context.Background(), []int{n}))
			}
			for _, n := range ShareOf(other.eng).Owned()[:2] {
				w.ok(ShareOf(other.eng).Release(context.Background(), []int{n}))
				w.ok(w.eng.owner.own(context.Background(), []int{n}))
			}
		}
		w.pass(20 * time.Second)
		w.check(w.now() - 3000)
		if runs := w.openRuns(); len(runs) > 0 {
			t.Errorf("%d open runs are left: %+v", len(runs), runs[0])
		}
	})
}

// slowReads is a store whose answers about triggers arrive two seconds late.
type slowReads struct{ store.Store }

func (s slowReads) Edits() store.Edits { return slowEdits{s.Store.Edits()} }

type slowEdits struct{ store.Edits }

func (e slowEdits) Unclaimed(ctx context.Context, of store.ShardSet, fn func(domain.OpenRun) error) error {
	var found []domain.OpenRun
	err := e.Edits.Unclaimed(ctx, of, func(r domain.OpenRun) error {
		found = append(found, r)
		return nil
	})
	clock.Wait(ctx, 2*time.Second)
	for i := 0; err == nil && i < len(found); i++ {
		err = fn(found[i])
	}
	return err
}

// An execution may be shown again while it is not on record that it was taken, also when it has ended
// since. It is sent once.
func TestTriggerIsShownAgain(t *testing.T) {
	t.Parallel()
	bubbleOfShards(t, 2, shared, func(t *testing.T, w *world) {
		w.ok(w.stop(3 * time.Second))
		w.wrap = func(s store.Store) store.Store { return slowReads{s} }
		w.boot()
		w.create(slices.Repeat([]domain.SpecDoc{rarely("")}, 4)...)
		w.gate.fail(func(o op) (f fault) {
			if o == opRecord {
				f.delay = 1500 * time.Millisecond
			}
			return f
		})
		other := w.join()
		defer other.stop()
		for range 40 {
			for _, id := range w.jobs {
				w.triggerAt(other.edit, id)
			}
			w.pass(270 * time.Millisecond)
		}
		w.pass(40 * time.Second)
		w.gate.fail(nil)
		w.check(w.now() - 3000)
	})
}
