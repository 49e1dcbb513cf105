package recovery

import (
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// look returns what decides whether another process carries an open run out.
func (rc *recovery) look(open *domain.OpenRun) run.Look {
	return run.Look{
		Open: true, Self: open.Runner == rc.Shards.Node, Here: true, // see adopter.here
		Named: open.Runner != 0, Alive: rc.Alive != nil && rc.Alive(open.Runner), Until: open.RunUntil, Now: rc.Now,
	}
}

// elsewhere reports whether another process carries an open run out.
func (rc *recovery) elsewhere(open *domain.OpenRun) bool {
	found, _ := run.DecideElsewhere(rc.look(open))
	return found == run.FoundRunning
}

// judge looks at each fire of a walk up to the instant.
func (rc *recovery) judge(w *walk, to int64) {
	g := rc.gaps[w.job.Shard]
	for to = min(to, g.until); w.next <= to; w.next = w.ver.NextAfter(w.job, w.next) {
		rc.judgeFire(w, g)
	}
}

func (rc *recovery) judgeFire(w *walk, g *gap) {
	key := domain.FireKey{JobID: w.job.ID, ScheduledAt: w.next}
	switch {
	case rc.onRecord(key):
		rc.endMissing(w)
	case w.next <= g.certain:
		rc.endMissing(w)
		rc.addUncertain(w.job, w.ver, key)
	case w.missing == nil:
		w.missing = &run.Span{Job: w.job, Ver: w.ver, Next: w.next, Last: w.next, Lane: run.LaneLate}
	default:
		w.missing.Last = w.next
	}
}

func (rc *recovery) onRecord(key domain.FireKey) bool {
	if _, ok := rc.facts[key]; ok {
		return true
	}
	if _, ok := rc.opened[key]; ok {
		return true
	}
	for _, f := range rc.ranges[key.JobID] {
		if f.From <= key.ScheduledAt && key.ScheduledAt <= f.Key.ScheduledAt {
			return true
		}
	}
	return false
}

// addUncertain treats a fire that may have been sent like an open run whose
// request was in flight.
func (rc *recovery) addUncertain(j *run.Job, v *run.Version, key domain.FireKey) {
	open := domain.OpenRun{FireKey: key, Version: int(v.Number), NextAt: key.ScheduledAt, InFlight: true,
		CreatedAt: rc.Now}
	rc.resumed = append(rc.resumed, resumption{open: open, job: j, ver: v, uncertain: true})
}

// finish takes the rest of the gap, of which nothing is on record, as a range.
func (rc *recovery) finish(w *walk, until int64) {
	if w.next <= until {
		if w.missing == nil {
			w.missing = &run.Span{Job: w.job, Ver: w.ver, Next: w.next, Lane: run.LaneLate}
		}
		w.missing.Last = w.next
		if last, found := w.ver.Timing(w.job).Prev(until + 1); found {
			w.missing.Last = max(w.next, last)
		}
	}
	rc.endMissing(w)
}

func (rc *recovery) endMissing(w *walk) {
	if w.missing != nil {
		rc.result.Late = append(rc.result.Late, w.missing)
		w.missing = nil
	}
}
