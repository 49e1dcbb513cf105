package due

import (
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/hold"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// upcomingPiece is how many places of the timetable are looked at in one turn: 11 to 16 us of CPU, in which
// no fire is released (BenchmarkUpcoming).
const upcomingPiece = 512

// Upcoming collects the next fires of jobs in their order, from the places of the timetable: seconds, and
// blocks of seconds beyond. What is in one place has no order, so all of it is looked at. A block of which
// some seconds have buckets is one place with these.
//
// The timetable changes between two steps. A job that fires meanwhile may be found twice, or not at all.
type Upcoming struct {
	after domain.FireKey // exclusive
	most  int            // how many are kept

	second int64   // the next one to be looked at
	blocks []int64 // to be looked at after the seconds
	more   [][]*run.Job
	place  []*run.Job // and then more
	looked int        // of the place
	inside func(at int64) bool
	found  []domain.FireKey // of this place, without order
	last   domain.FireKey   // what comes after it in this place is not kept; zero: all is
	all    []domain.FireKey
	phase  upcomingPhase
}

// upcomingPhase is which places are looked at.
type upcomingPhase int

const (
	upcomingFilling upcomingPhase = iota // the second that is being made ready
	upcomingSeconds
	upcomingBlocks
	upcomingEnded
)

// NewUpcoming begins after a fire, or with the zero key at the first one.
func NewUpcoming(after domain.FireKey, most int) *Upcoming {
	return &Upcoming{after: after, most: most}
}

// Found returns what was found, in order.
func (u *Upcoming) Found() []domain.FireKey { return u.all }

// Step looks at some jobs, and reports whether there is more to look at. The caller holds the lock of the
// registry, and lets it go between two steps.
func (u *Upcoming) Step(t *Timetable) (more bool) {
	for remaining := upcomingPiece; remaining > 0; {
		if u.looked == len(u.place) {
			if len(u.more) > 0 {
				u.place, u.more, u.looked = u.more[0], u.more[1:], 0
				remaining--
				continue
			}
			u.endPlace()
			if len(u.all) >= u.most || u.phase == upcomingEnded {
				return false
			}
			u.nextPlace(t)
			remaining--
			continue
		}
		n := min(remaining, len(u.place)-u.looked)
		for _, j := range u.place[u.looked : u.looked+n] {
			u.look(j)
		}
		u.looked += n
		remaining -= n
	}
	return true
}

// look takes a job that is where its next fire belongs. Its old places are as they were: see ring.
func (u *Upcoming) look(j *run.Job) {
	if j == nil || j.Next == run.Never || !u.inside(j.Next) {
		return
	}
	k := domain.FireKey{ScheduledAt: j.Next, JobID: j.ID}
	if k.Sooner(u.after) <= 0 || u.last != (domain.FireKey{}) && k.Sooner(u.last) >= 0 {
		return
	}
	if u.found = append(u.found, k); len(u.found) >= 2*u.most+upcomingPiece {
		u.trim()
	}
}

func (u *Upcoming) trim() {
	slices.SortFunc(u.found, domain.FireKey.Sooner)
	u.found = slices.Compact(u.found)
	if u.found = u.found[:min(len(u.found), u.most)]; len(u.found) == u.most {
		u.last = u.found[u.most-1]
	}
}

// endPlace adds what was found in a place: all of it comes before what is in later ones.
func (u *Upcoming) endPlace() {
	u.trim()
	u.all = append(u.all, u.found...)
	u.all = u.all[:min(len(u.all), u.most)]
	u.found, u.last, u.place, u.more, u.looked = u.found[:0], domain.FireKey{}, nil, nil, 0
}

// nextPlace chooses what is looked at next.
func (u *Upcoming) nextPlace(t *Timetable) {
	r := t.ring
	switch u.phase {
	case upcomingFilling:
		u.second, u.phase = max(r.next, hold.Second(u.after.ScheduledAt)), upcomingSeconds
		if f := &t.filling; f.unfinished() {
			u.place, u.inside = f.jobs[f.done:], insideOf(f.second, 1)
		}
	case upcomingSeconds:
		u.nextSecond(r)
	case upcomingBlocks:
		if len(u.blocks) == 0 {
			u.phase = upcomingEnded
			return
		}
		block := u.blocks[0]
		u.blocks = u.blocks[1:]
		u.place, u.inside = r.far[block], insideOf(block*ringSize, ringSize)
	case upcomingEnded:
	}
}

// nextSecond chooses a second, or the rest of a block that has jobs in the far map, too.
func (u *Upcoming) nextSecond(r *ring) {
	u.second = max(u.second, r.next) // the timetable may have gone on
	end := r.next + ringSize
	if u.second >= end {
		for block := range r.far {
			if (block+1)*ringSize > u.second {
				u.blocks = append(u.blocks, block)
			}
		}
		slices.Sort(u.blocks)
		u.phase = upcomingBlocks
		return
	}
	block := u.second / ringSize
	if len(r.far[block]) == 0 {
		u.place, u.inside = r.ring[u.second&(ringSize-1)], insideOf(u.second, 1)
		u.second++
		return
	}
	u.inside = insideOf(u.second, (block+1)*ringSize-u.second)
	for u.second < min(end, (block+1)*ringSize) {
		if jobs := r.ring[u.second&(ringSize-1)]; len(jobs) > 0 {
			u.more = append(u.more, jobs)
		}
		u.second++
	}
	u.more, u.second = append(u.more, r.far[block]), (block+1)*ringSize
}

// insideOf reports whether an instant is in some seconds from one on.
func insideOf(second, n int64) func(int64) bool {
	return func(at int64) bool { return hold.Second(at) >= second && hold.Second(at) < second+n }
}
