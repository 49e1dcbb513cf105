package cluster

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/belfry-scheduler/belfry/internal/store"
)

// TestStateOf is the truth table of what a row tells about the owner of a shard.
func TestStateOf(t *testing.T) {
	t.Parallel()
	const second = time.Second
	for _, row := range []struct {
		free bool
		age  time.Duration
		past int64
		want ShardState
	}{
		{true, 0, 0, Free}, {true, time.Hour, 1 << 40, Free},
		{false, 0, 0, Owned}, {false, 0, 1 << 40, Owned}, // a step of the store's clock
		{false, 7*second - 1, 4_001, Owned}, {false, 7 * second, 4_000, Owned}, {false, 7 * second, 4_001, Orphaned},
		{false, 60*second - 1, -1 << 40, Owned}, {false, 60 * second, -1 << 40, Orphaned},
	} {
		if got := stateOf(row.free, row.age, row.past); got != row.want {
			t.Errorf("%+v: %d", row, got)
		}
	}
}

// TestObserver: what counts as having watched a row.
func TestObserver(t *testing.T) {
	t.Parallel()
	const second = time.Second
	shard := func(horizon int64) []store.Shard {
		return []store.Shard{{Lease: store.Lease{Epoch: 1, Token: 5}, Node: 1, Horizon: horizon, Clock: 1 << 40}}
	}
	node := func(seen int64, change ...func(*store.Node)) []store.Node {
		n := store.Node{Token: 1, Name: "a", Role: RoleAll, Seen: seen}
		for _, f := range change {
			f(&n)
		}
		return []store.Node{n}
	}
	var o Observer
	look := func(what string, shards []store.Shard, nodes []store.Node, passed time.Duration,
		want ShardState, members int,
		unchanged time.Duration) {
		t.Helper()
		o.Look(shards, nodes, passed)
		if got := o.State(&shards[0]); got != want {
			t.Errorf("%s: state %d, want %d", what, got, want)
		}
		if got, since := o.Members(); len(got) != members || since != unchanged {
			t.Errorf("%s: %v for %s, want %d for %s", what, got, since, members, unchanged)
		}
	}
	look("the first look says nothing of the time before", shard(1), node(1), time.Hour, Owned, 1, 0)
	for i := range 6 {
		look("watched", shard(1), node(1), second, Owned, 1, time.Duration(i+1)*second)
	}
	look("for 7 s", shard(1), node(1), second, Orphaned, 0, 0)
	look("a beat", shard(2), node(2), second, Owned, 1, 0)
	look("6 s in a look that took long", shard(2), node(2), 6*second, Owned, 1, 0)
	for range 6 {
		o.Look(shard(2), node(2), second)
	}
	look("a gap begins anew", shard(2), node(2), 2*second+1, Owned, 1, 0)
	look("draining", shard(3), node(3, func(n *store.Node) { n.Draining = true }), second, Owned, 0, 0)
	look("an api node", shard(4), node(4, func(n *store.Node) { n.Role = RoleAPI }), second, Owned, 0, second)
	look("its row is removed", shard(4), nil, second, Owned, 0, 2*second)
	for i := range 20 {
		o.Look(shard(int64(5+i)), node(9), second)
	}
	if v := o.view(2, shard(24), node(9)); !v.Alive(1) {
		t.Error("a node that renews its lease is taken for gone, because its row does not change")
	}
	for range 8 {
		o.Look(shard(24), node(9), second)
	}
	if v := o.view(2, shard(24), node(9)); v.Alive(1) {
		t.Error("a node that renews nothing is taken for alive")
	}
	if o.Name(1) != "a" || o.Name(2) != "" {
		t.Errorf("names %q and %q", o.Name(1), o.Name(2))
	}
	for range 3602 {
		o.Look(shard(4), nil, second)
	}
	if o.Name(1) != "" || len(o.nodes) > 0 {
		t.Errorf("a node that is gone for an hour is still remembered: %v", o.nodes)
	}
}

