package store_test

import (
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

func TestShardSet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		set     store.ShardSet
		every   bool
		numbers []int // of the first eight, that it has
	}{
		{"the zero value has every shard", store.ShardSet{}, true, []int{0, 1, 2, 3, 4, 5, 6, 7}},
		{"a set of none has none", store.OnlyShards(), false, nil},
		{"one", store.OnlyShards(3), false, []int{3}},
		{"some, in any order and twice", store.OnlyShards(6, 1, 6, 0), false, []int{0, 1, 6}},
	} {
		var has []int
		for n := range 8 {
			if c.set.Has(n) {
				has = append(has, n)
			}
		}
		if c.set.Every() != c.every || !slices.Equal(has, c.numbers) {
			t.Errorf("%s: every %v, has %v", c.name, c.set.Every(), has)
		}
		if !c.every && !slices.Equal(c.set.Numbers(), c.numbers) {
			t.Errorf("%s: numbers %v", c.name, c.set.Numbers())
		}
		for n := range 100 {
			id := domain.JobID{15: byte(n)}
			if c.set.HasJob(id, 8) != slices.Contains(c.numbers, id.Shard(8)) {
				t.Errorf("%s: job %s of shard %d", c.name, id, id.Shard(8))
			}
		}
	}
	numbers := []int{5, 2}
	set := store.OnlyShards(numbers...)
	numbers[0] = 7
	if !set.Has(5) || set.Has(7) {
		t.Error("the set changes with the caller's slice")
	}
}
