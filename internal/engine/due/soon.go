package due

import (
	"sort"
	"time"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

const (
	// soonAhead is how long before its instant a fire is soon: what its call needs is made
	// ready from then on. It is the same as stageAhead, since a fire is staged by then.
	soonAhead = stageAhead
	// soonStep is how many milliseconds of fires become soon at a time. With more, the
	// connections that are opened wait for longer; with less, a host with a fire in each
	// millisecond is looked at more often.
	soonStep = 100
)

// soon is how many of the staged fires were returned by TakeSoon: those before an instant,
// and so many of those at it. An edit may stage a fire before that: it is passed over.
type soon struct {
	at int64
	n  int
}

// soonUntil returns the last instant whose fires are soon.
func (t *Timetable) soonUntil(now int64) int64 {
	until := (now+soonAhead.Milliseconds())/soonStep*soonStep + soonStep - 1
	return min(until, t.Unstaged()-1)
}

// firstSoon returns the place of the first staged fire that TakeSoon did not return.
func (t *Timetable) firstSoon() int {
	ready := t.staged.ready
	i := t.staged.taken + sort.Search(len(ready)-t.staged.taken, func(i int) bool {
		return ready[t.staged.taken+i].At >= t.soon.at
	})
	for n := t.soon.n; n > 0 && i < len(ready) && ready[i].At == t.soon.at; n-- {
		i++
	}
	return i
}

// TakeSoon returns staged fires that have become soon, each once, in their order, and whether
// there are more: it returns no more than the most at a time. They may be read until the next
// turn.
func (t *Timetable) TakeSoon(now int64, most int) (fires []*run.Run, more bool) {
	until, ready := t.soonUntil(now), t.staged.ready
	first := t.firstSoon()
	end := first
	for end < len(ready) && ready[end].At <= until && end-first < most {
		end++
	}
	if end == first {
		return nil, false
	}
	last := ready[end-1].At
	if last != t.soon.at {
		t.soon = soon{at: last}
	}
	for i := end - 1; i >= first && ready[i].At == last; i-- {
		t.soon.n++
	}
	return ready[first:end], end < len(ready) && ready[end].At <= until
}

// UntilSoon returns how long until TakeSoon has more to return, a second at most.
func (t *Timetable) UntilSoon(now time.Time) time.Duration {
	i := t.firstSoon()
	if i == len(t.staged.ready) {
		return time.Second
	}
	from := time.UnixMilli(t.staged.ready[i].At / soonStep * soonStep).Add(-soonAhead)
	return min(max(from.Sub(now), 0), time.Second)
}
