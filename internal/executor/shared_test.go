package executor

import (
	"testing"
	"time"

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

// The first connection to a host is opened alone, for a while, if it may be one of HTTP/2.
func TestFirstConnectionIsAlone(t *testing.T) {
	for _, c := range []struct {
		name   string
		s      shared
		waited time.Duration
		want   int
	}{
		{"nothing is known", shared{}, 0, 1},
		{"it takes long", shared{}, metWithin, 8},
		{"one was opened", shared{met: true}, 0, 8},
		{"only HTTP/1.1 is offered", shared{protocol: needsHTTP1}, 0, 8},
		{"HTTP/1.1 is cheaper", shared{protocol: cheaperHTTP1}, 0, 8},
	} {
		if got := c.s.window(8, c.waited); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if got := new(shared).window(0, 0); got != 0 {
		t.Errorf("of none: %d", got)
	}
}
