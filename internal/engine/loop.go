package engine

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// stageAhead is how long before a second's edge its fires are made ready.
const stageAhead = 500 * time.Millisecond

// fineLead is how long before an instant the timer wakes, so that a finer clock
// can wait for the rest: more than Go's timers are late on a machine that has
// little to do.
const fineLead = 2 * time.Millisecond

// releasePart is how many fires are admitted before they are queued.
const releasePart = 512

// runTimetable stages and releases fires until the context ends.
//
//	... ── stage s+1 ──┬── edge of s+1: release ── stage s+2 ──┬── ...
//	       (s + 0.5)   │                          (s + 1.5)    │
//
// It plans on the wall clock and waits on the monotonic one. However late it
// wakes, the seconds are taken one after the other: none is skipped.
func (e *Engine) runTimetable(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	guard := stepGuard{last: e.clock.Mark(), wall: e.clock.Now()}
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-e.wake:
		}
		e.tick()
		if pause := guard.check(e.clock); pause > 0 {
			e.log.Warn("the wall clock jumped ahead; waiting for it to settle before firing", "wait", pause)
			timer.Reset(time.Second)
			continue
		}
		timer.Reset(e.coarse(e.turn(e.clock.Now())))
	}
}

// coarse returns how long a timer should wait of a wait that is to be exact.
// The last moments of it are over when it returns.
func (e *Engine) coarse(wait time.Duration) time.Duration {
	switch {
	case e.cfg.SleepFine == nil:
		return wait
	case wait > fineLead:
		return wait - fineLead
	}
	e.cfg.SleepFine(wait)
	return 0
}

// turn does what is due at the instant and returns how long there is nothing
// to do.
func (e *Engine) turn(now time.Time) time.Duration {
	e.mu.Lock()
	e.stageUntil(e.stageLast(now), now.UnixMilli())
	due := e.takeDue(now.UnixMilli())
	wait := e.untilNext(now)
	e.mu.Unlock()
	// In parts, so that the first call does not wait for the last admission.
	for part := range slices.Chunk(due, releasePart) {
		e.release(part)
	}
	return wait
}

// stageLast returns the last second to stage at the instant: ahead of it, and
// none that the horizon does not reach. While the store cannot commit, the jobs
// stay in the timetable, where a fire that nobody may send costs nothing.
func (e *Engine) stageLast(now time.Time) int64 {
	return min(second(now.Add(stageAhead).UnixMilli()), second(e.horizon.Load()+1)-1)
}

// stageUntil takes every second up to the last one from the timetable.
func (e *Engine) stageUntil(last, now int64) {
	for e.table.next <= last {
		s, jobs := e.table.take()
		e.stage(s, jobs, now)
		e.table.recycle(jobs)
	}
	if e.unsorted {
		slices.SortStableFunc(e.staged, func(a, b *fire) int { return cmp.Compare(a.at, b.at) })
		e.unsorted = false
	}
}

// stageFire makes the next fire of a job and moves the job to the one after.
func (e *Engine) stageFire(j *job) {
	if n := len(e.staged); n > 0 && e.staged[n-1].at > j.next {
		e.unsorted = true
	}
	e.pending.add(j.next, 1) // W waits for it
	f := e.newFire()
	f.job, f.ver, f.at, f.holds, f.counted = j, j.current, j.next, j.next, true
	e.staged = append(e.staged, f)
	j.next = j.current.nextAfter(j, j.next)
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
		e.stageFire(j)
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
			e.stageFire(j)
		}
	}
	return late
}

// place puts a job whose next fire was just decided into the timetable. Fires
// in seconds that were taken already are staged at once.
func (e *Engine) place(j *job) {
	for j.next != never && second(j.next) < e.table.next {
		e.stageFire(j)
	}
	e.table.add(j)
}

// takeDue returns the staged fires that may go: due, and within the horizon.
func (e *Engine) takeDue(now int64) []*fire {
	limit := min(now, e.horizon.Load())
	n := 0
	for n < len(e.staged) && e.staged[n].at <= limit {
		n++
	}
	due := slices.Clone(e.staged[:n])
	e.staged = slices.Delete(e.staged, 0, n)
	if n > 0 {
		e.released = max(e.released, due[n-1].at)
	}
	return due
}

