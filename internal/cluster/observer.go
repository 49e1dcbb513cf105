package cluster

import (
	"cmp"
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	// GoneAfter is for how long a row must not have changed until its node counts as gone.
	GoneAfter = 7 * time.Second
	// SurelyGoneAfter is enough by itself, whatever the store's clock says.
	SurelyGoneAfter = 60 * time.Second
	// maxGap is the longest time between two looks that counts as having watched.
	maxGap = 2 * time.Second
	// evictAfter is for how long the name of a node that is gone is remembered.
	evictAfter = time.Hour
)

// Roles of nodes.
const (
	RoleAll       = "all"
	RoleAPI       = "api" // owns no shards
	RoleScheduler = "scheduler"
)

// Observer notes for how long the rows of a store have not changed. A node has one.
type Observer struct {
	shards []watched[shown]
	nodes  map[int64]*watched[int64] // by token
	names  map[int64]string          // of the nodes that were seen, gone ones too

	members   []Member      // schedulers at the last look
	unchanged time.Duration // for how long they have been the same
}

// shown is what the row of a shard shows: its owner changes it with each beat, and when it gives it away.
type shown struct {
	store.Seen
	clean bool
}

// watched is for how long a row has shown the same, as far as this node has watched.
type watched[T comparable] struct {
	shows   T
	age     time.Duration
	present bool
}

// look notes what a row shows, some time after the last look.
func (w *watched[T]) look(shows T, passed time.Duration) {
	if !w.present || w.shows != shows || passed > maxGap {
		*w = watched[T]{shows: shows, present: true}
		return
	}
	w.age += passed
}

// Member is a node that takes part in the sharing of shards.
type Member struct {
	Token int64
	Name  string
}

// Look notes the rows of all shards, in the order of their numbers, and of all nodes. passed
// is the time since the last look, by a clock that nobody can set.
func (o *Observer) Look(shards []store.Shard, nodes []store.Node, passed time.Duration) {
	if len(o.shards) != len(shards) {
		o.shards = make([]watched[shown], len(shards))
	}
	owners := make(map[int64]bool) // that have just changed the row of a shard: they are there
	for i := range shards {
		sh := &shards[i]
		if o.shards[i].look(shown{sh.Seen(), sh.Clean}, passed); o.shards[i].age == 0 {
			owners[sh.Node] = true
		}
	}
	if o.nodes == nil {
		o.nodes, o.names = map[int64]*watched[int64]{}, map[int64]string{}
	}
	present := make(map[int64]bool, len(nodes))
	var members []Member
	for i := range nodes {
		n := &nodes[i]
		present[n.Token] = true
		w := o.nodes[n.Token]
		if w == nil {
			w = new(watched[int64])
			o.nodes[n.Token] = w
		}
		if w.look(n.Seen, passed); owners[n.Token] {
			w.age = 0
		}
		o.names[n.Token] = n.Name
		if w.age < GoneAfter && n.Role != RoleAPI && !n.Draining {
			members = append(members, Member{n.Token, n.Name})
		}
	}
	for token, w := range o.nodes {
		if present[token] {
			continue
		}
		if w.age += passed; w.age > evictAfter {
			delete(o.nodes, token)
			delete(o.names, token)
		}
	}
	slices.SortFunc(members, func(a, b Member) int { return cmp.Compare(a.Token, b.Token) })
	if slices.Equal(members, o.members) && passed <= maxGap {
		o.unchanged += passed
	} else {
		o.members, o.unchanged = members, 0
	}
}

// Members returns the schedulers that are there and do not drain, in the order of their
// tokens, and for how long they have been the same.
func (o *Observer) Members() ([]Member, time.Duration) { return o.members, o.unchanged }

// Name returns the name of a node that was seen within the last hour, or "".
func (o *Observer) Name(token int64) string { return o.names[token] }

// State returns what the row of a shard tells about its owner.
func (o *Observer) State(sh *store.Shard) ShardState {
	return stateOf(sh.Clean, o.shards[sh.Number].age, sh.Clock-sh.Horizon)
}

// Age returns for how long the row of a shard has not changed, as far as this node has watched.
func (o *Observer) Age(sh *store.Shard) time.Duration { return o.shards[sh.Number].age }

// ShardState is what the row of a shard tells about its owner.
type ShardState int

const (
	// Free means that nobody owns the shard.
	Free ShardState = iota
	// Owned means that it has an owner, as far as anybody can tell.
	Owned
	// Orphaned means that its owner is gone.
	Orphaned
)

// stateOf decides by whether the shard is free, by how long its row has not changed, and by
// how far the store's clock has passed its horizon, in milliseconds.
func stateOf(free bool, age time.Duration, past int64) ShardState {
	switch {
	case free:
		return Free
	case age >= SurelyGoneAfter, age >= GoneAfter && past > store.Overdue:
		return Orphaned
	}
	return Owned
}
