package cluster

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/belfry-scheduler/belfry/internal/store"
)

// rows is a database as far as these decisions need one, and the nodes that share it.
type rows struct {
	t      *rapid.T
	shards []store.Shard
	seen   []store.Shard // as all nodes see them in this second: at the same time
	nodes  map[int64]store.Node
	clock  int64 // of the store, Unix milliseconds
	tokens int64
	moves  []int // of each shard
	alive  []*process
}

// process is a node.
type process struct {
	store.Node
	observer Observer
	held     map[int]bool // its shards
	holdings
	frozen int // seconds that it still stands still
	slept  time.Duration
	down   bool
}

func newRows(t *rapid.T, shards int) *rows {
	r := &rows{t: t, nodes: map[int64]store.Node{}, clock: 1_000_000, moves: make([]int, shards)}
	for i := range shards {
		r.shards = append(r.shards, store.Shard{Number: i, Clean: true, Horizon: r.clock, Watermark: r.clock})
	}
	return r
}

func (r *rows) start(name string) *process {
	r.tokens++
	p := &process{Node: store.Node{Token: r.tokens, Name: name, Role: RoleAll}, held: map[int]bool{}}
	r.alive = append(r.alive, p)
	return p
}

// second lets a second pass for everybody.
func (r *rows) second() {
	r.clock += 1_000
	for i := range r.shards {
		r.shards[i].Clock = r.clock
	}
	r.seen = slices.Clone(r.shards)
	for _, p := range r.alive {
		switch {
		case p.down:
		case p.frozen > 0:
			p.frozen--
			p.slept += time.Second
		default:
			r.look(p)
		}
	}
}

// look is a second of a node: beats, observation, decision.
func (r *rows) look(p *process) {
	p.Seen = r.clock
	r.nodes[p.Token] = p.Node
	for number := range p.held {
		if sh := &r.shards[number]; sh.Node == p.Token && !sh.Clean {
			sh.Horizon = r.clock + 3_000
		} else {
			delete(p.held, number)
		}
	}
	var nodes []store.Node
	for _, n := range r.nodes {
		nodes = append(nodes, n)
	}
	p.observer.Look(r.seen, nodes, time.Second+p.slept)
	p.slept = 0
	s := p.situation(&p.observer, &p.Node, r.seen, p.Draining, false)
	d := Decide(s)
	if !p.Draining && len(d.Release) > releasesAtOnce {
		r.t.Fatalf("%d shards are released in a second", len(d.Release))
	}
	for _, number := range d.Claim {
		r.claim(p, s, number)
	}
	for _, number := range d.Release {
		if r.shards[number].Node != p.Token {
			continue
		}
		r.shards[number].Clean = true
		delete(p.held, number)
	}
	if p.Draining && len(p.held) == 0 {
		p.down = true
		delete(r.nodes, p.Token)
	}
}

// claim takes a shard. Its owner must be gone.
func (r *rows) claim(p *process, s *Situation, number int) {
	sh := &r.shards[number]
	if !sh.Grants(store.Claim{Number: number, Seen: r.seen[number].Seen()}) {
		return
	}
	for _, owner := range r.alive {
		there := !owner.down && owner.frozen == 0 && owner.slept < GoneAfter-time.Second
		if !sh.Clean && owner.Token == sh.Node && there {
			r.t.Fatalf("shard %d of node %d, which is there, is claimed by %d", number, owner.Token, p.Token)
		}
	}
	if r.names()[sh.Node] != p.Name {
		r.moves[number]++
	}
	p.note(s, []int{number})
	p.held[number] = true
	sh.Node, sh.Clean, sh.Horizon, sh.Epoch = p.Token, false, r.clock+3_000, sh.Epoch+1
}

func (r *rows) names() map[int64]string {
	out := map[int64]string{}
	for _, p := range r.alive {
		out[p.Token] = p.Name
	}
	return out
}

