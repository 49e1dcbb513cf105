package model

import (
	"fmt"
	"hash/maphash"
)

// machine is a transition system: what the explorer needs of a model. S is the
// whole state, a plain value without pointers.
type machine[S comparable] interface {
	initial() S
	// next hands every successor of the state to emit, always in the same
	// order.
	next(s *S, emit func(step, *S))
	// law judges a state: nil, or the law that it breaks.
	law(s *S) *violation
	// end judges a state from which nothing leads on.
	end(s *S) *violation
}

// step names what happened, with the number of the owner, job or execution
// that it happened to, for the trace. A number below zero is not shown.
type step struct {
	name   string
	number int8
}

func (s step) String() string {
	if s.number < 0 {
		return s.name
	}
	return fmt.Sprintf("%s %d", s.name, s.number)
}

// violation is a law that does not hold.
type violation struct {
	kind string // one of the kinds of laws_test.go
	text string
}

// report is what an exploration saw.
type report struct {
	states, transitions, ends int
	depth                     int // of the deepest state
	broken                    *violation
	path                      []choice       // to the broken law
	full                      bool           // the limit was reached first
	taken                     map[string]int // steps that led to a new state, by name
}

// choice is one step of a path: the number of the successor that was taken.
type choice struct {
	parent uint32 // index of the state before
	number uint16
}

// explore visits every state that can be reached, breadth first, and stops at
// the first that breaks a law: there is no shorter path to one.
//
//	layer 0     layer 1        layer 2
//	initial ──► successors ──► theirs, without those that were seen ──► ...
//
// Seen states are kept as fingerprints of 64 bits, as TLC does it (Lamport,
// Specifying Systems, section 14.3.2): among a million states the chance that
// two share one, and the second is not followed, is 3 in 10^8. A path is kept
// as choices and played again when it is wanted, so a state in memory costs
// 22 bytes wherever it is not in the layer at hand.
func explore[S comparable](m machine[S], limit int) report {
	seed := maphash.MakeSeed()
	first := m.initial()
	seen := map[uint64]struct{}{maphash.Comparable(seed, first): {}}
	steps := []choice{{}}
	layer, base := []S{first}, 0
	var following []S // the layer after it; the two take turns, so that each grows once
	r := report{states: 1, taken: map[string]int{}}
	for ; len(layer) > 0; r.depth++ {
		for i := range layer {
			s, at, number, leads := &layer[i], uint32(base+i), uint16(0), false
			m.next(s, func(st step, n *S) {
				number++
				r.transitions++
				if *n == *s || r.broken != nil {
					return
				}
				leads = true
				mark := maphash.Comparable(seed, *n)
				if _, ok := seen[mark]; ok {
					return
				}
				seen[mark] = struct{}{}
				r.taken[st.name]++
				steps = append(steps, choice{at, number - 1})
				following = append(following, *n)
				if r.broken = m.law(n); r.broken != nil {
					r.path = pathTo(steps, uint32(len(steps)-1))
				}
			})
			if !leads && r.broken == nil {
				r.ends++
				if r.broken = m.end(s); r.broken != nil {
					r.path = pathTo(steps, at)
				}
			}
			if r.states = len(steps); r.broken != nil {
				return r
			}
			if r.full = r.states >= limit; r.full {
				return r
			}
		}
		base += len(layer)
		layer, following = following, layer[:0]
	}
	r.depth--
	return r
}

func pathTo(steps []choice, at uint32) []choice {
	var path []choice
	for ; at != 0; at = steps[at].parent {
		path = append(path, steps[at])
	}
	for i, j := 0, len(path)-1; i < j; i, j = i+1, j-1 {
		path[i], path[j] = path[j], path[i]
	}
	return path
}

// replay plays a path from the start and shows each step.
func replay[S comparable](m machine[S], path []choice, show func(step, *S)) {
	s := m.initial()
	for _, c := range path {
		number, taken := uint16(0), step{}
		var to S
		m.next(&s, func(st step, n *S) {
			if number == c.number {
				taken, to = st, *n
			}
			number++
		})
		s = to
		show(taken, &s)
	}
}
