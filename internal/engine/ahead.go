package engine

import (
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

const (
	// aheadFires is how many fires a turn of the timetable looks at half a second before
	// they are due: 70 ns each, 35 us. aheadHosts is how many hosts it has prepared: about
	// 1 us each. More wait for the next turn, since fires may be due.
	aheadFires = 512
	aheadHosts = 64
)

// ahead gathers the fires that are due soon by the way in which they call their hosts, and
// has connections prepared for them. Of several instants the one with the most fires counts:
// the others use the same connections.
//
//	fires of 100 ms ── in parts ──► groups ── in parts ──► prepare
type ahead struct {
	prepare func(*domain.Upcoming)
	groups  map[run.Way]int // their places in the list
	list    []group
	done    int // groups of the list that were prepared
	call    domain.Upcoming
}

// group are the fires that call one host in one way.
type group struct {
	way             run.Way
	ver             *run.Version // one of them
	first           int64        // when the first of them is due
	at              int64        // the instant that is being counted
	n, once         int          // fires at it
	calls, onceMost int          // the most fires at an instant
}

// take looks at a part of the fires that are due soon.
func (a *ahead) take(fires []*run.Run, now int64) {
	last := -1
	for _, r := range fires {
		way, prepares := r.Ver.Way()
		if !prepares || r.At <= now || r.At >= r.Ver.To.Load() {
			continue
		}
		if last < 0 || a.list[last].way != way { // many jobs of one host follow each other
			last = a.find(way, r)
		}
		a.list[last].add(r)
	}
}

// find returns the place of a group.
func (a *ahead) find(way run.Way, r *run.Run) int {
	i, found := a.groups[way]
	if !found {
		if a.groups == nil {
			a.groups = make(map[run.Way]int)
		}
		i = len(a.list)
		a.groups[way] = i
		a.list = append(a.list, group{way: way, ver: r.Ver, first: r.At})
	}
	return i
}

func (g *group) add(r *run.Run) {
	if r.At != g.at {
		g.at, g.n, g.once = r.At, 0, 0
	}
	g.n++
	if r.Ver.Plan.Value().Once {
		g.once++
	}
	g.calls, g.onceMost = max(g.calls, g.n), max(g.onceMost, g.once)
}

// prepareNext has connections prepared for a part of the groups, and reports whether there are
// more.
func (a *ahead) prepareNext(now int64) (more bool) {
	for n := 0; n < aheadHosts && a.done < len(a.list); n++ {
		g := &a.list[a.done]
		a.done++
		if g.first <= now {
			continue
		}
		g.ver.FillUpcoming(&a.call)
		a.call.Calls, a.call.Once = g.calls, g.onceMost
		a.call.In = time.Duration(g.first-now) * time.Millisecond
		a.prepare(&a.call)
	}
	if a.done < len(a.list) {
		return true
	}
	a.reset()
	return false
}

// reset empties the groups. A burst does not pin memory.
func (a *ahead) reset() {
	if len(a.list) == 0 {
		return
	}
	if cap(a.list) > 4_096 && cap(a.list) > 4*len(a.list) {
		a.groups, a.list = nil, nil
	}
	clear(a.groups)
	clear(a.list)
	a.list, a.done = a.list[:0], 0
}
