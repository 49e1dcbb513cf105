package engine

import (
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// proposeWatermarks returns a beat of each shard with the latest W that is true now.
// Edits choose instants after it.
func (k *keeper) proposeWatermarks() []store.Beat {
	k.registry.mu.Lock()
	defer k.registry.mu.Unlock()
	return k.shards.Propose(min(k.now(), k.registry.table.Unstaged()) - 1)
}

func (k *keeper) now() int64 { return clock.NowMs(k.clock) }
