package alert

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// groupsAtOnce is how many groups are read at a time.
const groupsAtOnce = 1_000

// groupKey is what one open group of a rule has.
type groupKey struct{ rule, key string }

// openGroups are the groups that are not closed, as they are stored.
type openGroups struct {
	all   map[domain.GroupID]domain.Group
	byKey map[groupKey]domain.GroupID
	// undecided are those that are to be decided on, with the instant since when: more than a step does waits for
	// the next one. After a start it is all of them, since whoever was there before may have ended in between.
	undecided map[domain.GroupID]int64
}

func readOpenGroups(ctx context.Context, n store.Notices) (*openGroups, error) {
	o := &openGroups{
		all: make(map[domain.GroupID]domain.Group), byKey: make(map[groupKey]domain.GroupID),
		undecided: make(map[domain.GroupID]int64),
	}
	for before := (domain.GroupID{}); ; {
		page, err := n.Groups(ctx, store.GroupQuery{Open: true, Before: before, Limit: groupsAtOnce})
		if err != nil {
			return nil, err
		}
		for _, g := range page {
			o.put(g)
			o.undecided[g.ID] = 0
			before = g.ID
		}
		if len(page) < groupsAtOnce {
			return o, nil
		}
	}
}

func (o *openGroups) put(g domain.Group) {
	key := groupKey{g.Rule, g.Key}
	if g.State != domain.GroupClosed {
		o.all[g.ID], o.byKey[key] = g, g.ID // the store has no other one that is open
		return
	}
	delete(o.all, g.ID)
	if o.byKey[key] == g.ID {
		delete(o.byKey, key)
	}
}

// due notes which groups are to be decided on: those that have changed, or whose time has come. It returns all of them,
// those that have waited longest first.
func (o *openGroups) due(now int64, ended func(*domain.Group) bool, dirty map[domain.GroupID]*domain.Group) (
	ids []domain.GroupID) {
	for id, g := range o.all {
		if g.DueAt != 0 && g.DueAt <= now || ended(&g) {
			o.wait(id, now)
		}
	}
	for id := range dirty {
		o.wait(id, now)
	}
	ids = slices.Collect(maps.Keys(o.undecided))
	slices.SortFunc(ids, func(a, b domain.GroupID) int {
		return cmp.Or(cmp.Compare(o.undecided[a], o.undecided[b]), bytes.Compare(a[:], b[:]))
	})
	return ids
}

func (o *openGroups) wait(id domain.GroupID, now int64) {
	if _, waits := o.undecided[id]; !waits {
		o.undecided[id] = now
	}
}

// commit takes over groups that are kept.
func (o *openGroups) commit(groups []domain.Group) {
	for _, g := range groups {
		g.Revision++
		o.put(g)
	}
}
