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
	e.shard.Own(shard)
	r := e.newRecovery(shard)
	r.reset = reset
	for _, step := range []func(context.Context) error{
		r.readRuns, r.mending.readStored, r.readRanges, r.zones.readRules, r.readTimeline, r.zones.keepFresh,
		r.mending.decideStored, r.readFacts, r.zones.tellMoved,
		r.resume, r.flush, r.mending.endAsides,
	} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("recovery: %w", err)
		}
	}
	if err := e.keeper.beatOnce(ctx); err != nil {
		return fmt.Errorf("recovery: %w", err)
	}
	e.log.Info("recovered", "jobs", e.registry.jobs.Len(), "gap", time.Duration(r.until-r.watermark)*time.Millisecond,
		"open", len(r.resumed), "late", len(r.spans), "clean", r.clean)
	r.start()
	return nil
}

// claim takes the shard and refuses a watermark far in the future: a clock that
// was wrong once would otherwise keep every job silent until it is reached.
// reset says that the watermark was set back to now.
func (e *Engine) claim(ctx context.Context) (shard store.Shard, reset bool, err error) {
	shard, err = e.store.Shards().Claim(ctx)
	if err != nil {
		return shard, false, fmt.Errorf("recovery: %w", err)
	}
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
	r := &recovery{
		e: e, now: e.now(), watermark: shard.Watermark, certain: shard.Horizon, clean: shard.Clean,
		facts:  make(map[domain.FireKey]struct{}),
		ranges: make(map[domain.JobID][]store.FactRange),
		runs:   make(map[domain.JobID][]domain.OpenRun),
		opened: make(map[domain.FireKey]struct{}),
	}
	r.zones, r.mending = &zoneChange{recovery: r}, &mending{recovery: r}
	r.until = max(r.now, r.watermark)
	if !r.clean && r.now < shard.Horizon-(horizon+time.Second).Milliseconds() {
		// The clock was set back: fires up to H had come due by the old one.
		r.until = max(r.until, shard.Horizon)
	}
	if r.clean {
		r.certain = shard.Watermark
	}
	return r
}

func (r *recovery) readRuns(ctx context.Context) error {
	return r.e.store.Ledger().OpenRuns(ctx, func(open domain.OpenRun) error {
		r.runs[open.JobID] = append(r.runs[open.JobID], open)
		r.opened[open.FireKey] = struct{}{}
		if open.Nonce == 0 {
			r.lastFact = max(r.lastFact, open.ScheduledAt)
		}
		return nil
	})
}

// readTimeline loads every job, and notes which versions have fires in the gap.
func (r *recovery) readTimeline(ctx context.Context) error {
	err := r.e.store.Jobs().Timeline(ctx, r.watermark, store.WholeVersions,
		func(v domain.Version) error { return r.addVersion(&v) })
	r.closeJob()
	return err
}

// addVersion takes the next version of the timeline: the versions of a job
// come together, oldest first.
func (r *recovery) addVersion(v *domain.Version) error {
	ver, err := run.NewVersion(v)
	if err != nil {
		ver = r.mending.setAside(v, err)
	}
	if r.reading == nil || r.reading.ID != v.JobID {
		r.closeJob()
		r.reading = run.NewJob(v.JobID, v.CreatedAt)
	}
	r.reading.Follow(v, ver)
	r.addWalk(r.reading, ver)
	if err == nil {
		r.zones.noteZone(ver)
		r.matchRuns(r.reading, ver)
	}
	return nil
}

// closeJob keeps the job whose versions were read, if it is not deleted.
func (r *recovery) closeJob() {
	j := r.reading
	if j == nil {
		return
	}
	r.reading = nil
	if to := j.Current.To.Load(); to != domain.Forever {
		j.StopBefore(to, run.StoppedByDelete)
		return
	}
	e := r.e
	e.registry.mu.Lock()
	defer e.registry.mu.Unlock()
	e.registry.jobs.Put(j)
	e.registry.countActive(nil, j.Current)
}

// addUncertain treats a fire that may have been sent like an open run whose
// request was in flight.
func (r *recovery) addUncertain(j *run.Job, v *run.Version, key domain.FireKey) {
	open := domain.OpenRun{FireKey: key, Version: int(v.Number), NextAt: key.ScheduledAt, InFlight: true,
		CreatedAt: r.now}
	r.resumed = append(r.resumed, resumption{open, j, v})
}

