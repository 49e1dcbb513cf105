package engine

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// versionKey names a version.
type versionKey struct {
	id     domain.JobID
	number int
}

// asides is what a recovery knows of versions that cannot be run, or could not.
type asides struct {
	stored map[versionKey]store.Aside // by earlier starts
	now    map[versionKey]*brokenVersion
	done   []store.Aside // to be forgotten once all is on record
}

// brokenVersion is a version that this program cannot run.
type brokenVersion struct {
	v      domain.Version
	reason error
}

func (r *recovery) readAsides(ctx context.Context) error {
	r.asides = asides{stored: make(map[versionKey]store.Aside), now: make(map[versionKey]*brokenVersion)}
	found, err := r.e.store.Ledger().Asides(ctx)
	for _, a := range found {
		r.asides.stored[versionKey{a.JobID, a.Version}] = a
	}
	return err
}

// setAside notes a version that cannot be run, and returns what stands in for
// it.
func (r *recovery) setAside(v *domain.Version, reason error) *version {
	r.asides.now[versionKey{v.JobID, v.Number}] = &brokenVersion{*v, reason}
	return standIn(v)
}

// settleAsides decides about every version that is set aside: it stays so, or
// what became of its fires is on record.
func (r *recovery) settleAsides(ctx context.Context) error {
	var fresh []store.Aside
	for key, b := range r.asides.now {
		a, known := r.asides.stored[key]
		if !known {
			a = store.Aside{JobID: key.id, Version: key.number, Since: r.watermark, Certain: r.certain}
		}
		delete(r.asides.stored, key)
		if b.v.EffectiveTo == domain.Forever {
			fresh = append(fresh, a)
			r.keepAside(asideVersion{a, b.reason})
			continue
		}
		r.endBroken(a, b)
	}
	if len(fresh) > 0 {
		if err := r.e.store.Ledger().SetAside(ctx, fresh); err != nil {
			return err
		}
	}
	for key, a := range r.asides.stored { // it can be run now, or ended before W
		if err := r.mend(ctx, key, a); err != nil {
			return err
		}
	}
	return nil
}

func (r *recovery) keepAside(a asideVersion) {
	e := r.e
	e.log.Error("a job cannot be run and is set aside", telemetry.KeyJobID, a.JobID.String(),
		"version", a.Version, telemetry.KeyError, a.reason)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.aside[a.JobID] = a
	e.asideOrder = append(e.asideOrder, a.JobID)
	// Its open runs stay on record until it is mended.
	kept := r.runs[a.JobID][:0]
	for _, run := range r.runs[a.JobID] {
		if run.Version != a.Version {
			kept = append(kept, run)
		}
	}
	r.runs[a.JobID] = kept
}

// endBroken records what became of a version that has ended and cannot be run.
func (r *recovery) endBroken(a store.Aside, b *brokenVersion) {
	if fact, some := unknownFires(a, &b.v, r.now, b.reason); some {
		r.batch.Facts = append(r.batch.Facts, fact)
	}
	r.asides.done = append(r.asides.done, a)
	kept := r.runs[a.JobID][:0]
	for _, run := range r.runs[a.JobID] {
		if run.Version == b.v.Number {
			r.batch.Facts = append(r.batch.Facts, endRun(&run, r.now, b.reason))
		} else {
			kept = append(kept, run)
		}
	}
	r.runs[a.JobID] = kept
}

// mend settles the fires up to W of a version that was set aside and can be run
// again, or of one that has ended before W.
func (r *recovery) mend(ctx context.Context, key versionKey, a store.Aside) error {
	versions, err := r.e.store.Jobs().Versions(ctx, key.id)
	if err != nil {
		return err
	}
	for i := range versions {
		v := &versions[i]
		if v.Number != key.number {
			continue
		}
		ver, broken := newVersion(v)
		if broken != nil {
			r.endBroken(a, &brokenVersion{*v, broken})
			return nil //nolint:nilerr // its end is what the record says
		}
		j := r.e.jobs.get(key.id)
		if j == nil {
			j = newJob(key.id, v.CreatedAt)
			j.follow(v, ver)
			j.stopBefore(v.EffectiveTo, stoppedByDelete)
		} else if int(j.current.number) == v.Number {
			ver = j.current
		}
		return r.settleMended(ctx, j, ver, a)
	}
	r.asides.done = append(r.asides.done, a) // nothing is kept of it
	return nil
}

// settleMended decides about the fires in (Since, W]: those that may have been
// sent are uncertain, as after any crash; the others were not sent, and their
// time is over.
func (r *recovery) settleMended(ctx context.Context, j *job, ver *version, a store.Aside) error {
	recorded, err := r.recordOf(ctx, a)
	if err != nil {
		return err
	}
	until := min(a.Certain, r.watermark)
	for at := ver.nextAfter(j, a.Since); at <= until; at = ver.nextAfter(j, at) {
		key := domain.FireKey{JobID: a.JobID, ScheduledAt: at}
		if _, open := r.opened[key]; !open && !recorded.has(at) {
			r.addUncertain(j, ver, key)
		}
	}
	missed := &domain.Execution{Version: a.Version, Status: domain.StatusMissed, CompletedAt: r.now,
		Error: "the job could not be run until the server was able to read it again", Missed: &domain.MissedRange{}}
	missed.JobID = a.JobID
	for at := ver.nextAfter(j, max(a.Since, until)); at <= r.watermark; at = ver.nextAfter(j, at) {
		if recorded.has(at) {
			continue
		}
		if missed.Missed.Count == 0 {
			missed.Missed.From = at
		}
		missed.ScheduledAt = at
		missed.Missed.Count++
	}
	if missed.Missed.Count == 1 {
		missed.Missed = nil
	}
	if missed.ScheduledAt != 0 {
		r.batch.Facts = append(r.batch.Facts, *missed)
	}
	r.asides.done = append(r.asides.done, a)
	return nil
}

// record is which fires of one version are on record.
type record struct {
	fires  map[int64]struct{}
	ranges []store.FactRange
}

func (r *record) has(at int64) bool {
	if _, ok := r.fires[at]; ok {
		return true
	}
	for _, f := range r.ranges {
		if f.From <= at && at <= f.Key.ScheduledAt {
			return true
		}
	}
	return false
}

// recordOf reads what is on record of a version that was set aside: the fires
// that may have been sent, and the summaries.
func (r *recovery) recordOf(ctx context.Context, a store.Aside) (*record, error) {
	rec := &record{fires: make(map[int64]struct{})}
	ledger := r.e.store.Ledger()
	err := ledger.Facts(ctx, a.Since, max(a.Since, a.Certain), func(f store.FactRange) error {
		if f.Key.JobID == a.JobID && f.Key.Nonce == 0 {
			rec.fires[f.Key.ScheduledAt] = struct{}{}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return rec, ledger.Ranges(ctx, a.Since, func(f store.FactRange) error {
		if f.Key.JobID == a.JobID && f.Key.Nonce == 0 {
			rec.ranges = append(rec.ranges, f)
		}
		return nil
	})
}

// endAsides forgets what was settled. It is on record.
func (r *recovery) endAsides(ctx context.Context) error {
	if len(r.asides.done) == 0 {
		return nil
	}
	return r.e.store.Ledger().EndAside(ctx, r.asides.done)
}
