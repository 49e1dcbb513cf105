package engine

import (
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/due"
	"github.com/belfry-scheduler/belfry/internal/engine/lock"
	"github.com/belfry-scheduler/belfry/internal/engine/recovery"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// registry knows every job, and when each fires next.
type registry struct {
	clock  clock.Clock
	shards *shard.Set

	mu            lock.Registry // what follows, run.Job.Current and Next, and what the shard has proposed
	jobs          run.JobIndex
	active        int
	unusable      map[domain.JobID]recovery.Unusable // jobs that cannot be run
	unusableOrder []domain.JobID                     // in which they were set aside; they may be mended since
	table         *due.Timetable
	placed        bool // the timetable has begun
}

func newRegistry(c clock.Clock, shards *shard.Set) *registry {
	table := due.NewTimetable(shards.Holds)
	return &registry{
		clock: c, shards: shards, jobs: run.NewJobIndex(len(shards.All())),
		unusable: make(map[domain.JobID]recovery.Unusable), table: table,
	}
}

func (reg *registry) now() int64 { return clock.NowMs(reg.clock) }

// lookup returns a job that is not deleted. A StaleError says that another process knows it:
// its shard is not active here.
func (reg *registry) lookup(id domain.JobID) (*run.Job, error) {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	if j := reg.jobs.Get(id); j != nil {
		return j, nil
	}
	if n := reg.shards.Number(id); reg.shards.At(n).Phase() != shard.Active {
		return nil, store.Stale(int(n))
	}
	return nil, domain.NotFound("job", id)
}

func (reg *registry) countActive(old, now *run.Version) {
	if old != nil && old.Active {
		reg.active--
	}
	if now != nil && now.Active {
		reg.active++
	}
}

// nextFire returns the job's next scheduled instant after now, in Unix
// milliseconds.
func (reg *registry) nextFire(id domain.JobID) (int64, bool) {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	j := reg.jobs.Get(id)
	if j == nil {
		return 0, false
	}
	at := j.Current.NextAfter(j, reg.now())
	return at, at != run.Never
}

// upcoming looks for next fires, a step at a time.
func (reg *registry) upcoming(u *due.Upcoming) (more bool) {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	return u.Step(reg.table)
}

// firedAgo reports whether the job's current version has had a fire so long ago, or longer.
func (reg *registry) firedAgo(id domain.JobID, ago time.Duration) bool {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	j := reg.jobs.Get(id)
	if j == nil {
		return false
	}
	_, fired := j.Current.Timing(j).Prev(reg.now() - ago.Milliseconds() + 1)
	return fired
}

// count returns how many jobs there are and how many of them are active.
func (reg *registry) count() (total, active int) {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	return reg.jobs.Len(), reg.active
}

// setAside notes a job that cannot be run.
func (reg *registry) setAside(a store.Aside, reason error) {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	if _, known := reg.unusable[a.JobID]; !known {
		reg.unusableOrder = append(reg.unusableOrder, a.JobID)
	}
	reg.unusable[a.JobID] = recovery.Unusable{Aside: a, Reason: reason}
}

// unusableError refuses what a job that is set aside cannot do. Call with the
// lock of the registry held.
func (reg *registry) unusableError(id domain.JobID) error {
	if a, found := reg.unusable[id]; found {
		return domain.Conflict("the job cannot be run: %s. Change it, or delete it", domain.FaultText(a.Reason))
	}
	return nil
}
