package engine

import (
	"time"
)

const (
	// stageAhead is how long before a second's edge its fires are made ready.
	stageAhead = 500 * time.Millisecond
	// stagePart is how many jobs are looked at in one turn for a second to come: a
	// tenth of a millisecond. 10,000 jobs a second at once were ten, in which
	// nothing else left.
	stagePart  = 128
	stageTurns = 64 // a second with very many jobs takes no more turns than this
)

// stageLast returns the last second to stage at the instant: ahead of it, and
// none that the horizon does not reach. While the store cannot commit, the jobs
// stay in the timetable, where a fire that nobody may send costs nothing.
func (e *Engine) stageLast(now time.Time) int64 {
	return min(second(now.Add(stageAhead).UnixMilli()), second(e.horizon.Load()+1)-1)
}

// filling is the second whose fires are being made ready.
type filling struct {
	second int64
	jobs   []*job // that may fire in it
	done   int    // how many of them were looked at
	fires  []*fire
}

func (f *filling) unfinished() bool { return f.done < len(f.jobs) }

// unstaged returns the first instant of which fires may be in the timetable
// still, where pendingSeconds does not count them.
func (e *Engine) unstaged() int64 {
	if e.filling.unfinished() {
		return e.filling.second * 1000
	}
	return e.table.next * 1000
}

// stageUntil takes seconds from the timetable, up to the last one. A second that
// is still to come it makes ready a part at a time, one part in each turn: fires
// that are due in between must not wait for those of the next second.
func (e *Engine) stageUntil(last, now int64) {
	e.staged.settle()
	f := &e.filling
	for {
		if !f.unfinished() {
			if e.table.next > last {
				return
			}
			f.done = 0
			f.second, f.jobs = e.table.take()
		}
		ahead := f.second*1000 > now
		part := f.jobs[f.done:]
		if ahead {
			part = part[:min(max(e.stagePart, len(f.jobs)/stageTurns), len(part))]
		}
		e.stage(f.second, part, now)
		f.done += len(part)
		if f.unfinished() {
			return
		}
		e.table.recycle(f.jobs)
		f.jobs, f.done = nil, 0
		e.staged.addSecond(f.second, f.fires)
		f.fires = reuse(f.fires)
	}
}

// stageFire makes the next fire of a job and moves the job to the one after.
func (e *Engine) stageFire(j *job) *fire {
	e.pending.add(j.next, 1) // W waits for it
	f := e.newFire()
	f.job, f.ver, f.at, f.holds, f.counted = j, j.current, j.next, j.next, true
	j.next = j.current.nextAfter(j, j.next)
	return f
}

// fireChunk is how many fires are allocated at a time. One that is slow to end
// keeps the memory of its chunk, so it is not more.
const fireChunk = 8

// newFire returns an empty fire. Call with Engine.mu held.
func (e *Engine) newFire() *fire {
	if len(e.spareFires) == 0 {
		e.spareFires = make([]fire, fireChunk)
	}
	f := &e.spareFires[0]
	e.spareFires = e.spareFires[1:]
	return f
}

// stage makes the fires of one second and puts each job at its next one. In a
// second that is long over, jobs leave a span from there until now instead:
// nobody could send those fires in time, and the misfire policy decides.
func (e *Engine) stage(s int64, jobs []*job, now int64) {
	lagging := s*1000 < now-lagLimit.Milliseconds()
	var spans []*span
	for _, j := range jobs {
		if second(j.next) != s || j.next == never {
			continue // moved or removed since
		}
		if lagging {
			spans = append(spans, e.fallBehind(j, min(now, e.horizon.Load())))
			e.table.add(j)
			continue
		}
		e.filling.fires = append(e.filling.fires, e.stageFire(j))
		e.table.add(j)
	}
	if len(spans) > 0 {
		e.feeders.Go(func() { e.addLate(spans) })
	}
}

// fallBehind makes a span of the job's fires up to the instant and moves the
// job to the first one after it.
func (e *Engine) fallBehind(j *job, until int64) *span {
	sp := &span{job: j, ver: j.current, next: j.next, lane: laneLate}
	last, ok := j.current.timing(j).Prev(until + 1)
	if !ok || last < j.next {
		last = j.next
	}
	sp.last = last
	e.released = max(e.released, last) // what it names may be sent: edits begin after it
	e.pending.add(sp.next, 1)
	j.next = j.current.nextAfter(j, last)
	return sp
}

// finish makes ready what the timetable has not come to of a version that ends
// at the instant. It returns what is long over.
func (e *Engine) finish(j *job, to int64) (late []*span) {
	now := e.now()
	for j.next < to {
		if j.next < now-lagLimit.Milliseconds() {
			late = append(late, e.fallBehind(j, to-1))
		} else {
			e.staged.add(e.stageFire(j))
		}
	}
	return late
}

// place puts a job whose next fire was just decided into the timetable. Fires
// in seconds that were taken already are staged at once.
func (e *Engine) place(j *job) {
	for j.next != never && second(j.next) < e.table.next {
		e.staged.add(e.stageFire(j))
	}
	e.table.add(j)
}

// takeDue returns the staged fires that may go: due, and within the horizon. They
// are the caller's until the next turn.
func (e *Engine) takeDue(now int64) []*fire {
	due := e.staged.take(min(now, e.horizon.Load()))
	if n := len(due); n > 0 {
		e.released = max(e.released, due[n-1].at)
	}
	return due
}
