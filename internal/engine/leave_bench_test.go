package engine

import (
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
)

// BenchmarkLose takes the jobs of one shard of 64 out of a registry of a million, from which fires of the others
// are released meanwhile: longest-us is for how long they waited for its lock at most.
func BenchmarkLose(b *testing.B) {
	db := memory.NewShardedDisk(clock.System{}, manyShards).Join()
	set := shard.NewSet(db.Shards(), clock.System{}, 1)
	reg := newRegistry(clock.System{}, set)
	doc := spec("ok")
	ver, err := run.NewVersion(&domain.Version{Number: 1, Spec: doc.Spec, Active: true, EffectiveTo: domain.Forever})
	if err != nil {
		b.Fatal(err)
	}
	for _, id := range domain.NewJobIDs(1, 1_000_000) {
		j := run.NewJob(id, 1, set.Number(id))
		j.Current = ver
		reg.jobs.Put(j)
	}
	o := &owner{registry: reg}
	var (
		end     = make(chan struct{})
		others  sync.WaitGroup
		longest time.Duration
	)
	others.Go(func() {
		for {
			select {
			case <-end:
				return
			case <-time.After(50 * time.Microsecond):
			}
			from := time.Now()
			reg.mu.Lock()
			waited := time.Since(from)
			reg.mu.Unlock()
			longest = max(longest, waited)
		}
	})
	number := uint8(0)
	for b.Loop() {
		lost, _ := o.lose(map[uint8]bool{number % manyShards: true})
		b.StopTimer()
		for _, j := range lost {
			reg.mu.Lock()
			reg.jobs.Put(j)
			reg.mu.Unlock()
		}
		number++
		b.StartTimer()
	}
	close(end)
	others.Wait()
	b.ReportMetric(float64(longest.Microseconds()), "longest-us")
}
