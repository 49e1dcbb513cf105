package store

import (
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// ShardSet says of which shards something is wanted. The zero value has every shard.
type ShardSet struct {
	some    bool
	numbers []int // in order; only if some
}

// OnlyShards returns the set of these shards; of none, if there are none.
func OnlyShards(numbers ...int) ShardSet {
	numbers = slices.Clone(numbers)
	slices.Sort(numbers)
	return ShardSet{true, slices.Compact(numbers)}
}

// Every reports whether the set has every shard, however many there are.
func (s ShardSet) Every() bool { return !s.some }

// Numbers returns the shards of a set that has not every one, in order. The caller does not
// change them.
func (s ShardSet) Numbers() []int { return s.numbers }

// Has reports whether the set has a shard.
func (s ShardSet) Has(number int) bool {
	if !s.some {
		return true
	}
	_, found := slices.BinarySearch(s.numbers, number)
	return found
}

// HasJob reports whether the set has the shard of a job, out of so many shards.
func (s ShardSet) HasJob(id domain.JobID, shards int) bool {
	return !s.some || s.Has(id.Shard(shards)) // which takes a hash
}
