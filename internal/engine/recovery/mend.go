package recovery

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// versionKey names a version.
type versionKey struct {
	id     domain.JobID
	number int
}

// mending is the part of a recovery that looks after versions that cannot be run, or
// could not.
type mending struct {
	recovery *recovery

	stored map[versionKey]store.Aside // by earlier starts
	broken map[versionKey]*brokenVersion
	done   []store.Aside // to be deleted from the store once everything is on record
}

// brokenVersion is a version that this program cannot run.
type brokenVersion struct {
	v      domain.Version
	reason error
}

func (m *mending) readStored(ctx context.Context) error {
	m.stored, m.broken = make(map[versionKey]store.Aside), make(map[versionKey]*brokenVersion)
	found, err := m.recovery.Store.Ledger().Asides(ctx)
	for _, a := range found {
		if m.recovery.gapOf(a.JobID) == nil {
			continue
		}
		m.stored[versionKey{a.JobID, a.Version}] = a
	}
	return err
}

// setAside notes a version that cannot be run, and returns a placeholder for it.
func (m *mending) setAside(v *domain.Version, reason error) *run.Version {
	m.broken[versionKey{v.JobID, v.Number}] = &brokenVersion{*v, reason}
	return run.Placeholder(v)
}

// decideStored decides about every version that is set aside: it stays so, or its fires
// get their records.
func (m *mending) decideStored(ctx context.Context) error {
	var fresh []store.Aside
	for key, b := range m.broken {
		a, known := m.stored[key]
		if !known {
			g := m.recovery.gapOf(key.id)
			a = store.Aside{JobID: key.id, Version: key.number, Since: g.watermark, Certain: g.certain}
		}
		delete(m.stored, key)
		if b.v.EffectiveTo == domain.Forever {
			fresh = append(fresh, a)
			m.keepUnusable(Unusable{a, b.reason})
			continue
		}
		m.endBroken(a, b)
	}
	if len(fresh) > 0 {
		if err := m.recovery.Store.Ledger().SetAside(ctx, fresh); err != nil {
			return err
		}
	}
	for key, a := range m.stored { // it can be run now, or ended before W
		if err := m.mendStored(ctx, key, a); err != nil {
			return err
		}
	}
	return nil
}

func (m *mending) keepUnusable(a Unusable) {
	m.recovery.Log.Error("a job cannot be run and is set aside", telemetry.KeyJobID, a.JobID.String(),
		"version", a.Version, telemetry.KeyError, a.Reason)
	m.recovery.result.Unusable = append(m.recovery.result.Unusable, a)
	// Its open runs stay on record until it is mended.
	kept := m.recovery.runs[a.JobID][:0]
	for _, open := range m.recovery.runs[a.JobID] {
		if open.Version != a.Version {
			kept = append(kept, open)
		}
	}
	m.recovery.runs[a.JobID] = kept
}

// endBroken records what became of a version that has ended and cannot be run.
func (m *mending) endBroken(a store.Aside, b *brokenVersion) {
	if fact, some := UnknownFires(a, &b.v, m.recovery.Now, b.reason); some {
		m.recovery.decided.Add(fact, 0)
	}
	m.done = append(m.done, a)
	kept := m.recovery.runs[a.JobID][:0]
	for _, open := range m.recovery.runs[a.JobID] {
		if open.Version == b.v.Number && !m.recovery.elsewhere(&open) {
			m.recovery.decided.Add(run.EndBroken(&open, m.recovery.Now, b.reason), open.Runner)
		} else {
			kept = append(kept, open)
		}
	}
	m.recovery.runs[a.JobID] = kept
}

// mendStored records the fires up to W of a version that was set aside and can be run
// again, or of one that has ended before W.
func (m *mending) mendStored(ctx context.Context, key versionKey, a store.Aside) error {
	versions, err := m.recovery.Store.Jobs().Versions(ctx, key.id, store.WholeVersions)
	if err != nil {
		return err
	}
	for i := range versions {
		v := &versions[i]
		if v.Number != key.number {
			continue
		}
		ver, broken := run.NewVersion(v)
		if broken != nil {
			m.endBroken(a, &brokenVersion{*v, broken})
			return nil //nolint:nilerr // its end is what the record says
		}
		j := m.recovery.result.Jobs.Get(key.id)
		if j == nil {
			j = m.recovery.newJob(key.id, v.CreatedAt)
			j.Follow(v, ver)
			j.StopBefore(v.EffectiveTo, run.StoppedByDelete)
		} else if int(j.Current.Number) == v.Number {
			ver = j.Current
		}
		return m.recordMended(ctx, j, ver, a)
	}
	m.done = append(m.done, a) // nothing is kept of it
	return nil
}

// recordMended decides about the fires in (Since, W]: those that may have been
// sent are uncertain, as after any crash; the others were not sent, and their
// time is over.
func (m *mending) recordMended(ctx context.Context, j *run.Job, ver *run.Version, a store.Aside) error {
	recorded, err := m.recordOf(ctx, a)
	if err != nil {
		return err
	}
	watermark := m.recovery.gapOf(a.JobID).watermark
	until := min(a.Certain, watermark)
	for at := ver.NextAfter(j, a.Since); at <= until; at = ver.NextAfter(j, at) {
		key := domain.FireKey{JobID: a.JobID, ScheduledAt: at}
		if _, open := m.recovery.opened[key]; !open && !recorded.has(at) {
			m.recovery.addUncertain(j, ver, key)
		}
	}
	missed := &domain.Execution{Version: a.Version, Status: domain.StatusMissed, CompletedAt: m.recovery.Now,
		Error: "the job could not be run until the server was able to read it again", Missed: &domain.MissedRange{}}
	missed.JobID = a.JobID
	for at := ver.NextAfter(j, max(a.Since, until)); at <= watermark; at = ver.NextAfter(j, at) {
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
		m.recovery.decided.Add(*missed, 0)
	}
	m.done = append(m.done, a)
	return nil
}

// firesOnRecord is which fires of one version are on record.
type firesOnRecord struct {
	fires  map[int64]struct{}
	ranges []store.FactRange
}

func (r *firesOnRecord) has(at int64) bool {
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
func (m *mending) recordOf(ctx context.Context, a store.Aside) (*firesOnRecord, error) {
	rec := &firesOnRecord{fires: make(map[int64]struct{})}
	ledger, of := m.recovery.Store.Ledger(), store.OnlyShards(int(m.recovery.Shards.Number(a.JobID)))
	err := ledger.Facts(ctx, of, a.Since, max(a.Since, a.Certain), func(f store.FactRange) error {
		if f.Key.JobID == a.JobID && f.Key.Nonce == 0 {
			rec.fires[f.Key.ScheduledAt] = struct{}{}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return rec, ledger.Ranges(ctx, of, a.Since, func(f store.FactRange) error {
		if f.Key.JobID == a.JobID && f.Key.Nonce == 0 {
			rec.ranges = append(rec.ranges, f)
		}
		return nil
	})
}

// endAsides deletes from the store what is no longer set aside. Its fires are on record.
func (m *mending) endAsides(ctx context.Context) error {
	if len(m.done) == 0 {
		return nil
	}
	return m.recovery.Store.Ledger().EndAside(ctx, m.done)
}
