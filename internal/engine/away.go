package engine

import (
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/lock"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// away are the runs of this engine's jobs that are carried out elsewhere: see adopter. Their
// states say until when they are: a run that has another one belongs to whoever set it.
type away struct {
	mu    lock.Leaf
	runs  map[domain.FireKey]run.Elsewhere
	order []domain.FireKey // in which they are looked at; some of them may be gone
}

func newAway() *away { return &away{runs: make(map[domain.FireKey]run.Elsewhere)} }

func (a *away) add(runs []run.Elsewhere) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range runs {
		a.runs[e.Key()] = e
		a.order = append(a.order, e.Key())
	}
}

// next returns runs, at most so many, those that it has not returned for the longest time.
func (a *away) next(most int) (runs []run.Elsewhere) {
	a.mu.Lock()
	defer a.mu.Unlock()
	looked, seen := 0, make(map[domain.FireKey]bool)
	for _, key := range a.order {
		if len(runs) == most {
			break
		}
		looked++
		if e, there := a.runs[key]; there && !seen[key] {
			runs = append(runs, e)
			seen[key] = true
		}
	}
	a.order = append(a.order[:0], a.order[looked:]...)
	for i := range runs {
		a.order = append(a.order, runs[i].Key())
	}
	return runs
}

// moved notes that the open run of a run has another runner.
func (a *away) moved(r *run.Run, runner int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e, there := a.runs[r.Key()]; there && e.Run == r {
		a.runs[r.Key()] = run.Elsewhere{Run: r, Runner: runner}
	}
}

// remove forgets a run that has ended, or that somebody else can be asked for.
func (a *away) remove(r *run.Run) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.runs[r.Key()].Run == r {
		delete(a.runs, r.Key())
	}
}

// take removes and returns the runs that match.
func (a *away) take(match func(*run.Run) bool) (out []*run.Run) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, e := range a.runs {
		if match(e.Run) {
			out = append(out, e.Run)
			delete(a.runs, key)
		}
	}
	return out
}

// find returns the first run that matches, or nil.
func (a *away) find(match func(*run.Run) bool) *run.Run {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.runs {
		if match(e.Run) {
			return e.Run
		}
	}
	return nil
}

func (a *away) len() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.runs)
}

// endAway ends a run that was carried out elsewhere, or whose job was lost: its job is free.
func endAway(rn *runner, r *run.Run) {
	var next []*run.Run
	r.Job.Mu.Lock()
	if r.State == run.StateElsewhere {
		next = rn.ended(r)
		r.Job.Leave(r)
	}
	r.Job.Mu.Unlock()
	rn.away.remove(r)
	rn.dispatch(next)
}
