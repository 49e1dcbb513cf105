package engine

import (
	"context"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// beginCreate begins the creation of jobs: it says from when on they are valid, and
// which of them cannot be run.
func (e *editor) beginCreate(ctx context.Context, versions []domain.Version) (faults []error, fences []store.Fence,
	end Ended) {
	ids := make([]domain.JobID, len(versions))
	for i := range versions {
		ids[i] = versions[i].JobID
	}
	from, fences, release := e.effectiveNew(ids)
	faults = make([]error, len(versions))
	jobs := make([]*run.Job, 0, len(versions))
	for i := range versions {
		e.pace.Step(i) // an import lets fires pass
		v := &versions[i]
		v.EffectiveFrom = from
		if faults[i] = v.Validate(); faults[i] != nil {
			continue
		}
		ver, err := run.NewVersion(v)
		if err != nil {
			faults[i] = err
			continue
		}
		if n := e.shards.Number(v.JobID); !e.owns(n, fences) { // but it can be run
			faults[i] = store.Stale(int(n))
			continue
		}
		j := run.NewJob(v.JobID, v.CreatedAt, e.shards.Number(v.JobID))
		j.Current = ver
		jobs = append(jobs, j)
	}
	if err := e.zones.KeepOfJobs(ctx, jobs); err != nil {
		jobs = nil
		for i := range faults {
			if faults[i] == nil {
				faults[i] = err
			}
		}
	}
	return faults, fences, func(stored bool) func(context.Context) error {
		if stored {
			e.install(jobs, fences)
		}
		release()
		return nil
	}
}

// installPart is how many new jobs are put into the timetable at a time: fires
// that are due wait for its lock.
const installPart = 128

// install puts new jobs into the timetable. Under leases that were lost since, the next owner
// has them.
func (e *editor) install(jobs []*run.Job, fences []store.Fence) {
	for i, j := range jobs { // nobody else knows them yet
		e.pace.Step(i)
		j.Next = j.Current.NextAfter(j, j.Current.From-1)
	}
	for part := range slices.Chunk(jobs, installPart) {
		e.registry.mu.Lock()
		for _, j := range part {
			if !e.owns(j.Shard, fences) {
				j.Lose()
				continue
			}
			e.registry.jobs.Put(j)
			e.registry.countActive(nil, j.Current)
			e.registry.table.Place(j)
		}
		e.registry.mu.Unlock()
	}
	e.loop.nudge()
}

// beginUpdate begins a change of a job: it says from when on the version is valid, and whether it can be run. A job
// whose pause has ended may be active although it never fires any more, as one that was not paused is then.
func (e *editor) beginUpdate(ctx context.Context, next *domain.Version) (fences []store.Fence, end Ended, err error) {
	next.EffectiveFrom = e.now()
	j, gone := e.find(next.JobID, next.Number-1)
	if gone != nil && store.StaleShards(gone) == nil {
		return nil, nil, gone
	}
	validate := (*domain.Version).Validate
	if gone == nil && j.PauseEnded(e.now()) {
		validate = (*domain.Version).ValidateFields
	}
	if err := validate(next); err != nil {
		return nil, nil, err
	}
	ver, err := run.NewVersion(next)
	if err != nil {
		return nil, nil, err
	}
	if gone != nil {
		return nil, nil, gone // but it can be run
	}
	if err := e.zones.KeepOf(ctx, ver); err != nil {
		return nil, nil, err
	}
	from, fences, release := e.effective(j)
	next.EffectiveFrom, ver.From = from, from
	return fences, e.follow(j, ver, from, run.StoppedByPause, release), nil
}

// find returns a job whose current version is number. A StaleError says that this process does
// not own it, or has not loaded a change that was made without it: the next one must not begin
// before that.
func (e *editor) find(id domain.JobID, number int) (*run.Job, error) {
	j, err := e.lookup(id)
	if err != nil || !e.shared {
		return j, err
	}
	e.registry.mu.Lock()
	defer e.registry.mu.Unlock()
	if int(j.Current.Number) < number {
		return nil, store.Stale(int(j.Shard))
	}
	return j, nil
}

// lookup returns a job that is not deleted, as far as this process knows. A StaleError says that
// it may be there: another process owns it, or has just made it.
func (e *editor) lookup(id domain.JobID) (*run.Job, error) {
	j, err := e.registry.lookup(id)
	if e.shared && domain.ErrorCode(err) == domain.CodeNotFound {
		return nil, store.Stale(int(e.shards.Number(id)))
	}
	return j, err
}

// beginDelete begins the end of a job.
func (e *editor) beginDelete(id domain.JobID, number int) (from int64, fences []store.Fence, end Ended, err error) {
	j, err := e.find(id, number)
	if err != nil {
		return 0, nil, nil, err
	}
	from, fences, release := e.effective(j)
	return from, fences, e.follow(j, nil, from, run.StoppedByDelete, release), nil
}

// follow returns what makes the fires of a job follow a change, or not.
func (e *editor) follow(j *run.Job, next *run.Version, from int64, stopReason string, release func()) Ended {
	return func(stored bool) (rest func(context.Context) error) {
		defer release()
		if !stored {
			e.applyEdit(j, nil, 0, "")
			return nil
		}
		e.applyEdit(j, next, from, stopReason)
		return e.endUnusable(j)
	}
}

// applyEdit makes an edit valid from the instant and ends the hold on the job's fires.
// With from zero the edit did not happen. next nil deletes the job.
func (e *editor) applyEdit(j *run.Job, next *run.Version, from int64, stopReason string) {
	var late []*run.Span
	e.registry.mu.Lock()
	if from != 0 && !j.Lost() {
		old := j.Current
		old.To.Store(from)
		late = e.registry.table.FinishVersion(j, from, e.now())
		if next == nil || !next.Active {
			j.StopBefore(from, stopReason)
		}
		j.Next = run.Never
		e.registry.countActive(old, next)
		if next != nil {
			j.Current = next
			j.Next = next.NextAfter(j, from-1)
			e.registry.table.Place(j)
		} else {
			e.registry.jobs.Remove(j.ID)
		}
	}
	j.Mu.Lock()
	a := j.OpenBacklog()
	held := a.AwaitEdit
	a.EditFrom, a.AwaitEdit = run.Never, nil
	j.FreeBacklog()
	j.Mu.Unlock()
	e.registry.mu.Unlock()
	// Held fires come back through admission or the send rule, which drop
	// those that the edit has ended. So do retries of a job that was stopped.
	entered, staged := split(held, func(r *run.Run) bool { return r.Entered })
	e.runner.release(staged)
	e.runner.addLate(late)
	e.runner.dispatch(append(entered, e.runner.retries.Take(func(r *run.Run) bool {
		return r.Job == j && j.StopReason(r.At) != ""
	})...))
	e.loop.nudge()
}

// split parts the fires into those that match and the others.
func split(fires []*run.Run, match func(*run.Run) bool) (yes, no []*run.Run) {
	for _, r := range fires {
		if match(r) {
			yes = append(yes, r)
		} else {
			no = append(no, r)
		}
	}
	return yes, no
}
