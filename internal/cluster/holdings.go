package cluster

import "github.com/belfry-scheduler/belfry/internal/store"

// holdings is what a node remembers of the shards that it has claimed.
type holdings struct {
	of     map[int]holding
	claims int64
}

// holding is what a node remembers of a shard: see Shard.
type holding struct {
	home    string
	claimed int64
}

// situation returns what a node decides by after a look.
func (h *holdings) situation(o *Observer, self *store.Node, rows []store.Shard, leaving, unfit bool) *Situation {
	s := &Situation{Self: self.Token, Name: self.Name, Leaving: leaving, Unfit: unfit, Shards: make([]Shard, len(rows))}
	s.Members, s.Unchanged = o.Members()
	for i := range rows {
		sh := &rows[i]
		s.Clock = sh.Clock
		held := h.of[i]
		s.Shards[i] = Shard{
			Number: i, State: o.State(sh), Owner: sh.Node, Name: o.Name(sh.Node), Age: o.Age(sh),
			Home: held.home, Claimed: held.claimed,
		}
	}
	return s
}

// note remembers shards that were claimed in a situation.
func (h *holdings) note(s *Situation, claimed []int) {
	if h.of == nil {
		h.of = make(map[int]holding)
	}
	for _, n := range claimed {
		h.claims++
		h.of[n] = holding{HomeOf(s, &s.Shards[n]), h.claims}
	}
}
