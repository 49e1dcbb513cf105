package engine

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
)

// asking is the context of a search that counts its steps, and gives up after some.
type asking struct {
	context.Context
	steps atomic.Int64
	most  int64
}

func (a *asking) Err() error {
	if a.steps.Add(1) > a.most {
		return context.Canceled
	}
	return nil
}

// A search for next fires lets whoever waits for the registry have it after each step, also on one
// processor, and ends when nobody waits for its answer.
func TestNextFiresLetOthersIn(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	db := memory.NewShardedDisk(clock.System{}, 1).Join()
	reg := newRegistry(clock.System{}, shard.NewSet(db.Shards(), clock.System{}, 1))
	from := reg.now()
	reg.table.Begin(from)
	const jobs, turns = 100_000, 20
	for _, id := range domain.NewJobIDs(1, jobs) {
		j := run.NewJob(id, 1, 0)
		j.Next = from + 86_400_000
		reg.table.Place(j)
	}
	ask := &asking{Context: t.Context(), most: jobs}
	var waited []int64 // steps while the lock was waited for
	done := make(chan struct{})
	reg.mu.Lock()
	go func() {
		defer close(done)
		for range turns {
			before := ask.steps.Load()
			reg.mu.Lock()
			waited = append(waited, ask.steps.Load()-before)
			reg.mu.Unlock()
			runtime.Gosched()
		}
	}()
	runtime.Gosched() // it waits
	reg.mu.Unlock()
	fires, err := Calendar{reg}.NextFires(ask, domain.FireKey{}, 5)
	<-done
	if err != nil || len(fires) != 5 || ask.steps.Load() < 5*turns {
		t.Fatalf("%v, %v after %d steps", fires, err, ask.steps.Load())
	}
	for _, n := range waited {
		if n > 5 {
			t.Errorf("steps while others waited: %v", waited)
			break
		}
	}
	ask = &asking{Context: t.Context(), most: 3}
	_, err = Calendar{reg}.NextFires(ask, domain.FireKey{}, 5)
	if !errors.Is(err, context.Canceled) || ask.steps.Load() != 4 {
		t.Errorf("given up: %v after %d steps", err, ask.steps.Load())
	}
}
