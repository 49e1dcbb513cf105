package engine

import (
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/record"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/failpoint"
)

// attempt is the memory of one worker's calls.
type attempt struct {
	call domain.Call
	out  domain.Outcome
}

// work is one worker: it takes a run, makes the call, decides what follows, and
// takes the next, until the dispatcher has no use for it.
func (r *runner) work() {
	a := r.calls.Get().(*attempt)
	defer r.calls.Put(a)
	var before *run.Run
	for f := r.dispatcher.Take(nil); f != nil; {
		begun, end := f.Since, f.Since
		verdict, reason := r.beginCall(f)
		if verdict == run.SendMarked {
			r.mark(f)
			verdict, reason = r.beginCall(f)
		}
		if verdict == run.SendNow {
			begun, end = r.call(f, a)
		}
		next := r.dispatcher.Swap(f, before, begun, end)
		if verdict == run.SendNow {
			r.conclude(f, &a.out, begun, end)
		} else {
			r.refuse(f, verdict, reason, end)
		}
		before = f
		if next == nil {
			next = r.dispatcher.Take(f)
		}
		f = next
	}
}

// beginCall applies the send rule, and notes that the run is in a call where that
// is what it says.
func (r *runner) beginCall(f *run.Run) (v run.Verdict, stopReason string) {
	f.Job.Mu.Lock()
	defer f.Job.Mu.Unlock()
	v, stopReason = f.DecideSend(run.Limits{Now: f.Since, SendUntil: r.shard.SendUntil(), Horizon: r.shard.Horizon()})
	if v != run.SendNow {
		return v, stopReason
	}
	f.SetState(run.StateCalling)
	if f.StartedAt == 0 {
		f.StartedAt = f.Since
	}
	return v, ""
}

// mark puts on record that a request of a recovered fire is about to go out. It
// waits for that with the fire's slot taken: what has no slot is not marked.
func (r *runner) mark(f *run.Run) {
	f.Job.Mu.Lock()
	open := f.OpenRun(max(f.RetryAt, f.At), true, f.Since)
	f.Job.Mu.Unlock()
	marked := make(chan struct{})
	r.recorder.AddNow(record.Entry{Open: &open, Run: f, Done: func() { close(marked) }})
	select {
	case <-marked:
		f.Job.Mu.Lock()
		f.Marked = true
		f.Job.Mu.Unlock()
	case <-r.recorder.Idle: // it has given up: nothing is sent any more
	}
}

// refuse does with a run what the verdict of the send rule asks for. now is in Unix
// milliseconds.
func (r *runner) refuse(f *run.Run, v run.Verdict, stopReason string, now int64) {
	j := f.Job
	j.Mu.Lock()
	f.SetState(run.StateQueued)
	switch {
	case v == run.RefuseStopped:
		status, reason := run.EndStopped(f.Attempts, stopReason)
		r.endLocked(f, f.Result(status, now, reason))
	case v == run.RefuseTooOld:
		fact := f.Result(domain.StatusMissed, now, run.TooOldReason)
		fact.Missed = &domain.MissedRange{From: f.At, Count: 1}
		r.endLocked(f, fact)
	case v == run.KeepForEdit && f.At >= j.ReadBacklog().EditFrom: // it is still under way
		a := j.OpenBacklog()
		a.AwaitEdit = append(a.AwaitEdit, f)
		j.Mu.Unlock()
	case v == run.RefuseDropped:
		j.Mu.Unlock()
		r.discard(f)
	case v == run.WaitHorizon && f.At > r.now():
		f.RetryAt = f.At // the horizon will have come by then
		j.Mu.Unlock()
		r.retries.Add(f)
	default: // WaitLease, or the obstacle is gone
		j.Mu.Unlock()
		r.requeue(f)
	}
}

// endLocked ends a run with a record without a further attempt. Call with Job.Mu
// held; it is released.
func (r *runner) endLocked(f *run.Run, fact domain.Execution) {
	next := r.ended(f)
	f.Job.Mu.Unlock()
	r.recorder.Add(record.Entry{Fact: fact, Run: f})
	r.dispatch(next)
}

