package run

import (
	"sync/atomic"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/lock"
)

// Job is a job as the engine needs it. A job is in the timetable at most once
// per second, at next. There are millions: what only few have at a time is
// in the backlog, and the sizes of job and version are held by a test.
type Job struct {
	ID        domain.JobID
	CreatedAt int64

	// Under the lock of the registry.
	Current *Version
	Next    int64 // the next fire that is not staged; never: none

	stop atomic.Pointer[stop]

	Mu      lock.Job
	Live    *Run  // executions that have not ended, newest first
	Busy    int32 // how many those are
	Shard   uint8 // that the job belongs to; never changes
	backlog *Backlog
}

// NewJob makes a job of a shard without a version.
func NewJob(id domain.JobID, createdAt int64, shard uint8) *Job {
	return &Job{ID: id, CreatedAt: createdAt, Next: Never, Shard: shard}
}

// Enter adds an execution to the job's live ones. It counts as running.
func (j *Job) Enter(r *Run) {
	r.Entered = true
	r.JobNext, r.jobPrev = j.Live, nil
	if j.Live != nil {
		j.Live.jobPrev = r
	}
	j.Live = r
	j.Busy++
}

// Has reports whether an execution has not ended. Call with Mu held.
func (j *Job) Has(key domain.FireKey) bool {
	for r := j.Live; r != nil; r = r.JobNext {
		if r.Key() == key {
			return true
		}
	}
	return false
}

// Leave removes an execution from the live ones, once its end is on record.
func (j *Job) Leave(r *Run) {
	if !r.Entered {
		return
	}
	r.Entered = false
	if r.jobPrev != nil {
		r.jobPrev.JobNext = r.JobNext
	} else {
		j.Live = r.JobNext
	}
	if r.JobNext != nil {
		r.JobNext.jobPrev = r.jobPrev
	}
	r.JobNext, r.jobPrev = nil, nil
}

// Crowded reports whether as many fires of the job as it wants to catch up on
// have not ended. queued is the length of the queue that a further one would
// join: a short one cannot hold so many, and is not worth a lock.
func (j *Job) Crowded(v *Version, queued int) bool {
	misfire := v.Plan.Value().Misfire
	if queued < misfire.MaxRuns {
		return false
	}
	j.Mu.Lock()
	defer j.Mu.Unlock()
	return Crowded(misfire, int(j.Busy))
}

// TakeOver enters a recovered fire, or keeps it until the job is free where its
// executions must not overlap.
func (j *Job) TakeOver(r *Run) bool {
	j.Mu.Lock()
	defer j.Mu.Unlock()
	return j.takeOver(r)
}

func (j *Job) takeOver(r *Run) bool {
	if j.Busy > 0 && r.Scheduled() && r.Ver.Plan.Value().Overlap != domain.OverlapAllow {
		a := j.OpenBacklog()
		a.Resumed = append(a.Resumed, r)
		return false
	}
	j.Enter(r)
	return true
}

// PauseEnded reports whether the job was paused until an instant that has come. Call with the lock of the registry
// held, or where its edits wait.
func (j *Job) PauseEnded(now int64) bool {
	return !j.Current.Active && j.Current.ActiveFrom() <= now
}

// Follow makes ver the job's current version. What an inactive one stops is
// stopped: see editor.applyEdit.
func (j *Job) Follow(v *domain.Version, ver *Version) {
	j.Current = ver
	if !v.Active {
		j.StopBefore(v.EffectiveFrom, StoppedByPause)
	}
}
