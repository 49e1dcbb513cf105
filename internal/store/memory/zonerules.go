package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/store"
)

func compareRules(a, b store.ZoneRules) int {
	return cmp.Or(cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.From, b.From))
}

// ZoneRules implements store.Shards.
func (s shards) ZoneRules(ctx context.Context) (found []store.ZoneRules, err error) {
	err = s.do(ctx, func(d *Disk) error {
		found = slices.Clone(d.rules)
		return nil
	})
	return found, err
}

// AddZoneRules implements store.Shards.
func (s shards) AddZoneRules(ctx context.Context, rules []store.ZoneRules) error {
	return s.do(ctx, func(d *Disk) error {
		for _, r := range rules {
			if i, known := slices.BinarySearchFunc(d.rules, r, compareRules); !known {
				d.rules = slices.Insert(d.rules, i, r)
			}
		}
		return nil
	})
}
