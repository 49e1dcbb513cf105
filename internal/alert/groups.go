package alert

import (
	"bytes"
	"context"

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
}

func readOpenGroups(ctx context.Context, n store.Notices) (*openGroups, error) {
	o := &openGroups{all: make(map[domain.GroupID]domain.Group), byKey: make(map[groupKey]domain.GroupID)}
	for before := (domain.GroupID{}); ; {
		page, err := n.Groups(ctx, store.GroupQuery{Open: true, Before: before, Limit: groupsAtOnce})
		if err != nil {
			return nil, err
		}
		for _, g := range page {
			o.put(g)
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
		o.all[g.ID] = g
		// Two that have both decided for a while may have made two: the first one is gone on with.
		if other, ok := o.byKey[key]; !ok || bytes.Compare(g.ID[:], other[:]) < 0 {
			o.byKey[key] = g.ID
		}
		return
	}
	delete(o.all, g.ID)
	if o.byKey[key] == g.ID {
		delete(o.byKey, key)
	}
}

// commit takes over groups that are kept.
func (o *openGroups) commit(groups []domain.Group) {
	for _, g := range groups {
		g.Revision++
		o.put(g)
	}
}
