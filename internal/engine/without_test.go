package engine

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// node is one more process on the disk of a world, with the same targets.
type node struct {
	w    *world
	eng  *Engine
	edit *edit.Editor
}

// join starts a process that owns no shards.
func (w *world) join() *node {
	w.t.Helper()
	cfg := w.cfg
	cfg.Store, cfg.Executor, cfg.Clock, cfg.Log = w.disk.Join(), w.targets.newLife(), w.clk, silent
	cfg.Metrics = telemetry.NewMetrics()
	eng, err := New(cfg)
	w.ok(err)
	w.ok(eng.Start(context.Background()))
	return &node{w, eng, editorOf(w.t, eng)}
}

// take moves shards from the world's engine to the node.
func (n *node) take(numbers ...int) {
	n.w.t.Helper()
	n.w.ok(ShareOf(n.w.eng).Release(context.Background(), numbers))
	n.w.ok(n.eng.owner.own(context.Background(), numbers))
}

func (n *node) stop() {
	n.w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	n.edit.Stop(ctx)
	n.w.ok(n.eng.Stop(ctx))
}

// by lets the changes of the world's jobs go through another editor.
func (w *world) by(ed *edit.Editor, do func()) {
	w.edit, ed = ed, w.edit
	defer func() { w.edit = ed }()
	do()
}

// pair runs a test with two processes, each with two of four shards.
func pair(t *testing.T, test func(t *testing.T, w *world, other *node)) {
	t.Helper()
	t.Parallel()
	bubbleOfShards(t, 4, shared, func(t *testing.T, w *world) {
		other := w.join()
		defer other.stop()
		other.take(1, 3)
		test(t, w, other)
	})
}

// Every change can be made at either process, whichever owns the job: fires follow it exactly,
// and a job that was paused or deleted sends nothing once the call has answered.
func TestChangesAtAnyNode(t *testing.T) {
	pair(t, func(t *testing.T, w *world, other *node) {
		w.create(mixed(3)...)
		w.by(other.edit, func() { w.create(mixed(3)...) })
		first, _ := w.eng.registry.count()
		second, _ := other.eng.registry.count()
		if first == 0 || second == 0 || first+second >= len(w.jobs) {
			t.Fatalf("%d and %d of %d jobs are known to their owners before the next beat", first, second, len(w.jobs))
		}
		w.pass(4300 * time.Millisecond)
		for i, id := range w.jobs {
			change := func() {
				switch i % 4 {
				case 0:
					w.update1(id, func(d *domain.SpecDoc) { d.Schedule = "*/2 * * * * *" })
				case 1:
					w.update1(id, func(d *domain.SpecDoc) { d.IsActive = false })
				case 2:
					_, err := w.delete(id)
					w.ok(err)
				}
			}
			if i%8 < 4 {
				change()
			} else {
				w.by(other.edit, change)
			}
		}
		w.pass(5 * time.Second)
		for i := 1; i < len(w.jobs); i += 4 {
			w.by(other.edit, func() { w.update1(w.jobs[i], func(d *domain.SpecDoc) { d.IsActive = true }) })
		}
		w.pass(40 * time.Second)
		w.check(w.now() - 30_000)
		first, _ = w.eng.registry.count()
		second, _ = other.eng.registry.count()
		if first+second != len(w.jobs)/4*3 {
			t.Errorf("%d and %d jobs, want %d", first, second, len(w.jobs)/4*3)
		}
	})
}

func (w *world) update1(id domain.JobID, change func(*domain.SpecDoc)) {
	w.t.Helper()
	_, err := w.update(id, change)
	w.ok(err)
}

// Several changes of one job, alternately at both processes and faster than the owner loads them,
// come one after the other: none begins before the one that it follows.
func TestChangesAtAlternateNodes(t *testing.T) {
	pair(t, func(t *testing.T, w *world, other *node) {
		w.create(mixed(2)...)
		w.pass(2 * time.Second)
		for turn := range 6 {
			for _, id := range w.jobs {
				change := func() { w.update1(id, every(turn%3+1)) }
				if turn%2 == 0 {
					change()
				} else {
					w.by(other.edit, change)
				}
			}
			w.pass(150 * time.Millisecond)
		}
		w.pass(50 * time.Second)
		for _, id := range w.jobs {
			versions, err := w.db.Jobs().Versions(context.Background(), id, store.TimingOnly)
			w.ok(err)
			if len(versions) != 7 {
				t.Errorf("job %s has %d versions", id, len(versions))
			}
		}
		w.check(w.now() - 30_000)
	})
}

// Of changes of one version of a job at the same time one wins, and the other is told so.
func TestChangesAtTwoNodesAtOnce(t *testing.T) {
	pair(t, func(t *testing.T, w *world, other *node) {
		w.create(mixed(3)...)
		w.pass(2 * time.Second)
		for i, id := range w.jobs {
			type result struct {
				v   domain.Version
				err error
			}
			results := make(chan result, 2)
			for n, ed := range []*edit.Editor{w.edit, other.edit} {
				go func() {
					v, err := ed.Update(context.Background(), id, 1, func(d *domain.SpecDoc) error {
						d.TimeoutMs = int64(5_000 + n)
						return nil
					})
					results <- result{v, err}
				}()
			}
			a, b := <-results, <-results
			if a.err != nil {
				a, b = b, a
			}
			if a.err != nil || domain.ErrorCode(b.err) != domain.CodeConflict || b.err == nil {
				t.Fatalf("job %d: %v and %v", i, a.err, b.err)
			}
			job, err := w.db.Jobs().Get(context.Background(), id)
			w.ok(err)
			if job.Current.Number != 2 || job.Current.Spec.TimeoutMs != a.v.Spec.TimeoutMs ||
				job.Current.EffectiveFrom != a.v.EffectiveFrom {
				t.Errorf("job %d: stored is %+v, answered was %+v", i, job.Current, a.v)
			}
		}
		w.pass(40 * time.Second)
		w.check(w.now() - 30_000)
	})
}

