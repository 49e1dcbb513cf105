package executor

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/executor/h2"
)

// How many connections calls that wait need, where one carries several.
func TestConnectionsFor(t *testing.T) {
	full := h2.State{Usable: true, Limit: 100, Busy: 100}
	none := h2.State{Usable: true}
	for name, tc := range map[string]struct {
		waiting, opening int
		multiplexes      bool
		has              []h2.State
		want             int
	}{
		"nobody waits":                       {0, 0, true, nil, 0},
		"HTTP/1.1: one for each":             {7, 0, false, nil, 7},
		"HTTP/1.1: those under way aside":    {7, 3, false, nil, 7},
		"none yet: it says how many streams": {7, 0, true, nil, 1},
		"none yet, one is under way":         {7, 1, true, nil, 0},
		"all streams taken":                  {1, 0, true, []h2.State{full}, 1},
		"as many as a connection carries":    {100, 0, true, []h2.State{full}, 1},
		"one more":                           {101, 0, true, []h2.State{full, full}, 2},
		"one more, one is under way":         {101, 1, true, []h2.State{full}, 1},
		"enough under way":                   {250, 5, true, []h2.State{full}, 0},
		"the host takes no calls":            {7, 0, true, []h2.State{none}, 0},
		"one of two takes no calls":          {7, 0, true, []h2.State{full, none}, 0},
		"it takes none and is closing":       {7, 0, true, []h2.State{{Limit: 0}}, 1},
	} {
		if got := connectionsFor(tc.waiting, tc.opening, tc.multiplexes, tc.has); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}

// What a handshake offers depends on the setting and on what the host has said, and on
// nothing that changes with the load.
func TestProtocols(t *testing.T) {
	for _, tc := range []struct {
		off, requires1 bool
		want           string
	}{{false, false, "h2"}, {false, true, "http/1.1"}, {true, false, "http/1.1"}, {true, true, "http/1.1"}} {
		got := protocols(tc.off, tc.requires1)
		if got[0] != tc.want || got[len(got)-1] != "http/1.1" {
			t.Errorf("%+v: %q", tc, got)
		}
	}
}
