package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/record"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// recovery reads what the last owner left and decides what each fire of the
// gap becomes.
//
//	     W                    old H          now
//	─────┼──────────────────────┼─────────────┼──────────► scheduled at
//	     │ fact or open run: ok │             │
//	     │ neither: uncertain   │ never sent  │ timetable
//
// Uncertain fires may have been sent: at least once sends them again, at most
// once records UNKNOWN. Those that were never sent run late, as far as the
// misfire policy allows. After a stop in good order nothing is uncertain.
type recovery struct {
	e         *Engine
	now       int64
	watermark int64 // W
	certain   int64 // fires after it were never sent
	lastFact  int64 // the latest instant that is on record, or has an open run
	until     int64 // the timetable takes over after it
	clean     bool  // the last owner stopped in good order
	reset     bool  // the operator wants to start now, whatever is on record after it

	facts  map[domain.FireKey]struct{} // of one piece of the gap
	ranges map[domain.JobID][]store.FactRange
	runs   map[domain.JobID][]domain.OpenRun
	opened map[domain.FireKey]struct{}

	mending *mending

	zones *zoneChange

	reading *run.Job // the job whose versions are being read
	walks   []walk
	resumed []resumption
	spans   []*run.Span
	batch   store.Batch
	fires   []*run.Run // with an open run: to be sent again
}

// resumption is an open run with what it belongs to.
type resumption struct {
	open domain.OpenRun
	job  *run.Job
	ver  *run.Version
}

// recover claims the shard and rebuilds the engine's state from the store.
func (e *Engine) recover(ctx context.Context) error {
	shard, reset, err := e.claim(ctx)
	if err != nil {
		return err
	}
	e.registry.mu.Lock()
	e.shards.Claim([]store.Shard{shard})
	e.registry.mu.Unlock()
	rc := e.newRecovery(shard)
	rc.reset = reset
	for _, step := range []func(context.Context) error{
		rc.readRuns, rc.mending.readStored, rc.readRanges, rc.zones.readRules, rc.readTimeline, rc.zones.keepFresh,
		rc.mending.decideStored, rc.readFacts, rc.zones.tellMoved,
		rc.resume, rc.flush, rc.mending.endAsides,
	} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("recovery: %w", err)
		}
	}
	e.registry.mu.Lock()
	e.shards.Activate([]store.Shard{shard}, rc.until)
	e.registry.mu.Unlock()
	if err := e.keeper.beatOnce(ctx); err != nil {
		return fmt.Errorf("recovery: %w", err)
	}
	e.log.Info("recovered", "jobs", e.registry.jobs.Len(), "gap", time.Duration(rc.until-rc.watermark)*time.Millisecond,
		"open", len(rc.resumed), "late", len(rc.spans), "clean", rc.clean)
	rc.start()
	return nil
}

// claim takes the shard and refuses a watermark far in the future: a clock that
// was wrong once would otherwise keep every job silent until it is reached.
// reset says that the watermark was set back to now.
func (e *Engine) claim(ctx context.Context) (shard store.Shard, reset bool, err error) {
	claimed, err := e.store.Shards().Claim(ctx, e.shards.All())
	if err != nil {
		return shard, false, fmt.Errorf("recovery: %w", err)
	}
	shard = claimed[0]
	now := e.now()
	if shard.Watermark == 0 {
		shard.Watermark = now - 1 // a new database: nothing was due before now
	}
	if ahead := shard.Watermark - now; e.cfg.ResetWatermark && ahead > 0 {
		if err := e.store.Shards().ResetWatermark(ctx, now-1); err != nil {
			return shard, false, fmt.Errorf("recovery: %w", err)
		}
		shard.Watermark, shard.Horizon = now-1, now-1
		return shard, true, nil
	} else if ahead > futureW.Milliseconds() {
		return shard, false, fmt.Errorf("the record reaches %s into the future: the clock was wrong then or "+
			"is wrong now. "+
			"Set the clock right, or start with --reset-watermark to give up the fires in between",
			(time.Duration(ahead) * time.Millisecond).Round(time.Minute))
	}
	return shard, false, nil
}

func (e *Engine) newRecovery(shard store.Shard) *recovery {
	rc := &recovery{
		e: e, now: e.now(), watermark: shard.Watermark, certain: shard.Horizon, clean: shard.Clean,
		facts:  make(map[domain.FireKey]struct{}),
		ranges: make(map[domain.JobID][]store.FactRange),
		runs:   make(map[domain.JobID][]domain.OpenRun),
		opened: make(map[domain.FireKey]struct{}),
	}
	rc.zones, rc.mending = &zoneChange{recovery: rc}, &mending{recovery: rc}
	rc.until = max(rc.now, rc.watermark)
	if !rc.clean && rc.now < shard.Horizon-(horizon+time.Second).Milliseconds() {
		// The clock was set back: fires up to H had come due by the old one.
		rc.until = max(rc.until, shard.Horizon)
	}
	if rc.clean {
		rc.certain = shard.Watermark
	}
	return rc
}

func (rc *recovery) readRuns(ctx context.Context) error {
	return rc.e.store.Ledger().OpenRuns(ctx, func(open domain.OpenRun) error {
		rc.runs[open.JobID] = append(rc.runs[open.JobID], open)
		rc.opened[open.FireKey] = struct{}{}
		if open.Nonce == 0 {
			rc.lastFact = max(rc.lastFact, open.ScheduledAt)
		}
		return nil
	})
}

