package edit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// TestDecidePause: what each answer to a resume means.
func TestDecidePause(t *testing.T) {
	for want, errs := range map[pauseOutcome][]error{
		pauseEnded:   {nil},
		pauseNotHere: {store.Stale(3), fmt.Errorf("update: %w", store.Stale(0))},
		pauseChanged: {domain.Conflict("version 7"), domain.NotFound("job", domain.JobID{1})},
		pauseStays: {domain.Unavailable(nil, "later"), errors.New("disk full"),
			domain.InvalidAs(domain.FieldFormat, "schedule", "cannot be read", nil)},
	} {
		for _, err := range errs {
			if got := decidePause(err); got != want {
				t.Errorf("%v: %d, want %d", err, got, want)
			}
		}
	}
}

// pausedFor pauses a job for a time from now on.
func (w *world) pausedFor(id domain.JobID, d time.Duration) (until int64) {
	w.t.Helper()
	until = clock.NowMs(clock.System{}) + d.Milliseconds()
	_, changed, err := w.SetActive(w.t.Context(), id, 0, false, &domain.Pause{Reason: "moved", Until: until})
	if err != nil || !changed {
		w.t.Fatal(changed, err)
	}
	return until
}

func (w *world) stored(id domain.JobID) domain.Version {
	w.t.Helper()
	job, err := w.store.Jobs().Get(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return job.Current
}

// first returns the version of a job that was paused first.
func (w *world) first(id domain.JobID) domain.Version {
	w.t.Helper()
	versions, err := w.store.Jobs().Versions(w.t.Context(), id, store.WholeVersions)
	if err != nil || len(versions) < 2 {
		w.t.Fatal(versions, err)
	}
	return versions[1]
}

// look makes one look of a new resumer, as that of another process has.
func (w *world) look() {
	w.t.Helper()
	if _, err := NewResumer(w.Editor).runOnce(w.t.Context()); err != nil {
		w.t.Error(err)
	}
}

// A pause ends once, at its instant, under the name of the server, and not before.
func TestPauseEnds(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		id, other := w.make(), w.make()
		until := w.pausedFor(id, time.Hour)
		if _, _, err := w.SetActive(t.Context(), other, 0, false, nil); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour - 2*time.Second)
		w.look()
		if v := w.stored(id); v.Active || v.Pause != (domain.Pause{Reason: "moved", Until: until}) {
			t.Fatalf("too early: %+v", v)
		}
		pass(2 * time.Second)
		w.look()
		w.look()
		v := w.stored(id)
		if !v.Active || v.Pause != (domain.Pause{}) || v.Number != 3 || v.EffectiveFrom < until ||
			v.EffectiveFrom > until+1_000 {
			t.Errorf("%+v", v)
		}
		if v := w.stored(other); v.Active {
			t.Errorf("a pause without an end has ended: %+v", v)
		}
		trail, err := w.store.Changes().List(t.Context(), store.ChangeQuery{JobID: id, To: domain.Forever, Limit: 10})
		if err != nil || len(trail) != 1 || trail[0].By.Key != domain.AuthorServer || trail[0].Version != 3 ||
			trail[0].Action != domain.ActionUpdate || !strings.Contains(trail[0].Detail, "pause") {
			t.Errorf("%+v %v", trail, err)
		}
	})
}

// What is changed meanwhile counts: a job that was resumed, paused for longer, or deleted is left alone.
func TestPausesThatAreChanged(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		resumed, longer, deleted, renamed, forGood := w.make(), w.make(), w.make(), w.make(), w.make()
		for _, id := range []domain.JobID{resumed, longer, deleted, renamed, forGood} {
			w.pausedFor(id, time.Minute)
		}
		if _, _, err := w.SetActive(t.Context(), resumed, 0, true, nil); err != nil {
			t.Fatal(err)
		}
		w.pausedFor(longer, time.Hour)
		// Who pauses a job that is paused already means it to stay so.
		v, changed, err := w.SetActive(t.Context(), forGood, 0, false, nil)
		if !changed || err != nil || v.Pause != (domain.Pause{Reason: "moved"}) {
			t.Errorf("%+v %v %v", v.Pause, changed, err)
		}
		if _, changed, err := w.SetActive(t.Context(), forGood, 0, false, nil); changed || err != nil {
			t.Errorf("the same again: %v %v", changed, err)
		}
		if _, err := w.Delete(t.Context(), deleted, 0); err != nil {
			t.Fatal(err)
		}
		if err := w.rename(renamed, "x"); err != nil { // that says nothing of the pause
			t.Fatal(err)
		}
		pass(2 * time.Minute)
		for _, id := range []domain.JobID{resumed, longer, deleted, renamed} { // changed since a look has found it
			seen := store.PauseEnd{Until: w.first(id).Pause.Until, JobID: id, Version: 2}
			if got := NewResumer(w.Editor).resume(t.Context(), seen); got != pauseChanged {
				t.Errorf("a pause that was changed: %d", got)
			}
		}
		w.look()
		if n := w.stored(resumed).Number; n != 3 {
			t.Errorf("a job that was active has version %d", n)
		}
		if w.stored(longer).Active || w.stored(forGood).Active || !w.stored(renamed).Active {
			t.Error("the wrong pauses have ended")
		}
	})
}

