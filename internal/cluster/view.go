package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// View is what a node knew of the cluster at its last look. It does not change.
type View struct {
	Self      int64       // token of this node
	Nodes     []NodeView  // those whose rows are there, in the order of their tokens
	Shards    []ShardView // in the order of their numbers
	At        clock.Mark  // of the look
	Clock     int64       // the store's then, Unix milliseconds
	Latency   time.Duration
	Agreement clock.Agreement
	Ahead     time.Duration // of the clock of this node, before the store's
	Unfit     string        // why this node would not fire as the others do: see Owner.Unfit
	Unlike    string        // which settings of this node are not those of nodes that fire jobs; empty: none
	Protocol  int           // of the database
}

// NodeView is a node, and for how long its row has not changed, as far as this node has watched.
type NodeView struct {
	store.Node
	Gone   bool
	Age    time.Duration
	Unlike []string // the parts of its settings that are not those of this node
}

// ShardView is a shard, and what its row tells about its owner.
type ShardView struct {
	Number    int
	State     ShardState
	Owner     int64 // token of the node that owns it, or was the last to own it; zero: none
	Horizon   int64
	Watermark int64
}

// schedules reports whether a node is there that owns shards, or is to own some.
func (n *NodeView) schedules() bool { return !n.Gone && !n.Draining && n.Role != RoleAPI }

// Node returns the node with a token.
func (v *View) Node(token int64) (NodeView, bool) {
	for i := range v.Nodes {
		if v.Nodes[i].Token == token {
			return v.Nodes[i], true
		}
	}
	return NodeView{}, false
}

// Named returns the node that has a name and is there. The error says why there is none.
func (v *View) Named(name string) (found NodeView, err error) {
	var gone *NodeView
	there := 0
	for i := range v.Nodes {
		n := &v.Nodes[i]
		switch {
		case n.Name != name:
		case n.Gone:
			gone = n
		default:
			found = *n
			there++
		}
	}
	switch {
	case there == 1:
		return found, nil
	case there > 1:
		return NodeView{}, domain.Conflict("%d servers have the name %s: one of them was killed within the last %s, "+
			"or BELFRY_NODE_NAME is the same at both", there, name, GoneAfter)
	case gone != nil:
		return NodeView{}, domain.Unavailable(nil, "the server %s has not been seen for %s: others take its shards "+
			"over", name, gone.Age.Round(time.Second))
	}
	return NodeView{}, &domain.Error{Code: domain.CodeNotFound,
		Message: "no server on the database has the name " + name}
}

// OwnerOf returns the owner of a shard, if it is there.
func (v *View) OwnerOf(shard int) (NodeView, bool) {
	if shard >= len(v.Shards) || v.Shards[shard].State != Owned {
		return NodeView{}, false
	}
	n, found := v.Node(v.Shards[shard].Owner)
	return n, found && !n.Gone
}

// Alive reports whether a process may still carry out an execution: its row is there, and it
// is not gone.
func (v *View) Alive(token int64) bool {
	n, found := v.Node(token)
	return token == v.Self || found && !n.Gone
}

// Owned returns how many shards a node owns.
func (v *View) Owned(token int64) (n int) {
	for i := range v.Shards {
		if v.Shards[i].State == Owned && v.Shards[i].Owner == token {
			n++
		}
	}
	return n
}

// Unowned returns how many shards have no owner that is there.
func (v *View) Unowned() (n int) {
	for i := range v.Shards {
		if v.Shards[i].State != Owned {
			n++
		}
	}
	return n
}

// Schedulers returns how many nodes are there that own shards, or are to own some.
func (v *View) Schedulers() (n int) {
	for i := range v.Nodes {
		if v.Nodes[i].schedules() {
			n++
		}
	}
	return n
}

// compareSettings notes of each node which of its settings are not those of this one, and returns what is
// said of those that fire jobs.
func (v *View) compareSettings(own string) string {
	nodes := make(map[string][]string) // by the name of the part
	mine := ParseFingerprint(own)
	for i := range v.Nodes {
		n := &v.Nodes[i]
		if n.Gone || n.Token == v.Self {
			continue
		}
		n.Unlike = mine.Unlike(ParseFingerprint(n.Settings))
		if n.Role == RoleAPI {
			continue
		}
		for _, name := range n.Unlike {
			nodes[name] = append(nodes[name], n.Name)
		}
	}
	texts := make([]string, 0, len(nodes))
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		slices.Sort(nodes[name])
		texts = append(texts, fmt.Sprintf("%s (%s)", name, strings.Join(nodes[name], ", ")))
	}
	if len(texts) == 0 {
		return ""
	}
	return "settings of this server are not those of others: " + strings.Join(texts, "; ")
}

// moving reports whether shards are about to move from one node to another: one drains that has
// some, or has more or fewer than its share.
func (v *View) moving() bool {
	schedulers := v.Schedulers()
	if schedulers == 0 {
		return false
	}
	least, most := share(len(v.Shards), schedulers)
	for i := range v.Nodes {
		n := &v.Nodes[i]
		owned := v.Owned(n.Token)
		switch {
		case n.Gone:
		case n.schedules() && owned < least, owned > most, owned > 0 && n.Draining:
			return true
		}
	}
	return false
}

// view returns what the last look has shown.
func (o *Observer) view(self int64, shards []store.Shard, nodes []store.Node) *View {
	v := &View{Self: self, Nodes: make([]NodeView, len(nodes)), Shards: make([]ShardView, len(shards))}
	for i := range nodes {
		age := o.nodes[nodes[i].Token].age
		v.Nodes[i] = NodeView{Node: nodes[i], Gone: age >= GoneAfter, Age: age}
	}
	for i := range shards {
		sh := &shards[i]
		v.Clock = sh.Clock
		v.Shards[i] = ShardView{i, o.State(sh), sh.Node, sh.Horizon, sh.Watermark}
	}
	return v
}