// requeue puts a run back, and stops sending when the lease does not hold.
func (r *runner) requeue(f *run.Run) {
	if r.now() > r.shard.SendUntil() {
		r.dispatcher.Suspend(true)
	}
	r.dispatch([]*run.Run{f})
}

// discard drops what only looked like a fire: the version had ended before it.
func (r *runner) discard(f *run.Run) {
	f.Job.Mu.Lock()
	next := r.ended(f)
	f.Job.Leave(f)
	f.Job.Mu.Unlock()
	f.Hold.Release()
	r.dispatch(next)
}

// call makes the request and returns when it began and ended, in Unix
// milliseconds.
func (r *runner) call(f *run.Run, a *attempt) (begun, end int64) {
	f.Ver.FillCall(&a.call)
	a.call.Key = f.Key()
	a.call.ExecutionID = a.call.Key.ID()
	a.call.Attempt = len(f.Attempts) + 1
	a.out = domain.Outcome{}
	r.exec.Do(&a.call, &a.out)
	failpoint.Hit("engine.sent")
	begun = f.Since + a.out.Held.Milliseconds()
	return begun, max(r.now(), begun)
}

// conclude decides what follows an attempt and hands it to the recorder.
func (r *runner) conclude(f *run.Run, out *domain.Outcome, begun, end int64) {
	j := f.Job
	last := domain.Attempt{
		Number: len(f.Attempts) + 1, StartedAt: begun, CompletedAt: end,
		HTTPStatus: out.HTTPStatus, Error: out.Error,
	}
	j.Mu.Lock()
	if f.StartedAt == f.Since { // the first attempt, as far as anybody knows
		f.StartedAt = begun
	}
	after := run.DecideEnding(f.Ver.Plan.Value(), out, f.Failures()+1)
	if after.Status == domain.StatusPending {
		f.Attempts = append(f.Attempts, last)
		f.SetState(run.StateAwaitRetry)
		f.RetryAt, f.Marked, f.Crashes = end+after.DelayMs, false, 0
		open := f.OpenRun(f.RetryAt, false, end)
		j.Mu.Unlock()
		r.metrics.Retries.Inc()
		r.recorder.Add(record.Entry{Open: &open, Run: f, Done: func() { r.retries.Add(f) }})
		return
	}
	fact := f.ResultOf(after.Status, last)
	next := r.ended(f)
	j.Mu.Unlock()
	r.recorder.Add(record.Entry{Fact: fact, Run: f})
	r.dispatch(next)
}

// ended notes that nothing more is sent for the execution, and returns the one
// that waited for it. Call with Job.Mu held.
func (r *runner) ended(f *run.Run) []*run.Run {
	f.SetState(run.StateEnded)
	if f.Entered {
		f.Job.Busy--
	}
	return r.nextWaiting(f.Job)
}

// nextWaiting returns the fire that the overlap policy kept back, when the job
// is free. At a stop it stays: nothing of it was sent. Call with Job.Mu held.
func (r *runner) nextWaiting(j *run.Job) []*run.Run {
	if r.stopping.Load() {
		return nil
	}
	if j.Busy > 0 {
		return nil
	}
	defer j.FreeBacklog()
	a := j.ReadBacklog()
	if len(a.Resumed) > 0 {
		f := a.Resumed[0]
		a.Resumed = a.Resumed[1:]
		j.Enter(f)
		if f.RetryAt > r.now() {
			f.SetState(run.StateAwaitRetry)
			f.Lane = run.LaneLive
			r.retries.Add(f)
			return nil
		}
		return []*run.Run{f}
	}
	for len(a.Waiting) > 0 {
		s := a.Waiting[0]
		f := r.popSpan(s)
		if s.Next == run.Never {
			a.Waiting = a.Waiting[1:]
		}
		if f != nil {
			j.Enter(f)
			return []*run.Run{f}
		}
	}
	return nil
}

// openCall gives a call in flight an open run. The caller holds the lock of the
// dispatcher, so that the open run of a retry that follows comes later, and counts.
func (r *runner) openCall(f *run.Run, now int64) {
	f.Job.Mu.Lock()
	open := f.OpenRun(now, true, now)
	f.Job.Mu.Unlock()
	r.recorder.AddNow(record.Entry{Open: &open, Run: f})
}