// TestDecide is the truth table of claims and releases. A shard is written as
// owner-home-claimed; "-" is a free one, and a name in brackets its last owner.
func TestDecide(t *testing.T) {
	t.Parallel()
	const me, b, c = 1, 2, 3
	mine := func(home string, claimed int64) Shard {
		return Shard{State: Owned, Owner: me, Name: "a", Home: home, Claimed: claimed}
	}
	of := func(owner int64) Shard {
		return Shard{State: Owned, Owner: owner, Name: string(rune('a' + owner - 1))}
	}
	free := func(name string) Shard { return Shard{State: Free, Name: name} }
	stale := func(name string) Shard { return Shard{State: Free, Name: name, Age: 2 * time.Second} }
	orphan := func(owner int64) Shard { sh := of(owner); sh.State = Orphaned; return sh }
	for _, row := range []struct {
		what      string
		members   []int64
		unchanged time.Duration
		leaving   bool
		shards    []Shard
		want      Decision
	}{
		{"alone it claims all", []int64{me}, 0, false, []Shard{free(""), free(""), orphan(9)},
			Decision{Claim: []int{0, 1, 2}}},
		{"a node without a row counts itself", nil, 0, false, []Shard{free(""), free("")},
			Decision{Claim: []int{0, 1}}},
		{"no more than its share", []int64{me, b}, 0, false, []Shard{free(""), free(""), free(""), free("")},
			Decision{Claim: []int{1, 3}}},
		{"its own ones first", []int64{me, b}, 0, false, []Shard{free("x"), free("x"), free("a"), free("x")},
			Decision{Claim: []int{2, 3}}},
		{"the other half is for the other", []int64{me, b}, time.Hour, false,
			[]Shard{of(b), free(""), free(""), mine("", 1), of(b), mine("", 2)}, Decision{Claim: []int{2}}},
		{"the one with the fewest claims", []int64{me, b}, time.Hour, false,
			[]Shard{of(b), free(""), free(""), mine("", 1), of(b), of(b)}, Decision{Claim: []int{1, 2}}},
		{"what it has released it does not take back", []int64{me, b}, time.Hour, false,
			[]Shard{{State: Free, Owner: me, Name: "a"}, mine("", 1), of(b)}, Decision{}},
		{"its share is full", []int64{me, b}, time.Hour, false, []Shard{mine("", 1), mine("", 2), free(""), of(b)},
			Decision{}},
		{"nothing of a living node", []int64{me, b}, time.Hour, false, []Shard{of(b), of(b)}, Decision{}},
		{"more than its share, the latest first", []int64{me, b}, 10 * time.Second, false,
			[]Shard{mine("", 1), mine("", 4), mine("", 2), mine("", 3)}, Decision{Release: []int{1, 3}}},
		{"not while nodes come and go", []int64{me, b}, 10*time.Second - 1, false,
			[]Shard{mine("", 1), mine("", 2), mine("", 3), mine("", 4)}, Decision{}},
		{"four at once", []int64{me, b}, time.Hour, false, []Shard{mine("", 1), mine("", 2), mine("", 3), mine("", 4),
			mine("", 5), mine("", 6), mine("", 7), mine("", 8), mine("", 9), mine("", 10)},
			Decision{Release: []int{9, 8, 7, 6}}},
		{"what a node that is back had", []int64{me, b}, time.Hour, false,
			[]Shard{mine("b", 1), mine("b", 2), mine("", 3), mine("", 4)}, Decision{Release: []int{1, 0}}},
		{"not to one that is not back", []int64{me, c}, time.Hour, false,
			[]Shard{mine("b", 1), mine("", 2), of(c), of(c)},
			Decision{}},
		{"one that is back and full gets nothing", []int64{me, b}, time.Hour, false,
			[]Shard{mine("b", 1), mine("", 2), of(b), of(b)}, Decision{}},
		{"rounded up is enough", []int64{me, b}, time.Hour, false, []Shard{mine("", 1), mine("", 2), of(b)},
			Decision{}},
		{"unless somebody lacks it", []int64{me, b, c}, time.Hour, false,
			[]Shard{mine("", 1), mine("", 2), of(b), of(b)}, Decision{Release: []int{1}}},
		{"which others may still give", []int64{me, b, c}, 18 * time.Second, false,
			[]Shard{mine("", 1), mine("", 2), of(b), of(b)}, Decision{}},
		{"one that was released for another", []int64{me, b, c}, time.Hour, false,
			[]Shard{mine("", 1), of(b), free("b"), free("b")}, Decision{}},
		{"which has not claimed it", []int64{me, b, c}, time.Hour, false,
			[]Shard{mine("", 1), of(b), free("b"), stale("b")}, Decision{Claim: []int{3}}},
		{"a node that leaves", []int64{b}, 0, true, []Shard{mine("", 1), mine("b", 2), stale(""), of(b)},
			Decision{Release: []int{0, 1}}},
		{"and waits until the others have taken what it gave", []int64{b}, 0, true,
			[]Shard{mine("", 1), mine("b", 2), free(""), of(b)}, Decision{}},
		{"a few at a time", []int64{b}, 0, true, slices.Repeat([]Shard{mine("", 1)}, 9),
			Decision{Release: []int{0, 1, 2, 3, 4, 5, 6, 7}}},
		{"all at once if it is alone", []int64{me}, 0, true, append(slices.Repeat([]Shard{mine("", 1)}, 9), free("")),
			Decision{Release: []int{0, 1, 2, 3, 4, 5, 6, 7, 8}}},
	} {
		s := Situation{Self: me, Name: "a", Unchanged: row.unchanged, Leaving: row.leaving,
			Shards: slices.Clone(row.shards)}
		for i := range s.Shards {
			s.Shards[i].Number = i
		}
		for _, token := range row.members {
			s.Members = append(s.Members, Member{token, string(rune('a' + token - 1))})
		}
		if diff := cmp.Diff(row.want, Decide(&s)); diff != "" {
			t.Errorf("%s: %s", row.what, diff)
		}
	}
}

