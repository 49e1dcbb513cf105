package engine

import (
	"cmp"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/dispatch"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// Jobs returns how many jobs there are and how many of them are active.
func (e *Engine) Jobs() (total, active int) { return e.registry.count() }

// LiveByJob returns the job's executions that have not ended, newest scheduled
// first, at most limit of them.
func (e *Engine) LiveByJob(id domain.JobID, limit int) []domain.Execution {
	j, err := e.registry.lookup(id)
	if err != nil {
		return nil
	}
	j.Mu.Lock()
	var out []domain.Execution
	for r := j.Live; r != nil; r = r.JobNext {
		out = append(out, r.Snapshot())
	}
	j.Mu.Unlock()
	slices.SortFunc(out, func(a, b domain.Execution) int {
		return cmp.Or(cmp.Compare(b.ScheduledAt, a.ScheduledAt), cmp.Compare(b.Nonce, a.Nonce))
	})
	return out[:min(len(out), limit)]
}

// Live returns an execution that has not ended.
func (e *Engine) Live(id domain.ExecutionID) (domain.Execution, bool) {
	at := id.ScheduledAt()
	match := func(r *run.Run) bool { return r.At == at && r.Key().ID() == id }
	for _, find := range placesOf(e.runner) {
		r := find(match)
		if r == nil {
			continue
		}
		r.Job.Mu.Lock()
		x, live := r.Snapshot(), r.Entered
		r.Job.Mu.Unlock()
		if live { // and not one that was on record, or dropped, already
			return x, true
		}
	}
	return domain.Execution{}, false
}

// LastFull returns when all calls that there may be were in flight for the last time, in Unix
// milliseconds; zero: never.
func (e *Engine) LastFull() int64 { return dispatch.LastFull(e.runner.dispatcher) }

// Hosts returns what each host is doing that is known.
func (e *Engine) Hosts() []dispatch.HostState { return e.runner.dispatcher.Hosts() }
