package recovery

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/engine/zones"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Config is what a recovery works with.
type Config struct {
	Store  store.Store
	Log    *slog.Logger
	Shards *shard.Set
	Zones  *zones.Rules
	Now    int64                   // Unix milliseconds
	Piece  int                     // facts that are held at a time; zero: DefaultPiece
	Reset  bool                    // the operator wants to start now, whatever is on record after it
	Count  func(*domain.Execution) // is given each fact that the recovery has put on record

	// Alive reports whether another process may carry an open run out; nil: no other process
	// has the database. See engine.Config.
	Alive func(runner int64) bool
}

// Result is what a recovery has found. Its decisions are on record.
type Result struct {
	Jobs     run.JobIndex // each with its next fire after the gap
	Active   int          // how many of the jobs are active
	Unusable []Unusable
	Resend   []*run.Run  // with an open run: to be sent again at RetryAt
	Late     []*run.Span // never sent, without holds
	Ending   []Ending    // in the order of their versions
	Deleted  []*run.Job  // jobs that had fires after the watermarks

	Elsewhere []run.Elsewhere // they have entered their jobs
	Resumed   int             // open runs and uncertain fires
	Clean     bool            // every last owner stopped in good order
	GapMs     int64           // the longest time from a watermark to where the timetable takes over
}

// Ending is a version that ends after the gap: of a job that has the next one already, or was
// deleted. The timetable does not know its fires until then.
type Ending struct {
	Job *run.Job
	Ver *run.Version
}

// recovery is the state of one recovery.
type recovery struct {
	Config
	gaps []*gap         // by shard; nil: it is not recovered
	of   store.ShardSet // that are recovered

	facts  map[domain.FireKey]struct{} // of one piece of the gap
	ranges map[domain.JobID][]store.FactRange
	runs   map[domain.JobID][]domain.OpenRun
	opened map[domain.FireKey]struct{}

	mending *mending
	zones   *zones.Change

	reading *run.Job // the job whose versions are being read
	walks   []walk
	resumed []resumption
	decided Decisions
	result  Result
}

// resumption is an open run with what it belongs to.
type resumption struct {
	open      domain.OpenRun
	job       *run.Job
	ver       *run.Version
	uncertain bool // there is none on record
}

// Run recovers shards that were claimed. What it decides is on record when it
// returns; what is left to do is in the result. until says, by shard, after which
// instant the timetable takes over.
func Run(ctx context.Context, c Config, claimed []store.Shard) (result *Result, until map[int]int64, err error) {
	rc := newRecovery(c, claimed)
	for _, step := range []func(context.Context) error{
		rc.readRuns, rc.mending.readStored, rc.readRanges, rc.readZones, rc.readTimeline, rc.keepZones,
		rc.mending.decideStored, rc.readFacts, rc.resume, rc.decided.Flush, rc.mending.endAsides,
	} {
		if err := step(ctx); err != nil {
			return nil, nil, fmt.Errorf("recovery: %w", err)
		}
	}
	until = make(map[int]int64)
	rc.result.Clean = true
	for _, g := range rc.gaps {
		if g != nil {
			until[g.number] = g.until
			rc.result.GapMs = max(rc.result.GapMs, g.until-g.watermark)
			rc.result.Clean = rc.result.Clean && g.clean
		}
	}
	rc.result.Resumed = len(rc.resumed)
	return &rc.result, until, nil
}

func newRecovery(c Config, claimed []store.Shard) *recovery {
	if c.Piece == 0 {
		c.Piece = DefaultPiece
	}
	rc := &recovery{
		Config: c, gaps: make([]*gap, len(c.Shards.All())),
		facts:  make(map[domain.FireKey]struct{}),
		ranges: make(map[domain.JobID][]store.FactRange),
		runs:   make(map[domain.JobID][]domain.OpenRun),
		opened: make(map[domain.FireKey]struct{}),
	}
	rc.mending, rc.result.Jobs = &mending{recovery: rc}, run.NewJobIndex(len(rc.gaps))
	rc.decided = Decisions{Ledger: c.Store.Ledger(), Node: c.Shards.Node, Count: c.Count}
	numbers := make([]int, len(claimed))
	for i := range claimed {
		numbers[i] = claimed[i].Number
		rc.gaps[claimed[i].Number] = newGap(&claimed[i], c.Now)
		rc.decided.Fences = append(rc.decided.Fences, store.Fence{Number: claimed[i].Number, Lease: claimed[i].Lease})
	}
	rc.of = store.OnlyShards(numbers...)
	if len(numbers) == len(rc.gaps) {
		rc.of = store.ShardSet{} // a store need not compare
	}
	return rc
}

func (rc *recovery) readZones(ctx context.Context) (err error) {
	after := rc.Now
	for _, g := range rc.gaps {
		if g != nil {
			after = max(after, g.bound())
		}
	}
	rc.zones, err = zones.ReadChange(ctx, rc.Zones, rc.Log, after)
	return err
}

func (rc *recovery) keepZones(ctx context.Context) error { return rc.zones.KeepFresh(ctx) }