// TestHomeOf: a shard has a home only while its owner is gone.
func TestHomeOf(t *testing.T) {
	t.Parallel()
	s := Situation{Self: 1, Name: "a", Members: []Member{{1, "a"}, {2, "b"}}}
	for _, row := range []struct {
		owner int64
		name  string
		want  string
	}{
		{0, "", ""}, {2, "b", ""}, {3, "c", "c"}, {9, "a", ""}, {9, "b", "b"},
	} {
		if got := HomeOf(&s, &Shard{Owner: row.owner, Name: row.name}); got != row.want {
			t.Errorf("%+v: %q", row, got)
		}
	}
}

// TestShare: shares add up.
func TestShare(t *testing.T) {
	t.Parallel()
	for members := 1; members < 100; members++ {
		least, most := share(64, members)
		if least*members > 64 || most*members < 64 || most-least > 1 {
			t.Error(fmt.Sprint(members), least, most)
		}
	}
}

// TestTurn: members release in turns, a second each, by the store's clock.
func TestTurn(t *testing.T) {
	t.Parallel()
	members := []Member{{3, "a"}, {5, "b"}, {8, "c"}}
	for second := range int64(9) {
		var whose []int64
		for _, m := range members {
			s := Situation{Self: m.Token, Clock: second*1_000 + 999, Members: members, Unchanged: time.Hour}
			for i := range 9 {
				s.Shards = append(s.Shards, Shard{Number: i, State: Owned, Owner: m.Token})
			}
			if len(Decide(&s).Release) > 0 {
				whose = append(whose, m.Token)
			}
		}
		if want := []int64{members[second%3].Token}; !slices.Equal(whose, want) {
			t.Errorf("second %d: %d, want %d", second, whose, want)
		}
	}
}

// TestNamed: a name that several members have, by mistake, is nobody's.
func TestNamed(t *testing.T) {
	t.Parallel()
	members := []Member{{1, "a"}, {2, "b"}, {3, "b"}, {4, ""}}
	for name, want := range map[string]int{"a": 0, "b": -1, "c": -1, "": -1} {
		if got := named(members, name); got != want {
			t.Errorf("%q: %d, want %d", name, got, want)
		}
	}
}
