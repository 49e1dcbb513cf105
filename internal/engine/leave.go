package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/engine/dispatch"
	"github.com/belfry-scheduler/belfry/internal/engine/record"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// drop drops the jobs of shards that are being left. What was not sent is the next owner's,
// who computes it again, and gets no record here; what has an open run is given up. Calls in
// flight end, and their results are recorded. It returns the jobs.
func (o *owner) drop(numbers []int) []*run.Job {
	leaving := make(map[uint8]bool, len(numbers))
	for _, n := range numbers {
		leaving[uint8(n)] = true //nolint:gosec // at most hold.MaxShards
	}
	jobs, held := o.lose(leaving)
	jobs = append(jobs, o.loseDeleted(leaving)...)
	lost := func(r *run.Run) bool { return leaving[r.Job.Shard] && r.Job.Lost() }
	kept, staged := split(held, func(r *run.Run) bool { return r.Entered || r.OpenOnRecord })
	o.runner.release(staged)
	for _, r := range o.runner.away.take(lost) {
		endAway(o.runner, r)
	}
	dropLost(o.runner, append(kept, o.runner.retries.Take(lost)...))
	dropLost(o.runner, dispatch.Remove(o.runner.dispatcher, lost))
	o.shards.Dropped(numbers)
	return jobs
}

// loseDeleted loses jobs that the registry has no more, and whose executions have not ended.
func (o *owner) loseDeleted(leaving map[uint8]bool) (jobs []*run.Job) {
	for _, find := range placesOf(o.runner) {
		find(func(r *run.Run) bool { // which matches none, so that all are looked at
			if leaving[r.Job.Shard] && !r.Job.Lost() {
				r.Job.Lose()
				jobs = append(jobs, r.Job)
			}
			return false
		})
	}
	return jobs
}

// lose takes the jobs of shards out of the registry and the timetable. It returns them, and
// the runs that they had kept back. It takes the lock for some jobs at a time: fires of other shards
// wait for it. No job is added to a shard that is being left.
func (o *owner) lose(leaving map[uint8]bool) (jobs []*run.Job, held []*run.Run) {
	reg := o.registry
	reg.mu.Lock()
	pieces := reg.jobs.Pieces()
	reg.mu.Unlock()
	for n := range leaving {
		for piece := range pieces {
			reg.mu.Lock()
			lost := reg.jobs.Piece(int(n), piece)
			for _, j := range lost {
				held = append(held, reg.lose(j)...)
			}
			reg.mu.Unlock()
			jobs = append(jobs, lost...)
		}
	}
	return jobs, held
}

// lose takes a job out whose shard is being left, and returns the runs that it had kept back. Call with
// the lock of the registry held.
func (reg *registry) lose(j *run.Job) (held []*run.Run) {
	j.Lose()
	j.Next = run.Never
	reg.jobs.Remove(j.ID)
	reg.countActive(j.Current, nil)
	delete(reg.unusable, j.ID)
	j.Mu.Lock()
	defer j.Mu.Unlock()
	a := j.OpenBacklog()
	held = slices.Concat(a.AwaitEdit, a.Resumed)
	for _, s := range a.Waiting {
		s.Discard()
	}
	a.AwaitEdit, a.Resumed, a.Waiting = nil, nil, nil
	j.FreeBacklog()
	return held
}

// releaseWait is how long calls in flight of a shard that is released may take to end before
// they get open runs: the shard has no owner meanwhile.
const releaseWait = time.Second

// release hands shards over: nothing new is sent, calls in flight end or get open runs, and
// everything is on record. Then the shards are free, and their next owners find nothing
// uncertain. After an error they are not free; the leases end by themselves.
func (o *owner) release(ctx context.Context, numbers []int) error {
	if err := o.moving.take(ctx); err != nil {
		return fmt.Errorf("shards %v are not released: %w", numbers, err)
	}
	defer o.moving.end()
	o.registry.mu.Lock()
	numbers = o.shards.Leave(numbers)
	beats := make([]store.Beat, len(numbers))
	for i, n := range numbers {
		beats[i] = o.shards.Last(n)
	}
	o.registry.mu.Unlock()
	if len(numbers) == 0 {
		return nil
	}
	jobs := o.drop(numbers)
	end := o.clock.Mark()
	opened := make(map[*run.Run]bool)
	for jobs = notHandedOver(jobs, opened); len(jobs) > 0; jobs = notHandedOver(jobs, opened) {
		if o.clock.Elapsed(end) >= releaseWait {
			o.openCalls(jobs, opened)
		}
		if !clock.Wait(ctx, 2*time.Millisecond) {
			return fmt.Errorf("shards %v are not released: %w", numbers, ctx.Err())
		}
	}
	if err := o.flush(ctx); err != nil {
		return err
	}
	return o.shards.Release(ctx, beats)
}

// notHandedOver returns, of jobs that were dropped, those that have an execution that is neither on record
// nor a call in flight that was given an open run.
func notHandedOver(jobs []*run.Job, opened map[*run.Run]bool) []*run.Job {
	return slices.DeleteFunc(jobs, func(j *run.Job) bool {
		j.Mu.Lock()
		defer j.Mu.Unlock()
		for r := j.Live; r != nil; r = r.JobNext {
			if !opened[r] || r.State != run.StateCalling {
				return false
			}
		}
		return true
	})
}

// openCalls gives open runs to the calls in flight of jobs that were dropped.
func (o *owner) openCalls(jobs []*run.Job, opened map[*run.Run]bool) {
	mine := make(map[*run.Job]bool, len(jobs))
	for _, j := range jobs {
		mine[j] = true
	}
	now := o.now()
	o.runner.dispatcher.InFlight(func(r *run.Run) {
		if mine[r.Job] && !opened[r] {
			opened[r] = true
			o.runner.openCall(r, now)
		}
	})
}

// flush waits until everything that the recorder was given is on record.
func (o *owner) flush(ctx context.Context) error {
	done := make(chan struct{})
	o.runner.recorder.AddNow(record.Entry{Done: func() { close(done) }})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
