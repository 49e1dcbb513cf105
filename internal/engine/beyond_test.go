package engine

import (
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// A fire that is due and beyond the horizon, because the clock was set ahead
// since the last beat, waits for the next beat. Until then it does not
// circulate between the retries and the workers: on virtual time that would not end.
func TestADueFireBeyondTheHorizonWaitsForTheBeat(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		id := w.create(spec("", every(30)))
		w.edge(300 * time.Millisecond)
		e := w.eng
		e.registry.mu.Lock()
		j := e.registry.jobs.Get(id)
		r := &run.Run{Job: j, Ver: j.Current, At: e.shards.Horizon() + 1}
		e.registry.mu.Unlock()
		j.Mu.Lock()
		j.Enter(r)
		j.Mu.Unlock()
		w.clk.Step(10 * time.Second)
		e.runner.refuse(r, run.WaitHorizon, "", w.now())
		if n := e.runner.retries.Len(); n != 0 {
			t.Errorf("%d fires wait for an instant that has come", n)
		}
		w.pass(5 * time.Second)
		if calls := w.targets.of(id); len(calls) == 0 ||
			calls[0].Key != (domain.FireKey{JobID: id, ScheduledAt: r.At}) {
			t.Errorf("it was not sent after the next beat: %+v", calls)
		}
	})
}
