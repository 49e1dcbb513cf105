package resolve

import (
	"fmt"
	"testing"
	"time"
)

// TestPassOver is the truth table of which name servers are not asked.
func TestPassOver(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	type state struct {
		answered, probed time.Duration // ago
		silent           bool
	}
	for _, tc := range []struct {
		what  string
		a, b  *state
		want  bool
		again bool // when asked for once more
	}{
		{what: "nothing is known"},
		{what: "answers", a: &state{answered: time.Second}, b: &state{answered: time.Second}},
		{what: "silent, the only one", a: &state{silent: true}},
		{what: "silent, the other one answers", a: &state{silent: true, probed: time.Second},
			b: &state{answered: time.Second}, want: true, again: true},
		{what: "silent, the other one answered long ago", a: &state{silent: true, probed: time.Second},
			b: &state{answered: answersFor}},
		{what: "silent, and so is the other one", a: &state{silent: true, probed: time.Second},
			b: &state{answered: time.Second, silent: true}},
		{what: "silent, and to be probed", a: &state{silent: true, probed: probeEvery},
			b:     &state{answered: time.Second},
			again: true},
	} {
		s := silence{servers: map[string]*serverState{}}
		for address, st := range map[string]*state{"a": tc.a, "b": tc.b} {
			if st != nil {
				s.servers[address] = &serverState{now.Add(-st.answered), st.silent, now.Add(-st.probed)}
			}
		}
		if got := s.passOver("a", now); got != tc.want {
			t.Errorf("%s: %v", tc.what, got)
		}
		if got := s.passOver("a", now); got != tc.again {
			t.Errorf("%s, again: %v", tc.what, got)
		}
	}
}

func TestSilenceIsLearned(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	var s silence
	s.saw("a", false, now)
	s.saw("b", true, now)
	if !s.passOver("a", now) || s.passOver("b", now) {
		t.Error("a is silent, and b answers")
	}
	if s.passOver("a", now.Add(probeEvery)) || !s.passOver("a", now.Add(probeEvery)) {
		t.Error("one lookup is a probe")
	}
	s.saw("a", true, now.Add(probeEvery))
	if s.passOver("a", now.Add(probeEvery)) {
		t.Error("a answers")
	}
	for i := range 10 * maxServers {
		s.saw(fmt.Sprint(i), true, now)
	}
	if n := len(s.servers); n > maxServers {
		t.Errorf("%d servers are remembered", n)
	}
}