func (r *recovery) matchRuns(j *run.Job, v *run.Version) {
	runs := r.runs[j.ID]
	kept := runs[:0]
	for _, open := range runs {
		if open.Version == int(v.Number) {
			r.resumed = append(r.resumed, resumption{open, j, v})
		} else {
			kept = append(kept, open)
		}
	}
	r.runs[j.ID] = kept
}

// resume decides what every open run and every uncertain fire becomes.
func (r *recovery) resume(ctx context.Context) error {
	for id, runs := range r.runs {
		if len(runs) > 0 {
			if err := r.matchOld(ctx, id, runs); err != nil {
				return err
			}
		}
	}
	for _, res := range r.resumed {
		r.resumeOne(res)
	}
	return nil
}

// matchOld finds the versions of open runs that ended before W.
func (r *recovery) matchOld(ctx context.Context, id domain.JobID, runs []domain.OpenRun) error {
	versions, err := r.e.store.Jobs().Versions(ctx, id)
	if err != nil {
		return err
	}
	j := r.e.registry.jobs.Get(id)
	for i := range versions {
		v := &versions[i]
		ver, broken := run.NewVersion(v)
		if broken != nil {
			ver = run.Placeholder(v)
		}
		if j == nil {
			j = run.NewJob(id, v.CreatedAt)
		}
		if !v.Active { // a pause holds for what came before it, though W is past it
			j.StopBefore(v.EffectiveFrom, run.StoppedByPause)
		}
		if r.e.registry.jobs.Get(id) == nil {
			j.Follow(v, ver)
			if i == len(versions)-1 {
				j.StopBefore(v.EffectiveTo, run.StoppedByDelete)
			}
		}
		for _, open := range runs {
			switch {
			case open.Version != v.Number:
			case broken != nil:
				r.batch.Facts = append(r.batch.Facts, run.EndBroken(&open, r.now, broken))
			default:
				r.resumed = append(r.resumed, resumption{open, j, ver})
			}
		}
	}
	return nil
}

func (r *recovery) resumeOne(res resumption) {
	open, p := res.open, res.ver.Plan.Value()
	// A retry that was due when the last owner was alive may be under way. One
	// that was recovered before is marked before it is sent: see runner.mark.
	open.InFlight = open.InFlight || (!r.clean && open.Crashes == 0 && open.NextAt <= r.certain)
	what := run.DecideResume(&open, p.Once, res.job.StopReason(open.ScheduledAt))
	f := &run.Run{
		Job: res.job, Ver: res.ver, At: open.ScheduledAt, Nonce: open.Nonce, Lane: run.LaneLate,
		Attempts: open.Attempts, Crashes: open.Crashes, OpenOnRecord: true,
	}
	if n := len(f.Attempts); n > 0 {
		f.StartedAt = f.Attempts[0].StartedAt
	}
	if open.InFlight {
		f.Attempts = append(f.Attempts, domain.Attempt{Number: len(f.Attempts) + 1, CompletedAt: r.now,
			Error: run.LostOutcome})
		f.Crashes++
	}
	if what.Status != domain.StatusPending {
		r.batch.Facts = append(r.batch.Facts, f.Result(what.Status, r.now, what.Reason))
		return
	}
	f.RetryAt = max(open.NextAt, open.ScheduledAt)
	r.batch.Open = append(r.batch.Open, f.OpenRun(f.RetryAt, false, open.CreatedAt))
	r.fires = append(r.fires, f)
}

// flush makes the decisions durable before anything is sent on them.
func (r *recovery) flush(ctx context.Context) error {
	facts, open := r.batch.Facts, r.batch.Open
	for len(facts) > 0 || len(open) > 0 {
		nf, no := min(len(facts), record.BatchRows), min(len(open), record.BatchRows)
		if err := r.e.store.Ledger().Record(ctx, store.Batch{Facts: facts[:nf], Open: open[:no]}); err != nil {
			return err
		}
		for i := range facts[:nf] {
			r.e.runner.count(&facts[i])
		}
		facts, open = facts[nf:], open[no:]
	}
	return nil
}

// start hands over what is to be sent.
func (r *recovery) start() {
	e := r.e
	var now []*run.Run
	for _, f := range r.fires {
		if !f.Job.TakeOver(f) {
			continue
		}
		if f.RetryAt <= r.now {
			now = append(now, f)
		} else {
			f.SetState(run.StateAwaitRetry)
			f.Lane = run.LaneLive
			e.runner.retries.Add(f)
		}
	}
	e.runner.dispatch(now)
	if len(r.spans) > 0 {
		e.feeders.Go(func() { e.runner.addLate(r.spans) })
	}
}
