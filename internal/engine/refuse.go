package engine

import (
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/record"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// refuse does with a run what the verdict of the send rule asks for. now is in Unix
// milliseconds.
func (rn *runner) refuse(r *run.Run, v run.Verdict, stopReason string, now int64) {
	j, fence := r.Job, rn.shards.At(r.Job.Shard).Fence()
	j.Mu.Lock()
	r.SetState(run.StateQueued)
	switch {
	case j.Lost():
		j.Mu.Unlock()
		rn.discard(r)
	case v == run.RefuseStopped:
		status, reason := run.EndStopped(r.Attempts, stopReason)
		rn.endLocked(r, r.Result(status, now, reason), fence)
	case v == run.RefuseTooOld:
		fact := r.Result(domain.StatusMissed, now, run.TooOldReason)
		fact.Missed = &domain.MissedRange{From: r.At, Count: 1}
		rn.endLocked(r, fact, fence)
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

// endLocked ends a run with a record without a further attempt, under the lease. Call with
// Job.Mu held; it is released.
func (rn *runner) endLocked(r *run.Run, fact domain.Execution, fence *store.Fence) {
	next := rn.ended(r)
	r.Job.Mu.Unlock()
	rn.recorder.Add(record.Entry{Fact: fact, Run: r, Fence: fence})
	rn.dispatch(next)
}

// requeue puts a run back, and stops sending when no lease holds. A run whose shard alone
// waits for a beat waits beside the queue.
func (rn *runner) requeue(r *run.Run) {
	if now := rn.now(); !rn.shards.At(r.Job.Shard).MaySend(rn.clock, now) {
		if rn.shards.MaySend(now) {
			r.RetryAt = now + beatEvery.Milliseconds()/10
			rn.retries.Add(r)
			return
		}
		rn.dispatcher.Suspend(true)
	}
	rn.dispatch([]*run.Run{r})
}

// awaitRetry keeps a run until its RetryAt. If its shard is being left, whoever drops its runs may
// have looked before.
func awaitRetry(rn *runner, r *run.Run) {
	rn.retries.Add(r)
	if r.Job.Lost() {
		dropLost(rn, rn.retries.Take(func(found *run.Run) bool { return found == r }))
	}
}

// dropLost drops runs that wait and whose shard is being left.
func dropLost(rn *runner, runs []*run.Run) {
	for _, r := range runs {
		r.Job.Mu.Lock()
		r.SetState(run.StateQueued)
		r.Job.Mu.Unlock()
		rn.discard(r)
	}
}

// discard drops what only looked like a fire: the version had ended before it. Of a job that
// was lost it drops anything; what has an open run is left to the next owner.
func (rn *runner) discard(r *run.Run) {
	r.Job.Mu.Lock()
	next := rn.ended(r)
	r.Job.Leave(r)
	open := r.OpenRun(max(r.At, r.RetryAt), false, rn.now())
	r.Job.Mu.Unlock()
	if r.Hold.Held() {
		r.Hold.Release()
	}
	if r.Job.Lost() && r.OpenOnRecord {
		rn.recorder.AddNow(giveUp(rn, open))
	}
	rn.dispatch(next)
}

// giveUp returns an entry that leaves an open run to the next owner of its job's shard.
func giveUp(rn *runner, open domain.OpenRun) record.Entry {
	open.TakenFrom, open.RunUntil = rn.shards.Node, 0
	return record.Entry{Open: &open}
}