// wantShared checks that nothing moves any more, that each shard has a living owner, and that
// shares are fair.
func (r *rows) wantShared() {
	has, living := map[int64]int{}, 0
	for _, p := range r.alive {
		if !p.down {
			living++
			has[p.Token] = 0
		}
	}
	if living == 0 {
		return
	}
	for i := range r.shards {
		if _, lives := has[r.shards[i].Node]; !lives || r.shards[i].Clean {
			r.t.Fatalf("shard %d has no living owner: %+v", i, r.shards[i])
		}
		has[r.shards[i].Node]++
	}
	least, most := share(len(r.shards), living)
	for token, n := range has {
		if n < least || n > most {
			r.t.Fatalf("node %d has %d of %d to %d shards", token, n, least, most)
		}
	}
	before := fmt.Sprint(r.moves)
	for range 30 {
		r.second()
	}
	if after := fmt.Sprint(r.moves); after != before {
		r.t.Fatalf("shards move although nothing has changed:\n%s\n%s", before, after)
	}
}

// calm waits until everything that was begun must have ended: nodes that are gone are noticed
// after 60 s at the latest, then four shards move each second.
func (r *rows) calm() {
	for range 150 {
		r.second()
	}
}

// TestNodesComeAndGo lets nodes do what they do in any order.
func TestNodesComeAndGo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r := newRows(rt, rapid.SampledFrom([]int{1, 3, 16, 64}).Draw(rt, "shards"))
		pick := func() *process {
			if len(r.alive) == 0 {
				return nil
			}
			return r.alive[rapid.IntRange(0, len(r.alive)-1).Draw(rt, "node")]
		}
		for range rapid.IntRange(1, 12).Draw(rt, "events") {
			switch rapid.IntRange(0, 4).Draw(rt, "event") {
			case 0, 1:
				if len(r.alive) < 8 {
					r.start(fmt.Sprintf("node-%d", rapid.IntRange(1, 5).Draw(rt, "name")))
				}
			case 2:
				if p := pick(); p != nil {
					p.down = true
				}
			case 3:
				if p := pick(); p != nil {
					p.frozen = rapid.IntRange(1, 90).Draw(rt, "freeze")
				}
			case 4:
				if p := pick(); p != nil {
					p.Draining = true
				}
			}
			for range rapid.IntRange(0, 40).Draw(rt, "seconds") {
				r.second()
			}
		}
		r.calm()
		r.calm() // one that unchanged still for 90 s comes back meanwhile
		r.wantShared()
	})
}

// TestRollingRestart: each node in turn drains, stops and starts again under its name. No
// shard moves more than twice.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r := newRows(rt, 64)
		n := rapid.IntRange(2, 8).Draw(rt, "nodes")
		for i := range n {
			r.start(fmt.Sprintf("node-%d", i))
			for range rapid.IntRange(0, 3).Draw(rt, "between starts") {
				r.second()
			}
		}
		r.calm()
		r.wantShared()
		clear(r.moves)
		for i := range n {
			p := r.alive[i]
			p.Draining = true
			for !p.down {
				r.second()
			}
			for range rapid.IntRange(0, 30).Draw(rt, "down for") {
				r.second()
			}
			r.start(p.Name)
			for range rapid.IntRange(40, 60).Draw(rt, "until the next") {
				r.second()
			}
		}
		r.calm()
		r.wantShared()
		for number, moves := range r.moves {
			if moves > 2 {
				rt.Fatalf("shard %d has moved %d times: %v", number, moves, r.moves)
			}
		}
	})
}

// TestTakeover: the shards of a node that is killed have an owner 9 s later.
func TestTakeover(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r := newRows(rt, 64)
		n := rapid.IntRange(2, 6).Draw(rt, "nodes")
		for i := range n {
			r.start(fmt.Sprintf("node-%d", i))
		}
		r.calm()
		r.alive[rapid.IntRange(0, n-1).Draw(rt, "killed")].down = true
		for range 9 {
			r.second()
		}
		for i := range r.shards {
			for _, p := range r.alive {
				if p.down && r.shards[i].Node == p.Token {
					rt.Fatalf("shard %d is still that of the node that was killed", i)
				}
			}
		}
	})
}
