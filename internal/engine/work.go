package engine

import (
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/dispatch"
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
		begun, end, took := r.Since, r.Since, dispatch.NotCalled
		verdict, reason := rn.beginCall(r)
		if verdict == run.SendMarked {
			rn.mark(r)
			verdict, reason = rn.beginCall(r)
		}
		if verdict == run.SendNow {
			begun, end = rn.call(r, a)
			took = atTarget(&a.out, begun, end)
		}
		next := rn.dispatcher.Swap(r, before, took, end)
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
	v, stopReason = r.DecideSend(run.Limits{Now: r.Since, SendUntil: sh.SendUntil(), Horizon: sh.Horizon(),
		Lapsed: sh.Lapsed(rn.clock)})
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

// atTarget returns how long a call took at its target; zero: it did not come so far.
func atTarget(out *domain.Outcome, begun, end int64) time.Duration {
	if out.Took == 0 && out.HTTPStatus != 0 { // the executor does not measure it
		return max(1, time.Duration(end-begun)*time.Millisecond)
	}
	return out.Took
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
		if j.Lost() {
			leaveRetry(rn, r, open)
			return
		}
		rn.metrics.Retries.Inc()
		rn.recorder.Add(record.Entry{Open: &open, Run: r, Done: func() { awaitRetry(rn, r) }})
		return
	}
	fact := r.ResultOf(after.Status, last)
	next := rn.ended(r)
	j.Mu.Unlock()
	rn.recorder.Add(record.Entry{Fact: fact, Run: r})
	rn.dispatch(next)
}

// leaveRetry leaves a retry to the next owner of the job's shard.
func leaveRetry(rn *runner, r *run.Run, open domain.OpenRun) {
	en := giveUp(rn, open)
	en.Run, en.Done = r, func() {
		r.Job.Mu.Lock()
		defer r.Job.Mu.Unlock()
		r.Job.Busy--
		r.Job.Leave(r)
	}
	rn.recorder.Add(en)
}

// openCall gives a call in flight an open run. The caller holds the lock of the
// dispatcher, so that the open run of a retry that follows comes later, and counts.
func (rn *runner) openCall(r *run.Run, now int64) {
	open := openOfCall(r, now)
	rn.recorder.AddNow(record.Entry{Open: &open, Run: r})
}

// leaveCall is openCall for a call that this process does not see the end of: its open run is
// the next owner's.
func leaveCall(rn *runner, r *run.Run, now int64) {
	en := giveUp(rn, openOfCall(r, now))
	en.Run = r
	rn.recorder.AddNow(en)
}

func openOfCall(r *run.Run, now int64) domain.OpenRun {
	r.Job.Mu.Lock()
	defer r.Job.Mu.Unlock()
	open := r.OpenRun(r.Since, true, r.Since)
	open.NextAt, open.CreatedAt = now, now
	return open
}
