package recovery

import (
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/engine/zones"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// recovery is the state of one recovery.
type recovery struct {
	Config
	gaps []*gap // by shard; nil: it is not recovered

	facts  map[domain.FireKey]struct{} // of one piece of the gap
	ranges map[domain.JobID][]store.FactRange
	runs   map[domain.JobID][]domain.OpenRun
	opened map[domain.FireKey]struct{}

	mending *mending
	zones   *zones.Change

	reading *run.Job // the job whose versions are being read
	walks   []walk
	resumed []resumption
	batch   store.Batch
	result  Result
}

// gapOf returns the gap of the shard that the job belongs to; nil: that is not
// recovered.
func (rc *recovery) gapOf(id domain.JobID) *gap { return rc.gaps[rc.Shards.Number(id)] }

func (rc *recovery) newJob(id domain.JobID, createdAt int64) *run.Job {
	return run.NewJob(id, createdAt, rc.Shards.Number(id))
}

// resumption is an open run with what it belongs to.
type resumption struct {
	open domain.OpenRun
	job  *run.Job
	ver  *run.Version
}

// addUncertain treats a fire that may have been sent like an open run whose
// request was in flight.
func (rc *recovery) addUncertain(j *run.Job, v *run.Version, key domain.FireKey) {
	open := domain.OpenRun{FireKey: key, Version: int(v.Number), NextAt: key.ScheduledAt, InFlight: true,
		CreatedAt: rc.Now}
	rc.resumed = append(rc.resumed, resumption{open, j, v})
}
