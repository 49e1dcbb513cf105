package cluster

import (
	"cmp"
	"slices"
	"time"
)

const (
	// moveAfter is for how long the members must be the same before shards move between them.
	moveAfter = 10 * time.Second
	// releasesAtOnce is how many shards move in a second for the sake of a fair share.
	releasesAtOnce = 4
	// leavesAtOnce is how many shards a node that drains gives away at a time.
	leavesAtOnce = 8
	// unwanted is for how long a shard is kept for the member that is to take it.
	unwanted = 2 * time.Second
)

// Situation is what a node decides by.
type Situation struct {
	Self      int64    // token of this node
	Name      string   // of this node
	Members   []Member // schedulers that are there and do not drain
	Unchanged time.Duration
	Clock     int64 // the store's, Unix milliseconds
	Leaving   bool  // this node drains, or must not own shards: its clock is wrong
	Unfit     bool  // it would not fire as the others do: see Owner.Unfit
	Shards    []Shard
}

// Shard is what matters of a shard.
type Shard struct {
	Number int
	State  ShardState
	Owner  int64         // token of the node that owns it, or was the last to own it
	Name   string        // of that node, as far as it is known
	Age    time.Duration // for how long its row has not changed

	// Of a shard of this node: the name of the node from which it was taken because that
	// was gone, and a number that grows with each claim.
	Home    string
	Claimed int64
}

// Decision is what to do now. Claims that the store refuses are decided about anew.
type Decision struct {
	Claim   []int // numbers of shards, those first that matter most
	Release []int
}

// Decide decides what a node claims and releases.
func Decide(s *Situation) Decision {
	var mine []Shard
	for _, sh := range s.Shards {
		if sh.State == Owned && sh.Owner == s.Self {
			mine = append(mine, sh)
		}
	}
	if s.Leaving {
		return Decision{Release: leaves(s, mine)}
	}
	if s.Unfit {
		return unfit(s, mine)
	}
	members := s.Members
	if !slices.ContainsFunc(members, func(m Member) bool { return m.Token == s.Self }) {
		members = append(slices.Clone(members), Member{s.Self, s.Name})
	}
	least, most := share(len(s.Shards), len(members))
	unowned := slices.ContainsFunc(s.Shards, func(sh Shard) bool { return sh.State != Owned })
	if unowned || s.Unchanged < moveAfter || !turn(s, members) {
		return Decision{Claim: claims(s, members, most)}
	}
	return Decision{Release: releases(s, mine, members, least, most)}
}

// leaves returns which of its shards a node gives away that is to own none: a few at a time, and the
// next ones when others have taken those. So none is without an owner for as long as it takes to read
// the jobs of all. If there is nobody to take them it gives all away.
func leaves(s *Situation, mine []Shard) []int {
	others := slices.ContainsFunc(s.Members, func(m Member) bool { return m.Token != s.Self })
	waits := slices.ContainsFunc(s.Shards, func(sh Shard) bool { return sh.State == Free && sh.Age < unwanted })
	switch {
	case !others:
		return numbers(mine)
	case waits:
		return nil
	}
	return numbers(mine[:min(len(mine), leavesAtOnce)])
}

// unfit decides for a node that would not fire as the owners of shards do. It gives its shards away.
// If nobody owns any it takes the first one: once it has that, the others follow its rules, and of two
// such nodes one wins.
func unfit(s *Situation, mine []Shard) Decision {
	if len(mine) > 0 {
		return Decision{Release: leaves(s, mine)}
	}
	if slices.ContainsFunc(s.Shards, func(sh Shard) bool { return sh.State == Owned }) || len(s.Shards) == 0 {
		return Decision{}
	}
	return Decision{Claim: []int{0}}
}

// turn reports whether it is this node's second to release: two that release at the same
// time would give a third one more than it may have.
func turn(s *Situation, members []Member) bool {
	self := slices.IndexFunc(members, func(m Member) bool { return m.Token == s.Self })
	return s.Clock/1_000%int64(len(members)) == int64(self)
}

// share returns how many shards each of some members has: the least and the most.
func share(shards, members int) (least, most int) {
	return shards / members, (shards + members - 1) / members
}