func (rc *recovery) readRuns(ctx context.Context) error {
	return rc.Store.Ledger().OpenRuns(ctx, rc.of, func(open domain.OpenRun) error {
		g := rc.gapOf(open.JobID)
		rc.runs[open.JobID] = append(rc.runs[open.JobID], open)
		rc.opened[open.FireKey] = struct{}{}
		if open.Nonce == 0 {
			g.lastFact = max(g.lastFact, open.ScheduledAt)
		}
		return nil
	})
}

// readTimeline loads every job, and notes which versions have fires in the gap.
func (rc *recovery) readTimeline(ctx context.Context) error {
	err := rc.Store.Jobs().Timeline(ctx, rc.of, rc.leastWatermark(), store.WholeVersions,
		func(v domain.Version) error { return rc.addVersion(&v) })
	rc.closeJob()
	return err
}

// addVersion takes the next version of the timeline: the versions of a job
// come together, oldest first.
func (rc *recovery) addVersion(v *domain.Version) error {
	ver, err := run.NewVersion(v)
	if err != nil {
		ver = rc.mending.setAside(v, err)
	}
	if rc.reading == nil || rc.reading.ID != v.JobID {
		rc.closeJob()
		rc.reading = rc.newJob(v.JobID, v.CreatedAt)
	}
	rc.reading.Follow(v, ver)
	rc.addWalk(rc.reading, ver)
	if err == nil {
		rc.zones.NoteZone(ver)
		rc.matchRuns(rc.reading, ver)
		if v.EffectiveTo != domain.Forever && v.EffectiveTo > rc.Now {
			rc.result.Ending = append(rc.result.Ending, Ending{rc.reading, ver})
		}
	}
	return nil
}

// closeJob keeps the job whose versions were read, if it is not deleted.
func (rc *recovery) closeJob() {
	j := rc.reading
	if j == nil {
		return
	}
	rc.reading = nil
	if to := j.Current.To.Load(); to != domain.Forever {
		j.StopBefore(to, run.StoppedByDelete)
		rc.result.Deleted = append(rc.result.Deleted, j)
		return
	}
	rc.result.Jobs.Put(j)
	if j.Current.Active {
		rc.result.Active++
	}
}

func (rc *recovery) matchRuns(j *run.Job, v *run.Version) {
	runs := rc.runs[j.ID]
	kept := runs[:0]
	for _, open := range runs {
		if open.Version == int(v.Number) {
			rc.resumed = append(rc.resumed, resumption{open: open, job: j, ver: v})
		} else {
			kept = append(kept, open)
		}
	}
	rc.runs[j.ID] = kept
}

// resume decides what every open run and every uncertain fire becomes.
func (rc *recovery) resume(ctx context.Context) error {
	for id, runs := range rc.runs {
		if len(runs) > 0 {
			if err := rc.matchOld(ctx, id, runs); err != nil {
				return err
			}
		}
	}
	for _, res := range rc.resumed {
		rc.resumeOne(res)
	}
	return nil
}

// matchOld finds the versions of open runs that ended before W.
func (rc *recovery) matchOld(ctx context.Context, id domain.JobID, runs []domain.OpenRun) error {
	versions, err := rc.Store.Jobs().Versions(ctx, id, store.WholeVersions)
	if err != nil {
		return err
	}
	j := rc.result.Jobs.Get(id)
	for i := range versions {
		v := &versions[i]
		ver, broken := run.NewVersion(v)
		if broken != nil {
			ver = run.Placeholder(v)
		}
		if j == nil {
			j = rc.newJob(id, v.CreatedAt)
		}
		if !v.Active { // a pause holds for what came before it, though W is past it
			j.StopBefore(v.EffectiveFrom, run.StoppedByPause)
		}
		if rc.result.Jobs.Get(id) == nil {
			j.Follow(v, ver)
			if i == len(versions)-1 {
				j.StopBefore(v.EffectiveTo, run.StoppedByDelete)
			}
		}
		for _, open := range runs {
			switch {
			case open.Version != v.Number:
			case broken != nil && rc.elsewhere(&open): // the next owner decides about it, if nobody ends it
			case broken != nil:
				rc.decided.Add(run.EndBroken(&open, rc.Now, broken), open.Runner)
			default:
				rc.resumed = append(rc.resumed, resumption{open: open, job: j, ver: ver})
			}
		}
	}
	return nil
}

func (rc *recovery) resumeOne(res resumption) {
	open, g := res.open, rc.gaps[res.job.Shard]
	found, loss := run.DecideElsewhere(rc.look(&open))
	switch {
	case res.uncertain:
		loss = run.LossCrash
	case found == run.FoundRunning:
		rc.result.Elsewhere = append(rc.result.Elsewhere, run.NewElsewhere(res.job, res.ver, &open))
		return
	}
	// A retry that was due when the last owner was alive may be under way. One
	// that was recovered before is marked before it is sent: see runner.mark. Where several processes
	// share the database, one that stops in good order gives up what it does not have in flight.
	ended := g.clean && (rc.Alive == nil || open.Runner == 0)
	open.InFlight = open.InFlight || (!ended && open.Crashes == 0 && open.NextAt <= g.horizon)
	r, what := run.Resume(res.job, res.ver, &open, loss, rc.Now)
	if what.Status != domain.StatusPending {
		rc.decided.Add(r.Result(what.Status, rc.Now, what.Reason), open.Runner)
		return
	}
	rc.decided.Take(r, &open, rc.Now)
	rc.result.Resend = append(rc.result.Resend, r)
}
