package engine

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// gapPiece is how many facts a recovery holds at a time: some 60 MB. W is held
// by the oldest fire of a dead host, so the record after it can be a day long.
const gapPiece = 500_000

// walk goes over the fires of one version in the gap, from W to now. It stops
// at the end of each piece of the record and goes on with the next:
//
//	  W            piece            piece            piece     now
//	──┼──●──●──○──●──┼──●──○──○──●────┼──●──●──●──●────┼──○──○──┼──►
//	     facts of one piece in memory      ○ not on record: uncertain, or a span
type walk struct {
	job     *run.Job
	ver     *run.Version
	next    int64     // the first fire that was not looked at; never: no more
	missing *run.Span // the latest fires were not on record and never sent
}

// addWalk notes a version that has fires in the gap.
func (rc *recovery) addWalk(j *run.Job, v *run.Version) {
	if at := v.NextAfter(j, rc.watermark); at <= rc.bound() {
		rc.walks = append(rc.walks, walk{job: j, ver: v, next: at})
	}
}

// bound is the latest instant that a fire of the gap can have. With a clock that
// was set back that is not now: what is on record has fired.
func (rc *recovery) bound() int64 { return max(rc.until, rc.certain, rc.lastFact) }

// readRanges learns which ranges of fires are on record as one, and how far the
// record goes beyond the horizon, as it should not.
func (rc *recovery) readRanges(ctx context.Context) error {
	ledger := rc.e.store.Ledger()
	err := ledger.Ranges(ctx, rc.watermark, func(f store.FactRange) error {
		rc.ranges[f.Key.JobID] = append(rc.ranges[f.Key.JobID], f)
		return nil
	})
	if err != nil {
		return err
	}
	return ledger.Facts(ctx, rc.bound(), domain.Forever, func(f store.FactRange) error {
		if f.Key.Nonce == 0 {
			rc.lastFact = max(rc.lastFact, f.Key.ScheduledAt)
		}
		return nil
	})
}

// readFacts holds the gap against the record, a piece after the other, and puts
// every job into the timetable. That starts after the last fact, so that a
// clock that was set back fires nothing twice.
func (rc *recovery) readFacts(ctx context.Context) error {
	read := rc.watermark
	err := rc.e.store.Ledger().Facts(ctx, rc.watermark, domain.Forever, func(f store.FactRange) error {
		at := f.Key.ScheduledAt
		if f.Key.Nonce != 0 {
			return nil
		}
		if len(rc.facts) >= rc.e.gapPiece && at > read {
			rc.judge(read) // it has all facts up to here
			clear(rc.facts)
		}
		read = at
		rc.facts[f.Key] = struct{}{}
		return nil
	})
	if err != nil {
		return err
	}
	rc.lastFact = max(rc.lastFact, read)
	if !rc.reset {
		rc.until = max(rc.until, rc.lastFact)
	}
	// As far as the last owner came, fires may be on record: one by one.
	rc.judge(max(rc.certain, rc.lastFact))
	rc.facts = nil
	for i := range rc.walks {
		rc.finish(&rc.walks[i])
	}
	rc.walks = nil
	rc.place()
	return nil
}

// judge looks at each fire up to the instant.
func (rc *recovery) judge(to int64) {
	to = min(to, rc.until)
	for i := range rc.walks {
		for w := &rc.walks[i]; w.next <= to; w.next = w.ver.NextAfter(w.job, w.next) {
			rc.judgeFire(w)
		}
	}
}

func (rc *recovery) judgeFire(w *walk) {
	key := domain.FireKey{JobID: w.job.ID, ScheduledAt: w.next}
	switch {
	case rc.onRecord(key):
		rc.endMissing(w)
	case w.next <= rc.certain:
		rc.endMissing(w)
		rc.addUncertain(w.job, w.ver, key)
	case w.missing == nil:
		w.missing = &run.Span{Job: w.job, Ver: w.ver, Next: w.next, Last: w.next, Lane: run.LaneLate}
	default:
		w.missing.Last = w.next
	}
}

// finish takes the rest of the gap, of which nothing is on record, as a range.
func (rc *recovery) finish(w *walk) {
	if w.next <= rc.until {
		if w.missing == nil {
			w.missing = &run.Span{Job: w.job, Ver: w.ver, Next: w.next, Lane: run.LaneLate}
		}
		w.missing.Last = w.next
		if last, found := w.ver.Timing(w.job).Prev(rc.until + 1); found {
			w.missing.Last = max(w.next, last)
		}
	}
	rc.endMissing(w)
}

func (rc *recovery) endMissing(w *walk) {
	if w.missing != nil {
		w.missing.Hold = rc.e.shards.Holds.Take(w.job.Shard, w.missing.Next)
		rc.spans = append(rc.spans, w.missing)
		w.missing = nil
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

// place makes the timetable and puts every job at its first fire after the gap.
func (rc *recovery) place() {
	e := rc.e
	e.registry.mu.Lock()
	defer e.registry.mu.Unlock()
	e.registry.table.Begin(rc.until)
	for j := range e.registry.jobs.All() {
		j.Next = j.Current.NextAfter(j, rc.until)
		e.registry.table.Place(j)
	}
}
