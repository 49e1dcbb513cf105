package memory

import (
	"context"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// owners is who owns what of a disk.
type owners struct {
	clock   clock.Clock
	shards  []store.Shard
	changed map[domain.JobID]int64 // by Edits, with the revision of the shard
	nodes   map[int64]store.Node   // by token

	protocol int // 0: it was never raised
}

func newOwners(clk clock.Clock, shards int) owners {
	all, now := make([]store.Shard, shards), clock.NowMs(clk)
	for i := range all {
		all[i] = store.Shard{Number: i, Horizon: now, Watermark: now, Clean: true}
	}
	return owners{clock: clk, shards: all, changed: make(map[domain.JobID]int64), nodes: make(map[int64]store.Node)}
}

// shard returns a shard with the store's clock.
func (o *owners) shard(number int) *store.Shard {
	sh := &o.shards[number]
	sh.Clock = clock.NowMs(o.clock)
	return sh
}

// shardOf returns the shard of a job with the store's clock.
func (o *owners) shardOf(id domain.JobID) *store.Shard { return o.shard(id.Shard(len(o.shards))) }

// effect returns what is answered of a change that is valid from the instant.
func (o *owners) effect(id domain.JobID, at int64) store.Effect {
	sh := o.shardOf(id)
	return store.Effect{At: at, Number: sh.Number, Revision: sh.Revision, Lease: sh.Lease}
}

// revise raises the revision of a job's shard by a change that is valid from the instant.
func (o *owners) revise(id domain.JobID, at int64) store.Effect {
	sh := o.shardOf(id)
	sh.Revision++
	o.changed[id] = sh.Revision
	return o.effect(id, at)
}

// stale returns the shards of fences whose leases do not hold.
func (o *owners) stale(fences ...store.Fence) (stale []int) {
	for _, f := range fences {
		if !o.shards[f.Number].Holds(f.Lease) && !slices.Contains(stale, f.Number) {
			stale = append(stale, f.Number)
		}
	}
	return stale
}

// checkFences returns a StaleError if the context has the lease of an owner that does not hold.
func (o *owners) checkFences(ctx context.Context) error {
	if stale := o.stale(store.FencesOf(ctx)...); len(stale) > 0 {
		return store.Stale(stale...)
	}
	return nil
}
