package run

import "slices"

// Backlog is what few jobs have at a time. Under Job.Mu.
type Backlog struct {
	// EditFrom is set while an edit commits: no fire at or after it is sent
	// until the outcome is known. Never: no edit is under way.
	EditFrom  int64
	AwaitEdit []*Run  // kept back by EditFrom
	Resumed   []*Run  // overlap SKIP and QUEUE: recovered fires that wait their turn
	Waiting   []*Span // overlap QUEUE: fires that wait for the running one
}

// noBacklog is the backlog of a job that has none. It is only read.
var noBacklog = &Backlog{EditFrom: Never}

// ReadBacklog returns the job's backlog, to be read. Call with Job.Mu held.
func (j *Job) ReadBacklog() *Backlog {
	if j.backlog == nil {
		return noBacklog
	}
	return j.backlog
}

// OpenBacklog returns the job's backlog, to be changed. Call with Job.Mu
// held, and FreeBacklog once something may have become empty.
func (j *Job) OpenBacklog() *Backlog {
	if j.backlog == nil {
		j.backlog = &Backlog{EditFrom: Never}
	}
	return j.backlog
}

// FreeBacklog frees the memory of a backlog that has become empty.
func (j *Job) FreeBacklog() {
	if a := j.backlog; a != nil && a.EditFrom == Never && len(a.AwaitEdit)+len(a.Resumed)+len(a.Waiting) == 0 {
		j.backlog = nil
	}
}

// KeepWaiting keeps a span until the running execution has ended, in the order of the
// fires: one that was recovered may come after one on time. Where it goes on
// the last one, that one grows, and merged is true.
func (j *Job) KeepWaiting(s *Span) (merged bool) {
	a := j.OpenBacklog()
	if n := len(a.Waiting); n > 0 && s.Next == s.Last && a.Waiting[n-1].Extend(s.Ver, s.Next) {
		return true
	}
	i := len(a.Waiting)
	for i > 0 && a.Waiting[i-1].Next > s.Next {
		i--
	}
	a.Waiting = slices.Insert(a.Waiting, i, s)
	return false
}

// LastWaiting returns the last span that waits. Call with Job.Mu held.
func (j *Job) LastWaiting() *Span {
	w := j.ReadBacklog().Waiting
	return w[len(w)-1]
}
