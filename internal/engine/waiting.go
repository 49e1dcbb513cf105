package engine

import "github.com/belfry-scheduler/belfry/internal/engine/run"

// ended notes that nothing more is sent for the execution, and returns the one
// that waited for it. Call with Job.Mu held.
func (rn *runner) ended(r *run.Run) []*run.Run {
	r.SetState(run.StateEnded)
	if r.Entered {
		r.Job.Busy--
	}
	return rn.nextWaiting(r.Job)
}

// nextWaiting returns the fire that the overlap policy kept back, when the job
// is free. At a stop it stays: nothing of it was sent. Call with Job.Mu held.
func (rn *runner) nextWaiting(j *run.Job) []*run.Run {
	if rn.stopping.Load() {
		return nil
	}
	if j.Busy > 0 {
		return nil
	}
	defer j.FreeBacklog()
	a := j.ReadBacklog()
	if len(a.Resumed) > 0 {
		r := a.Resumed[0]
		a.Resumed = a.Resumed[1:]
		j.Enter(r)
		if r.RetryAt > rn.now() {
			r.SetState(run.StateAwaitRetry)
			r.Lane = run.LaneLive
			rn.retries.Add(r)
			return nil
		}
		return []*run.Run{r}
	}
	for len(a.Waiting) > 0 {
		s := a.Waiting[0]
		r := rn.popSpan(s)
		if s.Next == run.Never {
			a.Waiting = a.Waiting[1:]
		}
		if r != nil {
			j.Enter(r)
			return []*run.Run{r}
		}
	}
	return nil
}

// keepWaiting gives a late span to a job that runs one execution at a time.
func (rn *runner) keepWaiting(s *run.Span) {
	j := s.Job
	j.Mu.Lock()
	if j.KeepWaiting(s) {
		s.Hold.Release()
		rn.trim(j.LastWaiting(), 0)
	}
	next := rn.nextWaiting(j)
	j.Mu.Unlock()
	rn.dispatch(next)
}

// withdraw drops an execution that was entered and is another one's already.
func withdraw(rn *runner, r *run.Run) {
	r.Job.Mu.Lock()
	next := rn.ended(r)
	r.Job.Leave(r)
	r.Job.Mu.Unlock()
	rn.dispatch(next)
}
