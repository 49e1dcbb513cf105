package zones

import (
	"context"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/cron"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/lock"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Rules is what the engine knows of the rules of the zones that jobs have.
type Rules struct {
	shards store.Shards

	mu       lock.Leaf
	kept     map[string]bool // zones of which the store keeps the rules
	followed int             // how many rules Follow has given to the calendar
	warning  string          // of this start
}

// Unkept returns the rules of a zone that the store does not keep yet.
func (z *Rules) Unkept(zone string) (store.ZoneRules, bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.kept[zone] {
		return store.ZoneRules{}, false
	}
	data := cron.Zones()
	rules, known := data.Rules(zone)
	return store.ZoneRules{Zone: zone, Release: data.Release(), Data: rules}, known
}

// Keep notes that the store keeps rules.
func (z *Rules) Keep(rules []store.ZoneRules) {
	z.mu.Lock()
	defer z.mu.Unlock()
	for i := range rules {
		z.kept[rules[i].Zone] = true
	}
}

// KeepOf makes the store keep the rules of the zones of new versions, before
// anything is fired by them.
func (z *Rules) KeepOf(ctx context.Context, versions ...*run.Version) error {
	var fresh []store.ZoneRules
	for _, v := range versions {
		zone := v.Plan.Value().Schedule.Zone()
		if slices.ContainsFunc(fresh, func(r store.ZoneRules) bool { return r.Zone == zone }) {
			continue
		}
		if r, some := z.Unkept(zone); some {
			fresh = append(fresh, r)
		}
	}
	return z.Put(ctx, fresh)
}

// KeepOfJobs is KeepOf for the current versions of new jobs.
func (z *Rules) KeepOfJobs(ctx context.Context, jobs []*run.Job) error {
	versions := make([]*run.Version, len(jobs))
	for i, j := range jobs {
		versions[i] = j.Current
	}
	return z.KeepOf(ctx, versions...)
}

// Put stores rules that are not kept yet.
func (z *Rules) Put(ctx context.Context, fresh []store.ZoneRules) error {
	if len(fresh) == 0 {
		return nil
	}
	if err := z.shards.AddZoneRules(ctx, fresh); err != nil {
		return domain.Unavailable(err, "the rules of the time zone could not be stored")
	}
	z.Keep(fresh)
	return nil
}

// NewRules returns rules of which it is not known whether the store keeps them.
func NewRules(shards store.Shards) *Rules { return &Rules{shards: shards, kept: make(map[string]bool)} }

// Warning says which rules have changed at this start; empty: none that moved a job.
func (z *Rules) Warning() string {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.warning
}

func (z *Rules) warn(text string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.warning = text
}
