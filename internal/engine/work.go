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
func (rn *runner) work() {
	a := rn.calls.Get().(*attempt)
	defer rn.calls.Put(a)
	var before *run.Run
	for r := rn.dispatcher.Take(nil); r != nil; {
		begun, end := r.Since, r.Since
		verdict, reason := rn.beginCall(r)
		if verdict == run.SendMarked {
			rn.mark(r)
			verdict, reason = rn.beginCall(r)
		}
		if verdict == run.SendNow {
			begun, end = rn.call(r, a)
		}
		next := rn.dispatcher.Swap(r, before, begun, end)
		if verdict == run.SendNow {
			rn.conclude(r, &a.out, begun, end)
		} else {
			rn.refuse(r, verdict, reason, end)
		}
		before = r
		if next == nil {
			next = rn.dispatcher.Take(r)
		}
		r = next
	}
}

// beginCall applies the send rule, and notes that the run is in a call where that
// is what it says.
func (rn *runner) beginCall(r *run.Run) (v run.Verdict, stopReason string) {
	r.Job.Mu.Lock()
	defer r.Job.Mu.Unlock()
	sh := rn.shards.At(r.Job.Shard)
	v, stopReason = r.DecideSend(run.Limits{Now: r.Since, SendUntil: sh.SendUntil(), Horizon: sh.Horizon()})
	if v != run.SendNow {
		return v, stopReason
	}
	r.SetState(run.StateCalling)
	if r.StartedAt == 0 {
		r.StartedAt = r.Since
	}
	return v, ""
}

// mark puts on record that a request of a recovered fire is about to go out. It
// waits for that with the fire's slot taken: what has no slot is not marked.
func (rn *runner) mark(r *run.Run) {
	r.Job.Mu.Lock()
	open := r.OpenRun(max(r.RetryAt, r.At), true, r.Since)
	r.Job.Mu.Unlock()
	marked := make(chan struct{})
	rn.recorder.AddNow(record.Entry{Open: &open, Run: r, Done: func() { close(marked) }})
	select {
	case <-marked:
		r.Job.Mu.Lock()
		r.Marked = true
		r.Job.Mu.Unlock()
	case <-rn.recorder.Idle: // it has given up: nothing is sent any more
	}
}

// refuse does with a run what the verdict of the send rule asks for. now is in Unix
// milliseconds.
func (rn *runner) refuse(r *run.Run, v run.Verdict, stopReason string, now int64) {
	j := r.Job
	j.Mu.Lock()
	r.SetState(run.StateQueued)
	switch {
	case v == run.RefuseStopped:
		status, reason := run.EndStopped(r.Attempts, stopReason)
		rn.endLocked(r, r.Result(status, now, reason))
	case v == run.RefuseTooOld:
		fact := r.Result(domain.StatusMissed, now, run.TooOldReason)
		fact.Missed = &domain.MissedRange{From: r.At, Count: 1}
		rn.endLocked(r, fact)
	case v == run.KeepForEdit && r.At >= j.ReadBacklog().EditFrom: // it is still under way
		a := j.OpenBacklog()
		a.AwaitEdit = append(a.AwaitEdit, r)
		j.Mu.Unlock()
	case v == run.RefuseDropped:
		j.Mu.Unlock()
		rn.discard(r)
	case v == run.WaitHorizon && r.At > rn.now():
		r.RetryAt = r.At // the horizon will have come by then
		j.Mu.Unlock()
		rn.retries.Add(r)
	default: // WaitLease, or the obstacle is gone
		j.Mu.Unlock()
		rn.requeue(r)
	}
}

// endLocked ends a run with a record without a further attempt. Call with Job.Mu
// held; it is released.
func (rn *runner) endLocked(r *run.Run, fact domain.Execution) {
	next := rn.ended(r)
	r.Job.Mu.Unlock()
	rn.recorder.Add(record.Entry{Fact: fact, Run: r})
	rn.dispatch(next)
}

// requeue puts a run back, and stops sending when the lease does not hold.
func (rn *runner) requeue(r *run.Run) {
	if rn.now() > rn.shards.At(r.Job.Shard).SendUntil() {
		rn.dispatcher.Suspend(true)
	}
	rn.dispatch([]*run.Run{r})
}

// discard drops what only looked like a fire: the version had ended before it.
func (rn *runner) discard(r *run.Run) {
	r.Job.Mu.Lock()
	next := rn.ended(r)
	r.Job.Leave(r)
	r.Job.Mu.Unlock()
	r.Hold.Release()
	rn.dispatch(next)
}

// call makes the request and returns when it began and ended, in Unix
// milliseconds.
func (rn *runner) call(r *run.Run, a *attempt) (begun, end int64) {
	r.Ver.FillCall(&a.call)
	a.call.Key = r.Key()
	a.call.ExecutionID = a.call.Key.ID()
	a.call.Attempt = len(r.Attempts) + 1
	a.out = domain.Outcome{}
	rn.exec.Do(&a.call, &a.out)
	failpoint.Hit("engine.sent")
	begun = r.Since + a.out.Held.Milliseconds()
	return begun, max(rn.now(), begun)
}

// conclude decides what follows an attempt and hands it to the recorder.
func (rn *runner) conclude(r *run.Run, out *domain.Outcome, begun, end int64) {
	j := r.Job
	last := domain.Attempt{
		Number: len(r.Attempts) + 1, StartedAt: begun, CompletedAt: end,
		HTTPStatus: out.HTTPStatus, Error: out.Error,
	}
	j.Mu.Lock()
	if r.StartedAt == r.Since { // the first attempt, as far as anybody knows
		r.StartedAt = begun
	}
	after := run.DecideEnding(r.Ver.Plan.Value(), out, r.Failures()+1)
	if after.Status == domain.StatusPending {
		r.Attempts = append(r.Attempts, last)
		r.SetState(run.StateAwaitRetry)
		r.RetryAt, r.Marked, r.Crashes = end+after.DelayMs, false, 0
		open := r.OpenRun(r.RetryAt, false, end)
		j.Mu.Unlock()
		rn.metrics.Retries.Inc()
		rn.recorder.Add(record.Entry{Open: &open, Run: r, Done: func() { rn.retries.Add(r) }})
		return
	}
	fact := r.ResultOf(after.Status, last)
	next := rn.ended(r)
	j.Mu.Unlock()
	rn.recorder.Add(record.Entry{Fact: fact, Run: r})
	rn.dispatch(next)
}

// ended notes that nothing more is sent for the execution, and returns the one
// that waited for it. Call with Job.Mu held.
func (rn *runner) ended(r *run.Run) []*run.Run {
	r.SetState(run.StateEnded)
	if r.Entered {
		r.Job.Busy--
	}
	return rn.nextWaiting(r.Job)
}

// openCall gives a call in flight an open run. The caller holds the lock of the
// dispatcher, so that the open run of a retry that follows comes later, and counts.
func (rn *runner) openCall(r *run.Run, now int64) {
	r.Job.Mu.Lock()
	open := r.OpenRun(now, true, now)
	r.Job.Mu.Unlock()
	rn.recorder.AddNow(record.Entry{Open: &open, Run: r})
}
