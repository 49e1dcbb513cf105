package engine

import (
	"slices"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/hold"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
)

func (e *editor) now() int64 { return clock.NowMs(e.clock) }

// effective chooses the instant from which an edit is valid: after anything that was sent or
// is below W, and after now. It holds W below that instant until release is called, so that no
// watermark passes a fire of the new version before the timetable knows it.
func (e *editor) effective(j *run.Job) (from int64, fences []store.Fence, release func()) {
	e.registry.mu.Lock()
	defer e.registry.mu.Unlock()
	from, fences, release = e.holdLocked(j.Current.From, j.Shard)
	j.Mu.Lock()
	j.OpenBacklog().EditFrom = from
	j.Mu.Unlock()
	return from, fences, release
}

// effectiveNew is effective for jobs that are to be created.
func (e *editor) effectiveNew(ids []domain.JobID) (from int64, fences []store.Fence, release func()) {
	var shards []uint8
	for _, id := range ids {
		if n := e.shards.Number(id); !slices.Contains(shards, n) {
			shards = append(shards, n)
		}
	}
	e.registry.mu.Lock()
	defer e.registry.mu.Unlock()
	shards = slices.DeleteFunc(shards, func(n uint8) bool { return !e.owns(n, nil) })
	return e.holdLocked(0, shards...)
}

// holdLocked chooses the instant of an edit in the shards, after another instant, and holds
// their watermarks below it. The edit is to be committed under the leases. Call with the lock
// of the registry held.
func (e *editor) holdLocked(after int64, shards ...uint8) (from int64, fences []store.Fence, release func()) {
	from = max(e.now(), e.registry.table.Frontier(), after)
	for _, n := range shards {
		sh := e.shards.At(n)
		from = max(from, sh.Proposed())
		if f := sh.Fence(); f != nil {
			fences = append(fences, *f)
		}
	}
	from++
	tokens := make([]hold.Token, len(shards))
	for i, n := range shards {
		tokens[i] = e.shards.Holds.Take(n, from)
	}
	return from, fences, func() {
		for i := range tokens {
			tokens[i].Release()
		}
	}
}

// owns reports whether this engine owns a shard, under a lease that is among the fences. One that
// owns all of them takes new jobs before its start, too.
func (e *editor) owns(number uint8, fences []store.Fence) bool {
	return !e.shared || e.shards.Own(number, fences)
}
