package engine

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/engine/zones"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Share is which shards an engine owns of a database that several processes share: see
// Config.Shared.
type Share struct{ owner *owner }

// ShareOf returns the share of an engine.
func ShareOf(e *Engine) Share { return Share{e.owner} }

// Node returns the random number of this process, by which the store knows it as the owner of
// shards and the runner of open runs.
func (s Share) Node() int64 { return s.owner.shards.Node }

// Own takes shards that are free, or whose owners are gone, by their rows as they were seen, and
// takes over their jobs while the jobs of other shards fire. It returns those that it got.
// After an error it has none of them.
func (s Share) Own(ctx context.Context, claims []store.Claim) (owned []int, err error) {
	return s.owner.ownSeen(ctx, claims)
}

// Release gives shards back in good order: nothing of theirs is sent any more, everything is on
// record, and the next owner finds nothing uncertain. The shards have no owner for as long as
// their calls in flight last, a second at most. After an error their leases end by themselves.
func (s Share) Release(ctx context.Context, numbers []int) error {
	return s.owner.release(ctx, numbers)
}

// Owned returns the shards whose jobs the engine fires.
func (s Share) Owned() []int { return s.owner.shards.In(shard.Active) }

// Unfit says why this program would not fire as the nodes that own shards: see zones.Unlike. A node
// that is unfit may take shards over when nobody owns any: its rules hold from then on.
func (s Share) Unfit(ctx context.Context) (why string, err error) {
	stored, err := s.owner.store.Shards().ZoneRules(ctx)
	if err != nil {
		return "", err
	}
	if why = zones.Unlike(stored); why == "" {
		s.owner.zones.Follow(stored)
	}
	return why, nil
}