// readTimeline loads every job, and notes which versions have fires in the gap.
func (rc *recovery) readTimeline(ctx context.Context) error {
	err := rc.e.store.Jobs().Timeline(ctx, rc.watermark, store.WholeVersions,
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
		rc.reading = run.NewJob(v.JobID, v.CreatedAt, rc.e.shards.Number(v.JobID))
	}
	rc.reading.Follow(v, ver)
	rc.addWalk(rc.reading, ver)
	if err == nil {
		rc.zones.noteZone(ver)
		rc.matchRuns(rc.reading, ver)
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
		return
	}
	e := rc.e
	e.registry.mu.Lock()
	defer e.registry.mu.Unlock()
	e.registry.jobs.Put(j)
	e.registry.countActive(nil, j.Current)
}

// addUncertain treats a fire that may have been sent like an open run whose
// request was in flight.
func (rc *recovery) addUncertain(j *run.Job, v *run.Version, key domain.FireKey) {
	open := domain.OpenRun{FireKey: key, Version: int(v.Number), NextAt: key.ScheduledAt, InFlight: true,
		CreatedAt: rc.now}
	rc.resumed = append(rc.resumed, resumption{open, j, v})
}

func (rc *recovery) matchRuns(j *run.Job, v *run.Version) {
	runs := rc.runs[j.ID]
	kept := runs[:0]
	for _, open := range runs {
		if open.Version == int(v.Number) {
			rc.resumed = append(rc.resumed, resumption{open, j, v})
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
	versions, err := rc.e.store.Jobs().Versions(ctx, id)
	if err != nil {
		return err
	}
	j := rc.e.registry.jobs.Get(id)
	for i := range versions {
		v := &versions[i]
		ver, broken := run.NewVersion(v)
		if broken != nil {
			ver = run.Placeholder(v)
		}
		if j == nil {
			j = run.NewJob(id, v.CreatedAt, rc.e.shards.Number(id))
		}
		if !v.Active { // a pause holds for what came before it, though W is past it
			j.StopBefore(v.EffectiveFrom, run.StoppedByPause)
		}
		if rc.e.registry.jobs.Get(id) == nil {
			j.Follow(v, ver)
			if i == len(versions)-1 {
				j.StopBefore(v.EffectiveTo, run.StoppedByDelete)
			}
		}
		for _, open := range runs {
			switch {
			case open.Version != v.Number:
			case broken != nil:
				rc.batch.Facts = append(rc.batch.Facts, run.EndBroken(&open, rc.now, broken))
			default:
				rc.resumed = append(rc.resumed, resumption{open, j, ver})
			}
		}
	}
	return nil
}

func (rc *recovery) resumeOne(res resumption) {
	open, p := res.open, res.ver.Plan.Value()
	// A retry that was due when the last owner was alive may be under way. One
	// that was recovered before is marked before it is sent: see runner.mark.
	open.InFlight = open.InFlight || (!rc.clean && open.Crashes == 0 && open.NextAt <= rc.certain)
	what := run.DecideResume(&open, p.Once, res.job.StopReason(open.ScheduledAt))
	r := &run.Run{
		Job: res.job, Ver: res.ver, At: open.ScheduledAt, Nonce: open.Nonce, Lane: run.LaneLate,
		Attempts: open.Attempts, Crashes: open.Crashes, OpenOnRecord: true,
	}
	if n := len(r.Attempts); n > 0 {
		r.StartedAt = r.Attempts[0].StartedAt
	}
	if open.InFlight {
		r.Attempts = append(r.Attempts, domain.Attempt{Number: len(r.Attempts) + 1, CompletedAt: rc.now,
			Error: run.LostOutcome})
		r.Crashes++
	}
	if what.Status != domain.StatusPending {
		rc.batch.Facts = append(rc.batch.Facts, r.Result(what.Status, rc.now, what.Reason))
		return
	}
	r.RetryAt = max(open.NextAt, open.ScheduledAt)
	rc.batch.Open = append(rc.batch.Open, r.OpenRun(r.RetryAt, false, open.CreatedAt))
	rc.fires = append(rc.fires, r)
}

// flush makes the decisions durable before anything is sent on them.
func (rc *recovery) flush(ctx context.Context) error {
	facts, open := rc.batch.Facts, rc.batch.Open
	for len(facts) > 0 || len(open) > 0 {
		nf, no := min(len(facts), record.BatchRows), min(len(open), record.BatchRows)
		if err := rc.e.store.Ledger().Record(ctx, store.Batch{Facts: facts[:nf], Open: open[:no]}); err != nil {
			return err
		}
		for i := range facts[:nf] {
			rc.e.runner.count(&facts[i])
		}
		facts, open = facts[nf:], open[no:]
	}
	return nil
}

// start hands over what is to be sent.
func (rc *recovery) start() {
	e := rc.e
	var now []*run.Run
	for _, r := range rc.fires {
		if !r.Job.TakeOver(r) {
			continue
		}
		if r.RetryAt <= rc.now {
			now = append(now, r)
		} else {
			r.SetState(run.StateAwaitRetry)
			r.Lane = run.LaneLive
			e.runner.retries.Add(r)
		}
	}
	e.runner.dispatch(now)
	if len(rc.spans) > 0 {
		e.feeders.Go(func() { e.runner.addLate(rc.spans) })
	}
}
