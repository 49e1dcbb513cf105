package engine

import (
	"cmp"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// snapshot returns the fire as a record that has not ended. Call with job.mu
// held. An attempt that ended is RUNNING until its result is durable.
func (f *fire) snapshot() domain.Execution {
	x := domain.Execution{FireKey: f.key(), Version: int(f.ver.number), Status: domain.StatusPending, StartedAt: f.startedAt}
	if f.phase == phaseCalling || f.phase == phaseEnded {
		x.Status = domain.StatusRunning
	}
	if f.phase == phaseWaiting {
		x.NextAttemptAt = f.retryAt
	}
	if n := len(f.attempts); n > 0 {
		x.Attempts = slices.Clone(f.attempts)
		x.HTTPStatus, x.Error = f.attempts[n-1].HTTPStatus, f.attempts[n-1].Error
		x.RetryCount = n
		if x.Status == domain.StatusPending {
			x.RetryCount = n - 1
		}
	}
	return x
}

// LiveByJob returns the job's executions that have not ended, newest scheduled
// first, at most limit of them.
func (e *Engine) LiveByJob(id domain.JobID, limit int) []domain.Execution {
	j, err := e.lookup(id)
	if err != nil {
		return nil
	}
	j.mu.Lock()
	var out []domain.Execution
	for f := j.live; f != nil; f = f.jobNext {
		out = append(out, f.snapshot())
	}
	j.mu.Unlock()
	slices.SortFunc(out, func(a, b domain.Execution) int {
		return cmp.Or(cmp.Compare(b.ScheduledAt, a.ScheduledAt), cmp.Compare(b.Nonce, a.Nonce))
	})
	return out[:min(len(out), limit)]
}

// Live returns an execution that has not ended.
func (e *Engine) Live(id domain.ExecutionID) (domain.Execution, bool) {
	at := id.ScheduledAt()
	match := func(f *fire) bool { return f.at == at && f.key().ID() == id }
	// In the order in which a fire moves, each of which lets go of it only when the
	// next one has it, so that none is missed on its way.
	for _, find := range []func(func(*fire) bool) *fire{
		e.dispatcher.find, e.recorder.find, e.retries.find, e.dispatcher.find, e.recorder.find,
	} {
		f := find(match)
		if f == nil {
			continue
		}
		f.job.mu.Lock()
		x, live := f.snapshot(), f.entered
		f.job.mu.Unlock()
		if live { // and not one that was on record, or dropped, already
			return x, true
		}
	}
	return domain.Execution{}, false
}

// NextFire returns the job's next scheduled instant after now, in Unix
// milliseconds.
func (e *Engine) NextFire(id domain.JobID) (int64, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	j := e.jobs.get(id)
	if j == nil {
		return 0, false
	}
	at := j.current.nextAfter(j, e.now())
	return at, at != never
}

// Jobs returns how many jobs there are and how many of them are active.
func (e *Engine) Jobs() (total, active int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.jobs.n, e.active
}
