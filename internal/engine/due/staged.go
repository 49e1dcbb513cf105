package due

import (
	"cmp"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// staged are the fires that are ready, by instant, those of one instant in
// the order in which they came. the lock of the registry guards it; what take returned is used
// without it.
type staged struct {
	ready []*run.Run
	taken int        // of ready, from its start
	added []*run.Run // by edits, in no order
	slots [1001]int32
}

// len returns how many fires are ready.
func (s *staged) len() int { return len(s.ready) - s.taken + len(s.added) }

// first returns the fire that is due first, or nil.
func (s *staged) first() *run.Run {
	var first *run.Run
	if s.taken < len(s.ready) {
		first = s.ready[s.taken]
	}
	for _, r := range s.added {
		if first == nil || r.At < first.At {
			first = r
		}
	}
	return first
}

// add takes one fire of any second.
func (s *staged) add(r *run.Run) { s.added = append(s.added, r) }

// mergeAdded puts what was added where it belongs. What take returned is over.
func (s *staged) mergeAdded() {
	if len(s.added) == 0 {
		return
	}
	slices.SortStableFunc(s.added, func(a, b *run.Run) int { return cmp.Compare(a.At, b.At) })
	s.merge(s.added)
	s.added = reuse(s.added)
}

// addSecond takes all fires of one second, in any order. What take returned is
// over.
func (s *staged) addSecond(second int64, fires []*run.Run) {
	s.trim(len(fires))
	from := second * 1000
	old := len(s.ready)
	if old > 0 && s.ready[old-1].At >= from { // an edit was before us
		sorted := make([]*run.Run, len(fires))
		s.sortSecond(from, fires, sorted)
		s.merge(sorted)
		return
	}
	s.ready = slices.Grow(s.ready, len(fires))[:old+len(fires)]
	s.sortSecond(from, fires, s.ready[old:])
}

// sortSecond puts the fires of the second that begins at the instant in order: a
// counting sort by their millisecond, which takes the same time for each of them.
func (s *staged) sortSecond(from int64, fires, sorted []*run.Run) {
	// slots[m+1] is first how many there are in millisecond m; slots[m] is then
	// where the next one of it goes.
	clear(s.slots[:])
	for _, r := range fires {
		s.slots[r.At-from+1]++
	}
	for m := 1; m < len(s.slots); m++ {
		s.slots[m] += s.slots[m-1]
	}
	for _, r := range fires {
		slot := &s.slots[r.At-from]
		sorted[*slot] = r
		*slot++
	}
}

// trim drops the runs that were taken, and frees the buffer when the next runs need
// only a small part of it: a burst does not pin memory.
func (s *staged) trim(more int) {
	if s.taken == 0 {
		return
	}
	remaining := s.ready[s.taken:]
	if n := len(remaining) + more; wasteful(n, cap(s.ready)) {
		s.ready = append(make([]*run.Run, 0, n), remaining...)
	} else {
		n := copy(s.ready, remaining)
		clear(s.ready[n:])
		s.ready = s.ready[:n]
	}
	s.taken = 0
}

// wasteful reports whether so much memory for so few fires is better given back.
func wasteful(fires, memory int) bool { return memory > 4_096 && memory > 4*fires }

// reuse returns the memory of fires that are no longer needed there.
func reuse(fires []*run.Run) []*run.Run {
	if wasteful(len(fires), cap(fires)) {
		return nil
	}
	clear(fires)
	return fires[:0]
}

// merge takes fires that are in order.
func (s *staged) merge(fires []*run.Run) {
	s.trim(len(fires))
	old := len(s.ready) - 1
	s.ready = append(s.ready, fires...)
	// From the end, and no further than the first one that is new.
	for at, next := len(s.ready)-1, len(fires)-1; next >= 0 && old >= 0; at-- {
		if s.ready[old].At > fires[next].At {
			s.ready[at] = s.ready[old]
			old--
		} else {
			s.ready[at] = fires[next]
			next--
		}
		if old < 0 {
			copy(s.ready, fires[:next+1])
		}
	}
}

// take returns the fires up to the instant. Its memory is used again after the
// next mergeAdded or addSecond.
func (s *staged) take(until int64) []*run.Run {
	n := s.taken
	for n < len(s.ready) && s.ready[n].At <= until {
		n++
	}
	due := s.ready[s.taken:n]
	s.taken = n
	return due
}
