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

// ends reports whether a version is how a server notes the end of the pause of the one before it.
func ends(paused, v *domain.Version) bool {
	if paused.Active || paused.Pause.Until == 0 || !reflect.DeepEqual(paused.Spec, v.Spec) {
		return false
	}
	return v.Active && v.Pause == domain.Pause{} && v.EffectiveFrom >= paused.Pause.Until
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
