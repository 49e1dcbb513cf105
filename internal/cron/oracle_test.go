package cron

import (
	"testing"

	"pgregory.net/rapid"
)

// horizon is how far the oracle walks; beyond it, both must only agree that there is nothing within.
const horizon = 120 * daySeconds

// agree checks Next and Prev of one instant against the oracle.
func agree(t interface {
	Fatal(...any)
	Fatalf(string, ...any)
}, s *Schedule, b Binding, at int64) {
	c := oracleOf(t, s, b)
	limit := min(at+horizon, MaxInstant)
	got, ok := s.Next(at, b)
	want, found := c.Next(at, limit)
	if ok = ok && got <= limit; ok != found || ok && got != want {
		t.Fatalf("%q %+v in %s: Next(%s) = %s (%v), the oracle says %s (%v)",
			s, s.dst, s.Zone(), local(s, at), local(s, got), ok, local(s, want), found)
	}
	limit = max(at-horizon, MinInstant)
	got, ok = s.Prev(at, b)
	want, found = c.Prev(at, limit)
	if ok = ok && got >= limit; ok != found || ok && got != want {
		t.Fatalf("%q %+v in %s: Prev(%s) = %s (%v), the oracle says %s (%v)",
			s, s.dst, s.Zone(), local(s, at), local(s, got), ok, local(s, want), found)
	}
}

// TestAgreesWithOracle shows guarantee 1: it compares random schedules, zones, choices
// and seeds, at instants near clock changes, with a calendar that decides second by
// second.
func TestAgreesWithOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, b := genSchedule(t)
		agree(t, s, b, genInstant(t, s.clock.zone))
	})
}

// TestChainsAcrossChanges follows a schedule through a clock change with Next and back
// with Prev. Both must give the oracle's list of fires.
func TestChainsAcrossChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, b := genSchedule(t)
		from := genInstant(t, s.clock.zone)
		to := min(from+3*daySeconds, MaxInstant)
		want := oracleOf(t, s, b).Between(from, to, 40)
		at := from - 1
		for _, w := range want {
			next, ok := s.Next(at, b)
			if !ok || next != w {
				t.Fatalf("%q in %s: Next(%s) = %s, want %s", s, s.Zone(), local(s, at), local(s, next), local(s, w))
			}
			at = next
		}
		for i := len(want) - 1; i > 0; i-- {
			if prev, ok := s.Prev(want[i], b); !ok || prev != want[i-1] {
				t.Fatalf("%q in %s: Prev(%s) = %s, want %s", s, s.Zone(), local(s, want[i]), local(s, prev),
					local(s, want[i-1]))
			}
		}
	})
}

// TestPrevNextRoundTrip needs no oracle, so it can test the whole range: for any instant,
// the fire after it and the fire before that one enclose the instant, and the same in the
// other direction.
func TestPrevNextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, b := genSchedule(t)
		for range 5 {
			at := genInstant(t, s.clock.zone)
			if next, ok := s.Next(at, b); ok {
				if next <= at {
					t.Fatalf("%q: Next(%d) = %d", s, at, next)
				}
				if prev, ok := s.Prev(next, b); ok && prev > at {
					t.Fatalf("%q in %s: %s lies between %s and its Next", s, s.Zone(), local(s, prev), local(s, at))
				}
				if back, ok := s.Prev(next+1, b); !ok || back != next {
					t.Fatalf("%q in %s: Next gives %s, Prev does not", s, s.Zone(), local(s, next))
				}
			}
			if prev, ok := s.Prev(at, b); ok {
				if prev >= at {
					t.Fatalf("%q: Prev(%d) = %d", s, at, prev)
				}
				if next, ok := s.Next(prev, b); ok && next < at {
					t.Fatalf("%q in %s: %s lies between %s and its Prev", s, s.Zone(), local(s, next), local(s, at))
				}
				if forth, ok := s.Next(prev-1, b); !ok || forth != prev {
					t.Fatalf("%q in %s: Prev gives %s, Next does not", s, s.Zone(), local(s, prev))
				}
			}
		}
	})
}