// A look that fails is made again, and so is a commit whose outcome is not known: the job is resumed once.
func TestPausesWithFaults(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		id := w.make()
		w.pausedFor(id, time.Minute)
		pass(2 * time.Minute)
		r := NewResumer(w.Editor)
		w.fail(faulty.FailBefore, "Jobs.Pauses")
		if _, err := r.runOnce(t.Context()); err == nil {
			t.Error("a look that fails has no error")
		}
		w.store.Clear()
		w.owner.refuses = store.Stale(0)
		w.look()
		if w.stored(id).Active {
			t.Error("a job of another process was resumed")
		}
		w.owner.refuses = nil
		w.look()
		if v := w.stored(id); !v.Active || v.Number != 3 {
			t.Errorf("%+v", v)
		}
	})
}

// A pause that cannot be ended is tried again after a minute, and is not in the way of others.
func TestPauseThatCannotBeEnded(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		id, other := w.make(), w.make()
		w.pausedFor(id, time.Minute)
		w.pausedFor(other, 2*time.Minute)
		pass(90 * time.Second)
		r := NewResumer(w.Editor)
		look := func() {
			t.Helper()
			if _, err := r.runOnce(t.Context()); err != nil {
				t.Error(err)
			}
		}
		w.owner.refuses = domain.InvalidAs(domain.FieldFormat, "api", "cannot be used", nil)
		look()
		w.owner.refuses = nil
		look()
		if v := w.stored(id); v.Active || v.Pause.Until == 0 {
			t.Errorf("it is tried again at once, or has another end: %+v", v)
		}
		pass(35 * time.Second)
		look()
		if w.stored(id).Active || !w.stored(other).Active {
			t.Error("one that cannot be ended is in the way of another")
		}
		pass(time.Minute)
		look()
		if !w.stored(id).Active {
			t.Error("it is not tried again")
		}
	})
}

// Run ends many pauses at a time, and stops with its context.
func TestResumerRuns(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var made []Created
		for range 2*resumePiece + 3 {
			made = append(made, w.Create(t.Context(), []domain.SpecDoc{doc(func(d *domain.SpecDoc) {
				d.IsActive, d.Pause.Until = false, clock.NowMs(clock.System{})+60_000
			})})...)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			NewResumer(w.Editor).Run(ctx)
		}()
		pass(2 * time.Minute)
		for _, m := range made {
			if m.Err != nil || !w.stored(m.Version.JobID).Active {
				t.Fatalf("%+v", m)
			}
		}
		cancel()
		<-done
	})
}

// TestPausesBesideAnOlderProcess: while another process on the database would lose what is said of a pause, nothing new
// is said of one. All else goes on, and what was said before stays.
func TestPausesBesideAnOlderProcess(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		docs := []domain.SpecDoc{domain.NewSpecDoc(), domain.NewSpecDoc()}
		for i := range docs {
			docs[i].Schedule, docs[i].API, docs[i].Type = "0 * * * * *", "http://h.example/", domain.AtLeastOnce
		}
		docs[1].IsActive, docs[1].Pause = false, domain.Pause{Reason: "before"}
		before := w.Create(t.Context(), docs)
		if before[0].Err != nil || before[1].Err != nil {
			t.Fatalf("%+v", before)
		}
		w.pauses = func(context.Context) error { return domain.Unavailable(nil, "older") }
		made := w.Create(t.Context(), docs)
		if made[0].Err != nil || domain.ErrorCode(made[1].Err) != domain.CodeUnavailable {
			t.Errorf("created: %+v", made)
		}
		id, paused := before[0].Version.JobID, before[1].Version.JobID
		for _, said := range []domain.Pause{{Reason: "x"}, {Until: domain.MaxInstantMs}} {
			_, _, err := w.SetActive(t.Context(), id, 0, false, &said)
			if domain.ErrorCode(err) != domain.CodeUnavailable {
				t.Errorf("paused with %+v: %v", said, err)
			}
		}
		if _, changed, err := w.SetActive(t.Context(), id, 0, false, nil); err != nil || !changed {
			t.Errorf("paused: %v", err)
		}
		v, err := w.Update(t.Context(), paused, 0, func(doc *domain.SpecDoc) error {
			doc.Name = "renamed"
			return nil
		})
		if err != nil || v.Pause.Reason != "before" || v.Number != 2 {
			t.Errorf("renamed: %+v, %v", v, err)
		}
		for _, id := range []domain.JobID{id, paused} {
			if _, changed, err := w.SetActive(t.Context(), id, 0, true, nil); err != nil || !changed {
				t.Errorf("resumed: %v", err)
			}
		}
	})
}
