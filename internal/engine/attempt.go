package engine

import (
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/failpoint"
)

// attempt is the memory of one worker's calls.
type attempt struct {
	call domain.Call
	out  domain.Outcome
}

// work is one worker: it takes a fire, makes the call, settles it, and takes
// the next, until the dispatcher has no use for it.
func (e *Engine) work() {
	a := e.calls.Get().(*attempt)
	defer e.calls.Put(a)
	var before *fire
	for f := e.dispatcher.take(nil); f != nil; {
		begun, end := f.since, f.since
		rule := e.sendRule(f)
		if rule == sendMarked {
			e.mark(f)
			rule = e.sendRule(f)
		}
		if rule == sendNow {
			begun, end = e.call(f, a)
		}
		next := e.dispatcher.swap(f, before, begun, end)
		if rule == sendNow {
			e.settle(f, &a.out, begun, end)
		} else {
			e.turnAway(f, end)
		}
		before = f
		if next == nil {
			next = e.dispatcher.take(f)
		}
		f = next
	}
}

// mayNow is what the send rule says.
type mayNow uint8

const (
	sendNot mayNow = iota
	sendNow
	sendMarked // only after its open run says that a request may be under way
)

// sendRule is checked right before the request: the lease holds,
// the fire is still one of its version's, no edit of it is under way, nobody
// has stopped the job, and it is not too old nor beyond the horizon. A late
// fire can be: the wall clock may have been set back since it came due.
//
// A fire that was recovered is marked on record before it is sent again. Only
// so does the next recovery know which ones were under way: one that waited
// through three crashes is no poison.
func (e *Engine) sendRule(f *fire) mayNow {
	j := f.job
	j.mu.Lock()
	defer j.mu.Unlock()
	fresh := f.fresh()
	switch {
	case f.since > e.sendUntil.Load(),
		fresh && (f.at >= f.ver.to.Load() || f.at >= j.aside().holdFrom || f.tooOld(f.since)),
		j.stopReason(f.at) != "",
		f.beyond(e.horizon.Load()):
		return sendNot
	case f.crashes > 0 && !f.doubt:
		return sendMarked
	}
	f.phase = phaseCalling
	if f.startedAt == 0 {
		f.startedAt = f.since
	}
	return sendNow
}

// mark puts on record that a request of a recovered fire is about to go out. It
// waits for that with the fire's slot taken: what has no slot is not marked.
func (e *Engine) mark(f *fire) {
	f.job.mu.Lock()
	run := f.openRun(max(f.retryAt, f.at), true, f.since)
	f.job.mu.Unlock()
	marked := make(chan struct{})
	e.recorder.addNow(entry{open: &run, fire: f, done: func() { close(marked) }})
	select {
	case <-marked:
		f.job.mu.Lock()
		f.doubt = true
		f.job.mu.Unlock()
	case <-e.recorder.idle: // it has given up: nothing is sent any more
	}
}

// fresh reports whether the fire comes from the calendar and was never sent, as
// far as anybody knows.
func (f *fire) fresh() bool {
	return f.scheduled() && f.startedAt == 0 && len(f.attempts) == 0
}

// beyond reports whether the fire is one of the calendar that may not be sent
// yet.
func (f *fire) beyond(horizon int64) bool { return f.scheduled() && f.at > horizon }

// tooOld reports whether the misfire policy gives the fire up at the instant.
func (f *fire) tooOld(now int64) bool {
	return f.at < now-f.ver.plan.Value().misfire.MaxAgeMs
}

// turnAway settles a fire that the send rule refused.
func (e *Engine) turnAway(f *fire, now int64) {
	j := f.job
	j.mu.Lock()
	f.phase = phaseQueued
	reason := j.stopReason(f.at)
	var fact domain.Execution
	switch {
	case reason != "" && len(f.attempts) == 0:
		fact = f.result(domain.StatusSkipped, now, reason)
	case reason != "" && f.attempts[len(f.attempts)-1].StartedAt == 0: // a crash hid it
		fact = f.result(domain.StatusUnknown, now, lostOutcome+"; "+reason+" again")
	case reason != "":
		fact = f.result(domain.StatusFailed, now, "no further attempt: "+reason+"; last error: "+f.lastError())
	case f.scheduled() && f.at >= f.ver.to.Load():
		j.mu.Unlock()
		e.discard(f)
		return
	case f.scheduled() && f.at >= j.aside().holdFrom:
		j.asides.held = append(j.asides.held, f)
		j.mu.Unlock()
		return
	case f.fresh() && f.tooOld(now):
		fact = f.result(domain.StatusMissed, now, "older than misfire.maxAgeMs when it could be sent")
		fact.Missed = &domain.MissedRange{From: f.at, Count: 1}
	case f.beyond(e.horizon.Load()) && f.at > e.now():
		f.retryAt = f.at // the horizon will have come by then
		j.mu.Unlock()
		e.retries.add(f)
		return
	default: // the lease does not hold, or the obstacle is gone again
		j.mu.Unlock()
		e.requeue(f)
		return
	}
	next := e.ended(f)
	j.mu.Unlock()
	e.recorder.add(entry{fact: fact, fire: f})
	e.dispatch(next)
}