// untilNext returns how long until the next fire is due or the next second is
// to be staged. It is at most that, so steps of the wall clock are noticed.
func (e *Engine) untilNext(now time.Time) time.Duration {
	next := time.UnixMilli(e.table.next * 1000).Add(-stageAhead)
	if !next.After(now) { // beyond the horizon: the beat decides
		next = now.Add(50 * time.Millisecond)
	}
	if len(e.staged) > 0 {
		at := e.staged[0].at
		if at > e.horizon.Load() {
			return 50 * time.Millisecond // the beat decides
		}
		if due := time.UnixMilli(at); due.Before(next) {
			next = due
		}
	}
	return min(max(next.Sub(now), 0), time.Second)
}

// nudge makes the timetable look again at once.
func (e *Engine) nudge() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// release admits fires that are due to their jobs and queues them.
func (e *Engine) release(due []*fire) {
	now := e.now()
	send := due[:0]
	var entries []entry
	for _, f := range due {
		switch e.admit(f) {
		case admitNot:
			e.pending.done(f.holds, 1)
		case admitSend:
			send = append(send, f)
		case admitSkip:
			fact := f.result(domain.StatusSkipped, now, "the previous execution was still running (overlap SKIP)")
			entries = append(entries, entry{fact: fact, fire: f})
		case admitWait: // the job keeps it
		}
	}
	e.dispatch(send)
	e.recorder.add(entries...)
}

// admit drops what an edit has ended, keeps what an edit under way may end,
// applies the overlap policy, and enters what is to be sent into its job.
func (e *Engine) admit(f *fire) admission {
	j := f.job
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case f.at >= f.ver.to.Load():
		return admitNot // staged before an edit that ended its version first
	case f.at >= j.aside().holdFrom:
		j.asides.held = append(j.asides.held, f)
		return admitWait
	}
	verdict := decideOverlap(f.ver.plan.Value().overlap, j.busy, len(j.aside().waiting) > 0)
	switch verdict {
	case admitSend:
		j.enter(f)
	case admitWait:
		if j.wait(&span{job: j, ver: f.ver, next: f.at, last: f.at, lane: laneLive, grown: 1}) {
			e.pending.done(f.at, 1) // the span's first fire holds W for all of it
			e.trim(j.lastWaiting())
		}
	case admitSkip, admitNot:
	}
	return verdict
}

// dispatch queues fires that have entered their jobs. Those for which the host
// has no room become spans.
func (e *Engine) dispatch(fires []*fire) {
	if len(fires) == 0 {
		return
	}
	refused := e.dispatcher.push(fires)
	if len(refused) == 0 {
		return
	}
	spans := make([]*span, len(refused))
	for i, f := range refused {
		f.job.mu.Lock()
		f.job.unlink(f)
		f.job.busy--
		f.job.mu.Unlock()
		spans[i] = &span{job: f.job, ver: f.ver, next: f.at, last: f.at, lane: f.lane, grown: 1}
	}
	e.queueSpans(spans)
}

// queueSpans hands spans to their hosts. A span that became part of another
// one gives up its count: that one's first fire is older and holds W.
func (e *Engine) queueSpans(spans []*span) {
	for _, s := range e.dispatcher.pushSpans(spans) {
		e.pending.done(s.next, 1)
	}
}

// tick notes that the timetable turns: the health check looks at it.
func (e *Engine) tick() {
	e.loopMu.Lock()
	e.lastLoop = e.clock.Mark()
	e.loopMu.Unlock()
}

// stepGuard watches for the wall clock running ahead of the monotonic one.
type stepGuard struct {
	last  clock.Mark
	wall  time.Time
	until clock.Mark
	held  bool
}

// check returns how long firing should wait because the wall clock jumped
// ahead by more than bigStep: such a step is more often a mistake than a truth
// (a bad time server, a battery). It is believed once it has stood for
// settleStep.
func (g *stepGuard) check(c clock.Clock) time.Duration {
	now := c.Now()
	jump := now.Sub(g.wall) - c.Elapsed(g.last)
	g.last, g.wall = c.Mark(), now
	if jump > bigStep {
		g.held, g.until = true, c.Mark()
	} else if jump < -bigStep {
		g.held = false // it was a mistake, and is mended
	}
	if !g.held {
		return 0
	}
	if left := settleStep - c.Elapsed(g.until); left > 0 {
		return left
	}
	g.held = false
	return 0
}
