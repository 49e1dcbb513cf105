package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const lostOutcome = "the server stopped while this request may have been under way"

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

	asides asides

	changed    map[string]changedZone // by zone
	rulesFrom  int64                  // they hold from then on, Unix milliseconds
	freshRules []store.ZoneRules      // of zones that the store does not know yet

	reading *job // the job whose versions are being read
	walks   []walk
	resumed []resumption
	spans   []*span
	batch   store.Batch
	fires   []*fire // with an open run: to be sent again
}

// resumption is an open run with what it belongs to.
type resumption struct {
	run domain.OpenRun
	job *job
	ver *version
}

// recover claims the shard and rebuilds the engine's state from the store.
func (e *Engine) recover(ctx context.Context) error {
	shard, reset, err := e.claim(ctx)
	if err != nil {
		return err
	}
	r := e.newRecovery(shard)
	r.reset = reset
	for _, step := range []func(context.Context) error{
		r.readRuns, r.readAsides, r.readRanges, r.readRules, r.readTimeline, r.keepFresh, r.settleAsides, r.readFacts, r.tellMoved,
		r.resume, r.flush, r.endAsides,
	} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("recovery: %w", err)
		}
	}
	e.watermark.Store(shard.Watermark)
	if err := e.beatOnce(ctx); err != nil {
		return fmt.Errorf("recovery: %w", err)
	}
	e.log.Info("recovered", "jobs", e.jobs.n, "gap", time.Duration(r.until-r.watermark)*time.Millisecond,
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
	e.lease = shard.Lease
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
	} else if ahead > milliseconds(futureW) {
		return shard, false, fmt.Errorf("the record reaches %s into the future: the clock was wrong then or is wrong now. "+
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
	r.until = max(r.now, r.watermark)
	if !r.clean && r.now < shard.Horizon-milliseconds(horizon+time.Second) {
		// The clock was set back: fires up to H had come due by the old one.
		r.until = max(r.until, shard.Horizon)
	}
	if r.clean {
		r.certain = shard.Watermark
	}
	return r
}

func (r *recovery) readRuns(ctx context.Context) error {
	return r.e.store.Ledger().OpenRuns(ctx, func(run domain.OpenRun) error {
		r.runs[run.JobID] = append(r.runs[run.JobID], run)
		r.opened[run.FireKey] = struct{}{}
		if run.Nonce == 0 {
			r.lastFact = max(r.lastFact, run.ScheduledAt)
		}
		return nil
	})
}

// readTimeline loads every job, and notes which versions have fires in the gap.
func (r *recovery) readTimeline(ctx context.Context) error {
	err := r.e.store.Jobs().Timeline(ctx, r.watermark, store.WholeVersions, func(v domain.Version) error { return r.addVersion(&v) })
	r.closeJob()
	return err
}

// addVersion takes the next version of the timeline: the versions of a job
// come together, oldest first.
func (r *recovery) addVersion(v *domain.Version) error {
	ver, err := newVersion(v)
	if err != nil {
		ver = r.setAside(v, err)
	}
	if r.reading == nil || r.reading.id != v.JobID {
		r.closeJob()
		r.reading = newJob(v.JobID, v.CreatedAt)
	}
	r.reading.follow(v, ver)
	r.addWalk(r.reading, ver)
	if err == nil {
		r.noteZone(ver)
		r.matchRuns(r.reading, ver)
	}
	return nil
}

// follow makes ver the job's current version. What an inactive one stops is
// stopped: see settleEdit.
func (j *job) follow(v *domain.Version, ver *version) {
	j.current = ver
	if !v.Active {
		j.stopBefore(v.EffectiveFrom, stoppedByPause)
	}
}

// closeJob keeps the job whose versions were read, if it is not deleted.
func (r *recovery) closeJob() {
	j := r.reading
	if j == nil {
		return
	}
	r.reading = nil
	if to := j.current.to.Load(); to != domain.Forever {
		j.stopBefore(to, stoppedByDelete)
		return
	}
	e := r.e
	e.mu.Lock()
	defer e.mu.Unlock()
	e.jobs.put(j)
	e.countActive(nil, j.current)
}

// addUncertain treats a fire that may have been sent like an open run whose
// request was in flight.
func (r *recovery) addUncertain(j *job, v *version, key domain.FireKey) {
	run := domain.OpenRun{FireKey: key, Version: int(v.number), NextAt: key.ScheduledAt, InFlight: true, CreatedAt: r.now}
	r.resumed = append(r.resumed, resumption{run, j, v})
}

func (r *recovery) matchRuns(j *job, v *version) {
	runs := r.runs[j.id]
	kept := runs[:0]
	for _, run := range runs {
		if run.Version == int(v.number) {
			r.resumed = append(r.resumed, resumption{run, j, v})
		} else {
			kept = append(kept, run)
		}
	}
	r.runs[j.id] = kept
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
	j := r.e.jobs.get(id)
	for i := range versions {
		v := &versions[i]
		ver, broken := newVersion(v)
		if broken != nil {
			ver = standIn(v)
		}
		if j == nil {
			j = newJob(id, v.CreatedAt)
		}
		if !v.Active { // a pause holds for what came before it, though W is past it
			j.stopBefore(v.EffectiveFrom, stoppedByPause)
		}
		if r.e.jobs.get(id) == nil {
			j.follow(v, ver)
			if i == len(versions)-1 {
				j.stopBefore(v.EffectiveTo, stoppedByDelete)
			}
		}
		for _, run := range runs {
			switch {
			case run.Version != v.Number:
			case broken != nil:
				r.batch.Facts = append(r.batch.Facts, endRun(&run, r.now, broken))
			default:
				r.resumed = append(r.resumed, resumption{run, j, ver})
			}
		}
	}
	return nil
}

func (r *recovery) resumeOne(res resumption) {
	run, p := res.run, res.ver.plan.Value()
	// A retry that was due when the last owner was alive may be under way. One
	// that was recovered before is marked before it is sent: see Engine.mark.
	run.InFlight = run.InFlight || (!r.clean && run.Crashes == 0 && run.NextAt <= r.certain)
	what := decideResume(&run, p.once, res.job.stopReason(run.ScheduledAt))
	f := &fire{
		job: res.job, ver: res.ver, at: run.ScheduledAt, nonce: run.Nonce, lane: laneLate,
		attempts: run.Attempts, crashes: run.Crashes, open: true,
	}
	if n := len(f.attempts); n > 0 {
		f.startedAt = f.attempts[0].StartedAt
	}
	if run.InFlight {
		f.attempts = append(f.attempts, domain.Attempt{Number: len(f.attempts) + 1, CompletedAt: r.now, Error: lostOutcome})
		f.crashes++
	}
	if what.status != domain.StatusPending {
		r.batch.Facts = append(r.batch.Facts, f.result(what.status, r.now, what.reason))
		return
	}
	f.retryAt = max(run.NextAt, run.ScheduledAt)
	r.batch.Open = append(r.batch.Open, f.openRun(f.retryAt, false, run.CreatedAt))
	r.fires = append(r.fires, f)
}

// flush makes the decisions durable before anything is sent on them.
func (r *recovery) flush(ctx context.Context) error {
	facts, open := r.batch.Facts, r.batch.Open
	for len(facts) > 0 || len(open) > 0 {
		nf, no := min(len(facts), batchRows), min(len(open), batchRows)
		if err := r.e.store.Ledger().Record(ctx, store.Batch{Facts: facts[:nf], Open: open[:no]}); err != nil {
			return err
		}
		for i := range facts[:nf] {
			r.e.count(&facts[i])
		}
		facts, open = facts[nf:], open[no:]
	}
	return nil
}

// takeOver enters a recovered fire, or keeps it until the job is free where its
// executions must not overlap.
func (j *job) takeOver(f *fire) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.busy > 0 && f.scheduled() && f.ver.plan.Value().overlap != domain.OverlapAllow {
		a := j.putAside()
		a.resumed = append(a.resumed, f)
		return false
	}
	j.enter(f)
	return true
}

// start hands over what is to be sent.
func (r *recovery) start() {
	e := r.e
	var now []*fire
	for _, f := range r.fires {
		if !f.job.takeOver(f) {
			continue
		}
		if f.retryAt <= r.now {
			now = append(now, f)
		} else {
			f.phase, f.lane = phaseWaiting, laneLive
			e.retries.add(f)
		}
	}
	e.dispatch(now)
	if len(r.spans) > 0 {
		e.feeders.Go(func() { e.addLate(r.spans) })
	}
}
