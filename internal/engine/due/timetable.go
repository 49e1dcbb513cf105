package due

import (
	"time"

	"github.com/belfry-scheduler/belfry/internal/engine/hold"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

const (
	// stageAhead is how long before a second's edge its fires are made ready.
	stageAhead = 500 * time.Millisecond
	// stagePart is how many jobs one turn stages for a second to come: that takes a
	// tenth of a millisecond. Staging 10,000 jobs in one turn would take 10 ms, in which
	// no fire is released.
	stagePart  = 128
	stageTurns = 64 // a second with very many jobs takes no more turns than this
	// beatWait is how long the timetable waits before it looks again whether a beat
	// has moved the horizon: a beat wakes it sooner.
	beatWait = 50 * time.Millisecond
)

// LagLimit is how late a fire is when the misfire policy decides about it: it goes to the late lane.
const LagLimit = 10 * time.Second

// Timetable knows when each job fires next, and makes fires ready ahead of their
// second:
//
//	ring ─► filling ─► staged ─► TakeDue
//	jobs    a second    runs, by
//	        in parts    instant
//
// It is not safe for concurrent use: the lock of the registry guards it.
type Timetable struct {
	ring     *ring
	filling  filling   // the second that is being staged
	staged   staged    // of seconds that were taken
	soon     soon      // how many of those were looked at ahead of their instants
	spare    []run.Run // to be used by newRun
	Part     int       // see stagePart
	released int64     // the latest instant that was released; edits begin after it
	holds    *hold.Set
}

// NewTimetable makes a timetable without jobs. It takes its holds from the set.
func NewTimetable(holds *hold.Set) *Timetable {
	return &Timetable{ring: newRing(0), Part: stagePart, holds: holds}
}

// Begin makes the second of the instant the first one. Nothing up to the instant
// is the timetable's.
func (t *Timetable) Begin(after int64) {
	t.ring, t.released = newRing(hold.Second(after)), after
}

// LastSecond returns the last second to stage at the instant: ahead of it, and
// none that the horizon does not reach. While the store cannot commit, the jobs
// stay in the timetable, where a fire that nobody may send costs nothing.
func LastSecond(now time.Time, horizon int64) int64 {
	return min(hold.Second(now.Add(stageAhead).UnixMilli()), hold.Second(horizon+1)-1)
}

// filling is the second whose fires are being made ready.
type filling struct {
	second int64
	jobs   []*run.Job // that may fire in it
	done   int        // how many of them were looked at
	fires  []*run.Run
}

func (f *filling) unfinished() bool { return f.done < len(f.jobs) }

// Unstaged returns the first instant of which fires may be in the timetable
// still, where no hold is for them.
func (t *Timetable) Unstaged() int64 {
	if t.filling.unfinished() {
		return t.filling.second * 1000
	}
	return t.ring.next * 1000
}

// StageUntil takes seconds from the timetable, up to the last one. A second that
// is still to come it makes ready a part at a time, one part in each turn: fires
// that are due in between must not wait for those of the next second.
func (t *Timetable) StageUntil(last, now, horizon int64) (late []*run.Span) {
	t.staged.mergeAdded()
	f := &t.filling
	for {
		if !f.unfinished() {
			if t.ring.next > last {
				return late
			}
			f.done = 0
			f.second, f.jobs = t.ring.take()
		}
		ahead := f.second*1000 > now
		part := f.jobs[f.done:]
		if ahead {
			part = part[:min(max(t.Part, len(f.jobs)/stageTurns), len(part))]
		}
		late = append(late, t.stage(f.second, part, now, horizon)...)
		f.done += len(part)
		if f.unfinished() {
			return late
		}
		t.ring.recycle(f.jobs)
		f.jobs, f.done = nil, 0
		t.staged.addSecond(f.second, f.fires)
		f.fires = reuse(f.fires)
	}
}

// stageFire makes the next fire of a job and moves the job to the one after.
func (t *Timetable) stageFire(j *run.Job) *run.Run {
	r := t.newRun()
	r.Job, r.Ver, r.At, r.Hold = j, j.Current, j.Next, t.holds.Take(j.Shard, j.Next)
	j.Next = j.Current.NextAfter(j, j.Next)
	return r
}

// runChunk is how many runs are allocated at a time. One that is slow to end
// keeps the memory of its chunk, so it is not more.
const runChunk = 8

// newRun returns an empty run.
func (t *Timetable) newRun() *run.Run {
	if len(t.spare) == 0 {
		t.spare = make([]run.Run, runChunk)
	}
	r := &t.spare[0]
	t.spare = t.spare[1:]
	return r
}

// stage makes the fires of one second and puts each job at its next one. In a
// second that is long over, jobs leave a span from there until now instead:
// nobody could send those fires in time, and the misfire policy decides.
func (t *Timetable) stage(s int64, jobs []*run.Job, now, horizon int64) (late []*run.Span) {
	lagging := s*1000 < now-LagLimit.Milliseconds()
	for _, j := range jobs {
		if hold.Second(j.Next) != s || j.Next == run.Never {
			continue // moved or removed since
		}
		if lagging {
			late = append(late, t.fallBehind(j, min(now, horizon)))
			t.ring.add(j)
			continue
		}
		t.filling.fires = append(t.filling.fires, t.stageFire(j))
		t.ring.add(j)
	}
	return late
}

// fallBehind makes a span of the job's fires up to the instant and moves the
// job to the first one after it.
func (t *Timetable) fallBehind(j *run.Job, until int64) *run.Span {
	sp := &run.Span{Job: j, Ver: j.Current, Next: j.Next, Lane: run.LaneLate}
	last, ok := j.Current.Timing(j).Prev(until + 1)
	if !ok || last < j.Next {
		last = j.Next
	}
	sp.Last = last
	t.released = max(t.released, last) // what it names may be sent: edits begin after it
	sp.Hold = t.holds.Take(sp.Job.Shard, sp.Next)
	j.Next = j.Current.NextAfter(j, last)
	return sp
}

// FinishVersion makes ready what the timetable has not come to of a version that ends
// at the instant. It returns what is long over.
func (t *Timetable) FinishVersion(j *run.Job, to, now int64) (late []*run.Span) {
	for j.Next < to {
		if j.Next < now-LagLimit.Milliseconds() {
			late = append(late, t.fallBehind(j, to-1))
		} else {
			t.staged.add(t.stageFire(j))
		}
	}
	return late
}

// Place puts a job whose next fire was just decided into the timetable. Fires
// in seconds that were taken already are staged at once.
func (t *Timetable) Place(j *run.Job) {
	for j.Next != run.Never && hold.Second(j.Next) < t.ring.next {
		t.staged.add(t.stageFire(j))
	}
	t.ring.add(j)
}

// TakeDue returns the staged fires that may go: due, and within the horizon. They
// are the caller's until the next turn.
func (t *Timetable) TakeDue(now, horizon int64) []*run.Run {
	due := t.staged.take(min(now, horizon))
	if n := len(due); n > 0 {
		t.released = max(t.released, due[n-1].At)
	}
	return due
}

// UntilNext returns how long until the next fire is due or the next second is
// to be staged. It is at most that, so steps of the wall clock are noticed.
func (t *Timetable) UntilNext(now time.Time, horizon int64) time.Duration {
	next := time.UnixMilli(t.ring.next * 1000).Add(-stageAhead)
	switch {
	case t.filling.unfinished():
		return 0
	case !next.After(now): // beyond the horizon: the beat decides
		next = now.Add(beatWait)
	}
	if r := t.staged.first(); r != nil {
		if r.At > horizon {
			return beatWait
		}
		if due := time.UnixMilli(r.At); due.Before(next) {
			next = due
		}
	}
	return min(max(next.Sub(now), 0), time.Second)
}

// Progress is how far the timetable has come with a second.
type Progress struct {
	Second       int64 // Unix seconds
	Jobs, Looked int   // that may fire in it, and of those the ones that were looked at
	Ready        int   // runs that are ready, of this second
}

// Progress returns how far the second has come that is being made ready.
func (t *Timetable) Progress() Progress {
	f := &t.filling
	return Progress{Second: f.second, Jobs: len(f.jobs), Looked: f.done, Ready: len(f.fires)}
}

// Ready returns how many runs are ready and were not taken.
func (t *Timetable) Ready() int { return t.staged.len() }

// Frontier returns the latest instant that was released: what it names may be sent,
// so an edit begins after it.
func (t *Timetable) Frontier() int64 { return t.released }

// SetPart chooses how many jobs are looked at in one turn for a second to come.
func (t *Timetable) SetPart(n int) { t.Part = n }

// Behind returns by how much the timetable is behind the clock. Negative: the
// clock is behind the timetable.
func (t *Timetable) Behind(now int64) time.Duration {
	late := now - t.Unstaged()
	if r := t.staged.first(); r != nil {
		late = max(late, now-r.At)
	}
	return time.Duration(late) * time.Millisecond
}