// claims returns which shards that nobody owns this node takes. All nodes deal them out in the
// same way, so that no two try the same, and what one takes need not move again: a shard goes
// to the member of the name that owned it last, if that has come back at once, and otherwise to
// the one that has the fewest. What nobody has taken in a while anybody takes.
func claims(s *Situation, members []Member, most int) []int {
	has := owned(s)
	var out, late []int
	deal := func(sh *Shard, to int64) {
		has[to]++
		if to == s.Self {
			out = append(out, sh.Number)
		} else if overdue(sh) {
			late = append(late, sh.Number)
		}
	}
	var rest []*Shard
	for i := range s.Shards {
		sh := &s.Shards[i]
		if sh.State == Owned {
			continue
		}
		last := named(members, sh.Name)
		if last >= 0 && members[last].Token != sh.Owner && has[members[last].Token] < most {
			deal(sh, members[last].Token)
		} else {
			rest = append(rest, sh)
		}
	}
	for _, sh := range rest {
		deal(sh, fewest(has, members))
	}
	return append(out, late[:min(len(late), max(0, most-has[s.Self]))]...)
}

// named returns the index of the only member with a name; -1: there is none, or there are
// several by mistake, between which shards would go to and fro.
func named(members []Member, name string) int {
	found := -1
	for i, m := range members {
		switch {
		case m.Name != name || name == "":
		case found >= 0:
			return -1
		default:
			found = i
		}
	}
	return found
}

// overdue reports whether whoever was to take a shard has not done so.
func overdue(sh *Shard) bool {
	return sh.State == Free && sh.Age >= unwanted || sh.State == Orphaned && sh.Age >= GoneAfter+unwanted
}

// owned returns how many shards each node owns, by its token.
func owned(s *Situation) map[int64]int {
	has := make(map[int64]int)
	for _, sh := range s.Shards {
		if sh.State == Owned {
			has[sh.Owner]++
		}
	}
	return has
}

// fewest returns the member that has the fewest shards; of equal ones the last, which may have
// come back just now.
func fewest(has map[int64]int, members []Member) int64 {
	return slices.MinFunc(members, func(a, b Member) int {
		return cmp.Or(cmp.Compare(has[a.Token], has[b.Token]), cmp.Compare(b.Token, a.Token))
	}).Token
}

// releases returns which shards of a node move to others: first those that it took over from
// nodes that are back and have fewer than they may, then what it has beyond its share.
func releases(s *Situation, mine []Shard, members []Member, least, most int) []int {
	has := owned(s)
	// The latest ones first: those before it may have been this node's for long.
	slices.SortFunc(mine, func(a, b Shard) int { return cmp.Compare(b.Claimed, a.Claimed) })
	var back, rest []Shard
	for _, sh := range mine {
		home := named(members, sh.Home)
		if home < 0 || members[home].Token == s.Self || has[members[home].Token] >= most ||
			len(mine)-len(back) <= least {
			rest = append(rest, sh)
			continue
		}
		has[members[home].Token]++
		back = append(back, sh)
	}
	keep := most
	// By then whoever has something of the one that lacks has had three turns to give it back.
	turns := s.Unchanged >= moveAfter+3*time.Duration(len(members))*time.Second
	if turns && len(back) == 0 && lacking(has, members, least, most) {
		keep = least
	}
	surplus := max(0, len(rest)-keep)
	out := numbers(append(back, rest[:surplus]...))
	return out[:min(len(out), releasesAtOnce)]
}

// lacking reports whether a member has less than the least share because the rounding has given
// it to others. While somebody has more than a share it will get what it lacks from there.
func lacking(has map[int64]int, members []Member, least, most int) bool {
	lacks := false
	for _, m := range members {
		if has[m.Token] > most {
			return false
		}
		lacks = lacks || has[m.Token] < least
	}
	return lacks
}

// HomeOf returns the home of a shard that a node claims: the name of the last owner if that is
// gone, and "" if it has given the shard away or is the one of this name.
func HomeOf(s *Situation, sh *Shard) string {
	stays := slices.ContainsFunc(s.Members, func(m Member) bool { return m.Token == sh.Owner })
	if stays || sh.Name == s.Name {
		return ""
	}
	return sh.Name
}

func numbers(shards []Shard) []int {
	var out []int
	for _, sh := range shards {
		out = append(out, sh.Number)
	}
	return out
}