// While the owner cannot load a pause, the call does not answer that the job is paused. It does
// once the owner certainly sends nothing any more.
func TestPauseWaitsForTheOwner(t *testing.T) {
	pair(t, func(t *testing.T, w *world, other *node) {
		w.create(mixed(3)...)
		theirs := slices.DeleteFunc(slices.Clone(w.jobs), func(id domain.JobID) bool {
			return w.eng.shards.Number(id)%2 > 0
		})
		w.pass(2 * time.Second)
		w.readFrom(noChanges{w.gate, false})
		for _, id := range theirs[2:] { // of all its shards: one alone would be left
			w.editWithout(id)
		}
		begun := time.Now()
		_, _, err := other.edit.SetActive(context.Background(), theirs[0], 0, false, nil)
		if took := time.Since(begun); domain.ErrorCode(err) != domain.CodeUnavailable || took < 9*time.Second {
			t.Fatalf("after %s: %v", took, err)
		}
		if v, err := w.db.Jobs().Get(context.Background(), theirs[0]); err != nil || v.Current.Active {
			t.Fatalf("%+v, %v", v.Current, err)
		}
		w.readFrom(w.gate)
		w.pass(2 * time.Second)
		w.gate.cut() // the other owner is cut off from the store
		begun = time.Now()
		w.by(other.edit, func() { _, err = w.delete(theirs[1]) })
		if took := time.Since(begun); err != nil || took < 5*time.Second || took > 8*time.Second {
			t.Fatalf("after %s: %v", took, err)
		}
		w.ok(other.eng.owner.own(context.Background(), []int{0, 2}))
		w.pass(40 * time.Second)
		w.db = other.eng.store
		w.check(w.now() - 30_000)
	})
}

// A version that cannot be run is refused at a process that does not own the job, too.
func TestRefusedAtAnyNode(t *testing.T) {
	pair(t, func(t *testing.T, w *world, other *node) {
		w.create(mixed(2)...)
		bad := func(d *domain.SpecDoc) error {
			d.Schedule = "0 0 0 31 2 *"
			return nil
		}
		doc := spec("")
		_ = bad(&doc)
		for _, ed := range []*edit.Editor{w.edit, other.edit} {
			for _, made := range ed.Create(context.Background(), slices.Repeat([]domain.SpecDoc{doc}, 12)) {
				if domain.ErrorCode(made.Err) != domain.CodeInvalid {
					t.Errorf("created: %v", made.Err)
				}
			}
			for _, id := range w.jobs {
				if _, err := ed.Update(context.Background(), id, 0, bad); domain.ErrorCode(err) != domain.CodeInvalid {
					t.Errorf("changed: %v", err)
				}
			}
			if _, err := ed.Delete(context.Background(), domain.NewJobID(w.now()), 0); domain.ErrorCode(err) !=
				domain.CodeNotFound {
				t.Errorf("a job that is not there: %v", err)
			}
		}
		stop := errors.New("stop")
		if _, err := other.edit.Update(context.Background(), w.jobs[0], 0,
			func(*domain.SpecDoc) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("the caller's error became %v", err)
		}
	})
}

// A job that cannot be run and is mended without its owner is an ordinary job again.
func TestUnusableJobIsMendedElsewhere(t *testing.T) {
	t.Parallel()
	bubbleOfShards(t, 2, shared, func(t *testing.T, w *world) {
		ctx, ahead := context.Background(), horizon.Milliseconds()
		doc := spec("")
		v := domain.Version{JobID: domain.NewJobID(w.now()), Number: 1, CreatedAt: w.now(), EffectiveTo: domain.Forever,
			Active: true, Spec: doc.Spec}
		v.Spec.Schedule = "what an older release took for a schedule"
		made, err := w.db.Edits().Create(ctx, []domain.Version{v}, ahead)
		w.ok(err)
		w.pass(2200 * time.Millisecond)
		if _, err := w.trigger(v.JobID); domain.ErrorCode(err) != domain.CodeConflict {
			t.Fatalf("a job that cannot be run is triggered: %v", err)
		}
		v.EffectiveFrom, v.Number, v.Spec = made[0].At, 2, doc.Spec
		_, err = w.db.Edits().Update(ctx, v, ahead)
		w.ok(err)
		w.pass(6 * time.Second)
		_, err = w.trigger(v.JobID)
		w.ok(err)
		w.pass(2 * time.Second)
		asides, err := w.db.Ledger().Asides(ctx)
		w.ok(err)
		if len(asides) > 0 || len(w.eng.registry.unusable) > 0 {
			t.Errorf("it is set aside still: %+v", asides)
		}
		if n := w.statuses(v.JobID)[domain.StatusSuccess]; n < 4 {
			t.Errorf("%d executions: %v", n, w.statuses(v.JobID))
		}
	})
}
