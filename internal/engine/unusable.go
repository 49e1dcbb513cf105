package engine

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/recovery"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// endUnusable follows a change that has ended a version which could not be run. It
// returns what records the end, or nil. A start repeats it as long as the store keeps
// the version as set aside.
func (e *editor) endUnusable(j *run.Job) (rest func(context.Context) error) {
	e.registry.mu.Lock()
	a, found := e.registry.unusable[j.ID]
	delete(e.registry.unusable, j.ID)
	e.registry.mu.Unlock()
	if !found {
		return nil
	}
	return func(ctx context.Context) error { return e.recordUnusable(ctx, a) }
}

func (e *editor) recordUnusable(ctx context.Context, a recovery.Unusable) error {
	versions, err := e.store.Jobs().Versions(ctx, a.JobID, store.WholeVersions)
	if err != nil {
		return err
	}
	fence := e.shards.At(e.shards.Number(a.JobID)).Fence()
	if fence == nil {
		return nil // the next owner of the shard does it
	}
	batch := store.Batch{Fences: []store.Fence{*fence}, Runner: e.shards.Node}
	decide := func(fact domain.Execution, runner int64) {
		batch.Decisions = append(batch.Decisions, store.Decision{Execution: fact, TakenFrom: runner})
	}
	for i := range versions {
		if versions[i].Number != a.Version {
			continue
		}
		if fact, some := recovery.UnknownFires(a.Aside, &versions[i], e.now(), a.Reason); some {
			decide(fact, 0)
		}
	}
	err = e.store.Ledger().OpenRuns(ctx, store.OnlyShards(fence.Number), func(open domain.OpenRun) error {
		if open.JobID == a.JobID && open.Version == a.Version {
			decide(run.EndBroken(&open, e.now(), a.Reason), open.Runner)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(batch.Decisions) > 0 {
		if err := e.store.Ledger().Record(ctx, batch); store.StaleShards(err) != nil {
			return nil // the next owner of the shard does it
		} else if err != nil {
			return err
		}
	}
	for i := range batch.Decisions {
		e.runner.count(&batch.Decisions[i].Execution)
	}
	return e.store.Ledger().EndAside(ctx, []store.Aside{a.Aside})
}
