package bulk

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// beats lets the owner of a shard beat for some seconds. It has loaded the edits that the row says,
// or none since.
func (w *world) beats(sh store.Shard, seconds int, loads bool) store.Shard {
	w.t.Helper()
	for range seconds {
		b := store.Beat{Number: sh.Number, Lease: sh.Lease, Clock: clock.NowMs(clock.System{}), Last: sh.Progress()}
		held, err := w.real.Shards().Beat(w.t.Context(), []store.Beat{b}, engine.Horizon.Milliseconds())
		if err != nil || len(held) != 1 {
			w.t.Fatal(held, err)
		}
		if loads {
			sh = held[0]
		}
		clock.Wait(context.Background(), time.Second)
		synctest.Wait()
	}
	return sh
}

// An operation that stops jobs of other owners is carried out without waiting for each job. It ends
// when all owners follow, or when that is not known after 30 s.
func TestOperationOnJobsElsewhere(t *testing.T) {
	bubbleOf(t, &world{elsewhere: true}, func(t *testing.T, w *world) {
		rows, err := w.real.Shards().Peek(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		claimed, err := w.real.Shards().Claim(t.Context(), 99, store.ClaimsOf(rows))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			w.Run(ctx)
			close(ended)
		}()
		defer func() {
			cancel()
			<-ended
		}()
		sh := claimed[0]
		w.jobs(stepJobs + 30)
		sh = w.beats(sh, 2, true)
		o := w.ask(domain.Operation{Action: domain.BulkPause})
		w.beats(sh, 5, false)
		if got := w.get(o); got.State != domain.OperationRunning || got.Counts.Done != stepJobs+30 {
			t.Errorf("while the owner has not loaded the pauses: %s, %+v", got.State, got.Counts)
		}
		sh = w.beats(sh, 3, true)
		if got := w.get(o); got.State != domain.OperationDone || got.Counts.Done != stepJobs+30 {
			t.Errorf("once it has: %s, %+v", got.State, got.Counts)
		}
		o = w.ask(domain.Operation{Action: domain.BulkDelete})
		w.beats(sh, 28, false)
		if got := w.get(o); got.State != domain.OperationDone || got.Counts.Done != stepJobs+30 {
			t.Errorf("no fires are ended: %s, %+v", got.State, got.Counts) // they are paused
		}
		w.jobs(3)
		sh = w.beats(sh, 2, true)
		o = w.ask(domain.Operation{Action: domain.BulkDelete})
		w.beats(sh, 28, false)
		if got := w.get(o); got.State != domain.OperationRunning {
			t.Errorf("after 28 s: %s", got.State)
		}
		w.beats(sh, 5, false)
		if got := w.get(o); got.State != domain.OperationDone || len(w.stops.of) != 0 {
			t.Errorf("after 33 s: %s", got.State)
		}
	})
}