// requeue puts a fire back, and stops sending when the lease does not hold.
func (e *Engine) requeue(f *fire) {
	if e.now() > e.sendUntil.Load() {
		e.dispatcher.suspend(true)
	}
	e.dispatch([]*fire{f})
}

// discard drops what only looked like a fire: the version had ended before it.
func (e *Engine) discard(f *fire) {
	f.job.mu.Lock()
	next := e.ended(f)
	f.job.unlink(f)
	f.job.mu.Unlock()
	e.pending.done(f.holds, 1)
	e.dispatch(next)
}

func (f *fire) lastError() string {
	if n := len(f.attempts); n > 0 {
		return f.attempts[n-1].Error
	}
	return "none"
}

// call makes the request and returns when it began and ended, in Unix
// milliseconds.
func (e *Engine) call(f *fire, a *attempt) (begun, end int64) {
	f.ver.fillCall(&a.call)
	a.call.Key = f.key()
	a.call.ExecutionID = a.call.Key.ID()
	a.call.Attempt = len(f.attempts) + 1
	a.out = domain.Outcome{}
	e.exec.Do(&a.call, &a.out)
	failpoint.Hit("engine.sent")
	begun = f.since + milliseconds(a.out.Held)
	return begun, max(e.now(), begun)
}

// settle decides what follows an attempt and hands it to the recorder.
func (e *Engine) settle(f *fire, out *domain.Outcome, begun, end int64) {
	j := f.job
	last := domain.Attempt{
		Number: len(f.attempts) + 1, StartedAt: begun, CompletedAt: end,
		HTTPStatus: out.HTTPStatus, Error: out.Error,
	}
	j.mu.Lock()
	if f.startedAt == f.since { // the first attempt, as far as anybody knows
		f.startedAt = begun
	}
	after := decideEnding(f.ver.plan.Value(), out, f.failures()+1)
	if after.status == domain.StatusPending {
		f.attempts = append(f.attempts, last)
		f.phase, f.retryAt, f.doubt, f.crashes = phaseWaiting, end+after.delayMs, false, 0
		run := f.openRun(f.retryAt, false, end)
		j.mu.Unlock()
		e.metrics.Retries.Inc()
		e.recorder.add(entry{open: &run, fire: f, done: func() { e.retries.add(f) }})
		return
	}
	fact := f.resultOf(after.status, last)
	next := e.ended(f)
	j.mu.Unlock()
	e.recorder.add(entry{fact: fact, fire: f})
	e.dispatch(next)
}

// ended notes that nothing more is sent for the execution, and returns the one
// that waited for it. Call with job.mu held.
func (e *Engine) ended(f *fire) []*fire {
	f.phase = phaseEnded
	if f.entered {
		f.job.busy--
	}
	return e.nextWaiting(f.job)
}

// nextWaiting returns the fire that the overlap policy kept back, when the job
// is free. At a stop it stays: nothing of it was sent. Call with job.mu held.
func (e *Engine) nextWaiting(j *job) []*fire {
	if e.stopping.Load() {
		return nil
	}
	if j.busy > 0 || j.asides == nil {
		return nil
	}
	defer j.tidy()
	a := j.asides
	if len(a.resumed) > 0 {
		f := a.resumed[0]
		a.resumed = a.resumed[1:]
		j.enter(f)
		if f.retryAt > e.now() {
			f.phase, f.lane = phaseWaiting, laneLive
			e.retries.add(f)
			return nil
		}
		return []*fire{f}
	}
	for len(a.waiting) > 0 {
		s := a.waiting[0]
		f := e.popSpan(s)
		if s.next == never {
			a.waiting = a.waiting[1:]
		}
		if f != nil {
			j.enter(f)
			return []*fire{f}
		}
	}
	return nil
}

// milliseconds converts a duration for the record.
func milliseconds(d time.Duration) int64 { return int64(d / time.Millisecond) }
