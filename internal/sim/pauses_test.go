package sim

import (
	"context"
	"reflect"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// resuming ends pauses as a process does, until stop is called.
func resuming(e *edit.Editor) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		edit.NewResumer(e).Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// pauseFor pauses a job for up to half a minute.
func (w *world) pauseFor(d *domain.SpecDoc) {
	d.IsActive = false
	d.Pause = domain.Pause{Reason: "moved", Until: w.now() + 1 + w.Int64N(30_000)}
}

// ends reports whether a version is how a server ends the pause of the one before it: at its end or later, or for a
// job that cannot be active, without an end from then on.
func ends(paused, v *domain.Version) bool {
	if paused.Active || paused.Pause.Until == 0 || !reflect.DeepEqual(paused.Spec, v.Spec) {
		return false
	}
	if v.Active {
		return v.Pause == domain.Pause{} && v.EffectiveFrom >= paused.Pause.Until
	}
	return v.Pause == domain.Pause{Reason: paused.Pause.Reason}
}

// checkPauses checks that no pause goes on after its end, when all is well for a while.
func (w *world) checkPauses(while time.Duration) {
	for _, k := range w.client.list() {
		job, err := w.db.Jobs().Get(context.Background(), k.id)
		if domain.ErrorCode(err) == domain.CodeNotFound {
			continue
		}
		if err != nil {
			panic(err)
		}
		p := job.Current.Pause
		if p.Until != 0 && p.Until < w.now()-while.Milliseconds() {
			w.fault("stuck: the pause of %s ended at %d, and it is %d", k.id, p.Until, w.now())
		}
	}
}

// endless is jobs whose pauses have no end.
type endless struct{ store.Jobs }

func endsNoPauses(real store.Store) store.Store {
	s := breakable(real)
	s.jobs = endless{s.jobs}
	return s
}

func (endless) Pauses(context.Context, int64, store.PauseEnd, int) ([]store.PauseEnd, error) {
	return nil, nil
}
