package engine

import (
	"slices"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/hold"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

func (e *editor) now() int64 { return clock.NowMs(e.clock) }

// effective chooses the instant from which an edit is valid: after anything
// that was sent or is below W, and after now. It holds W below that instant until
// release is called, so that no watermark passes a fire of the new version before the
// timetable knows it.
func (e *editor) effective(j *run.Job) (from int64, release func()) {
	e.registry.mu.Lock()
	defer e.registry.mu.Unlock()
	from, release = e.holdLocked(j.Shard)
	j.Mu.Lock()
	j.OpenBacklog().EditFrom = from
	j.Mu.Unlock()
	return from, release
}

// effectiveNew is effective for jobs that are to be created.
func (e *editor) effectiveNew(ids []domain.JobID) (from int64, release func()) {
	var shards []uint8
	for _, id := range ids {
		if n := e.shards.Number(id); !slices.Contains(shards, n) {
			shards = append(shards, n)
		}
	}
	e.registry.mu.Lock()
	defer e.registry.mu.Unlock()
	return e.holdLocked(shards...)
}

// holdLocked chooses the instant of an edit in the shards and holds their watermarks
// below it. Call with the lock of the registry held.
func (e *editor) holdLocked(shards ...uint8) (from int64, release func()) {
	from = max(e.now(), e.registry.table.Frontier())
	for _, n := range shards {
		from = max(from, e.shards.At(n).Proposed())
	}
	from++
	tokens := make([]hold.Token, len(shards))
	for i, n := range shards {
		tokens[i] = e.shards.Holds.Take(n, from)
	}
	return from, func() {
		for i := range tokens {
			tokens[i].Release()
		}
	}
}
