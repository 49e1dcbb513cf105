package engine

import (
	"context"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// passResuming lets time go by while pauses are ended.
func (w *world) passResuming(d time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		edit.NewResumer(w.edit).Run(ctx)
	}()
	w.pass(d)
	cancel()
	<-done
}

// pauseUntil pauses a job until an instant, and returns from when on.
func (w *world) pauseUntil(id domain.JobID, until int64) (from int64) {
	w.t.Helper()
	v, changed, err := w.edit.SetActive(context.Background(), id, 0, false, &domain.Pause{Until: until})
	if err != nil || !changed {
		w.t.Fatal(changed, err)
	}
	return v.EffectiveFrom
}

// wantPaused checks that a job that fires each second had no fires in [from, to), one at to, and was resumed once.
func (w *world) wantPaused(id domain.JobID, from, to int64) {
	w.t.Helper()
	at := false
	for _, x := range w.facts(id) {
		if x.ScheduledAt >= from && x.ScheduledAt < to {
			w.t.Errorf("a fire at %d, in the pause from %d to %d", x.ScheduledAt, from, to)
		}
		at = at || x.ScheduledAt == to && x.Status == domain.StatusSuccess
	}
	if !at {
		w.t.Errorf("no fire at %d, when the pause ends", to)
	}
	trail, err := w.db.Changes().List(context.Background(), store.ChangeQuery{JobID: id, To: domain.Forever, Limit: 10})
	if err != nil || len(trail) != 1 || trail[0].By.Key != domain.AuthorServer || trail[0].Version != 3 {
		w.t.Errorf("the trail is %+v, %v", trail, err)
	}
}

// A pause ends at its instant: a fire at that instant is sent on time, and none before it.
func TestPauseEndsAtItsInstant(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		id := w.create(spec("", every(1)))
		w.edge(300 * time.Millisecond)
		until := w.now()/1_000*1_000 + 10_000
		from := w.pauseUntil(id, until)
		w.passResuming(20 * time.Second)
		w.wantPaused(id, from, until)
		for _, x := range w.facts(id) {
			if x.ScheduledAt >= until && x.StartedAt-x.ScheduledAt > 100 {
				t.Errorf("the fire of %d began at %d", x.ScheduledAt, x.StartedAt)
			}
		}
		w.check(w.now())
	})
}

// A server that is killed during a pause, or while it ends, ends it once after its start. What was due from the end on
// while no server ran is sent late, as that of any job.
func TestPauseEndsAfterAKill(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, down time.Duration }{
		"during the pause":   {4 * time.Second, 2 * time.Second},
		"while it ends":      {8_700 * time.Millisecond, 100 * time.Millisecond},
		"until it has ended": {4 * time.Second, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				id := w.create(spec("", every(1)))
				w.edge(300 * time.Millisecond)
				until := w.now()/1_000*1_000 + 10_000
				from := w.pauseUntil(id, until)
				w.passResuming(c.before)
				w.reboot(true, c.down)
				w.passResuming(20 * time.Second)
				w.wantPaused(id, from, until)
				w.check(w.now())
			})
		})
	}
}

// Nobody needs to note the end of a pause in time: the fires from then on are those of the version that was paused.
func TestFiresAfterAPauseThatNobodyHasEnded(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		id := w.create(spec("", every(1)))
		w.edge(300 * time.Millisecond)
		until := w.now()/1_000*1_000 + 10_000
		from := w.pauseUntil(id, until)
		w.pass(15 * time.Second) // nobody looks for pauses that end
		sent := 0
		for _, x := range w.facts(id) {
			switch {
			case x.ScheduledAt >= from && x.ScheduledAt < until:
				t.Errorf("a fire at %d, in the pause", x.ScheduledAt)
			case x.ScheduledAt >= until && x.Version == 2 && x.Status == domain.StatusSuccess:
				sent++
			}
		}
		if sent < 5 {
			t.Errorf("%d fires after the pause", sent)
		}
		stopped := w.pauseUntil(id, until+3_600_000) // paused anew, for longer
		w.pass(10 * time.Second)
		for _, x := range w.facts(id) {
			if x.ScheduledAt >= stopped {
				t.Errorf("a fire at %d, in the second pause", x.ScheduledAt)
			}
		}
		w.check(w.now())
	})
}

// A job that has fired for the last time is active after its pause, as one that was not paused.
func TestLastFireAtTheEndOfAPause(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		until := w.now()/1_000*1_000 + 10_000
		id := w.create(spec("", func(d *domain.SpecDoc) {
			d.Schedule = "@at " + time.UnixMilli(until).UTC().Format(time.RFC3339)
		}))
		w.pauseUntil(id, until)
		w.passResuming(15 * time.Second)
		facts := w.facts(id)
		if len(facts) != 1 || facts[0].ScheduledAt != until || facts[0].Status != domain.StatusSuccess {
			t.Errorf("%+v", facts)
		}
		job, err := w.db.Jobs().Get(context.Background(), id)
		if err != nil || !job.Current.Active || job.Current.Number != 3 {
			t.Errorf("%+v %v", job.Current, err)
		}
		w.check(w.now())
	})
}
