package engine

import (
	"context"
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

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
	clear(due) // of the queue's memory, which is used again
	return wait
}

// untilNext returns how long until the next fire is due or the next second is
// to be staged. It is at most that, so steps of the wall clock are noticed.
func (e *Engine) untilNext(now time.Time) time.Duration {
	next := time.UnixMilli(e.table.next * 1000).Add(-stageAhead)
	switch {
	case e.filling.unfinished():
		return 0
	case !next.After(now): // beyond the horizon: the beat decides
		next = now.Add(50 * time.Millisecond)
	}
	if f := e.staged.first(); f != nil {
		at := f.at
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
