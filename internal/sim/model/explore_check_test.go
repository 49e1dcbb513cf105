package model

import (
	"fmt"
	"testing"
)

// counter is a machine whose states are known: two counters up to n that are
// stepped in any order, and a law that the pair (bad, bad) breaks.
type counter struct {
	n, bad int8
	stuck  bool // the end breaks a law
}

type pair struct{ a, b int8 }

func (c counter) initial() pair { return pair{} }

func (c counter) next(s *pair, emit func(step, *pair)) {
	if s.a < c.n {
		emit(step{"a", s.a + 1}, &pair{s.a + 1, s.b})
	}
	emit(step{"stay", -1}, s)
	if s.b < c.n {
		emit(step{"b", s.b + 1}, &pair{s.a, s.b + 1})
	}
}

func (c counter) law(s *pair) *violation {
	if s.a == c.bad && s.b == c.bad {
		return &violation{"bad", "both"}
	}
	return nil
}

func (c counter) end(s *pair) *violation {
	if c.stuck {
		return &violation{"stuck", fmt.Sprint(*s)}
	}
	return nil
}

func TestExploreSeesEveryState(t *testing.T) {
	r := explore(counter{n: 9, bad: 100}, 1_000)
	if r.states != 100 || r.depth != 18 || r.ends != 1 || r.broken != nil || r.full {
		t.Errorf("%+v; want 100 states, 18 deep, one end", r)
	}
	// Each state has two steps but those at the edges, and each can stay.
	if want := 2*9*10 + 100; r.transitions != want {
		t.Errorf("%d transitions, want %d", r.transitions, want)
	}
}

func TestExploreFindsTheShortestPath(t *testing.T) {
	m := counter{n: 9, bad: 3}
	r := explore(m, 1_000)
	if r.broken == nil || r.broken.kind != "bad" || len(r.path) != 6 {
		t.Fatalf("%+v; want a path of six steps", r)
	}
	var last pair
	n := 0
	replay(m, r.path, func(st step, s *pair) {
		n++
		if st.name == "stay" || s.a+s.b != int8(n) {
			t.Errorf("step %d is %v to %v", n, st, *s)
		}
		last = *s
	})
	if (last != pair{3, 3}) || n != 6 {
		t.Errorf("%d steps lead to %v", n, last)
	}
}

func TestExploreJudgesTheEnd(t *testing.T) {
	r := explore(counter{n: 2, bad: 100, stuck: true}, 1_000)
	if r.broken == nil || r.broken.text != "{2 2}" || len(r.path) != 4 {
		t.Errorf("%+v; want the end {2 2}", r)
	}
}

func TestExploreStopsAtItsLimit(t *testing.T) {
	if r := explore(counter{n: 100, bad: 120}, 50); !r.full || r.states < 50 || r.states > 60 {
		t.Errorf("%+v; want it to stop at 50 states", r)
	}
}
