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
func (r *recovery) addWalk(j *run.Job, v *run.Version) {
	if at := v.NextAfter(j, r.watermark); at <= r.bound() {
		r.walks = append(r.walks, walk{job: j, ver: v, next: at})
	}
}

// bound is the latest instant that a fire of the gap can have. With a clock that
// was set back that is not now: what is on record has fired.
func (r *recovery) bound() int64 { return max(r.until, r.certain, r.lastFact) }

// readRanges learns which ranges of fires are on record as one, and how far the
// record goes beyond the horizon, as it should not.
func (r *recovery) readRanges(ctx context.Context) error {
	ledger := r.e.store.Ledger()
	err := ledger.Ranges(ctx, r.watermark, func(f store.FactRange) error {
		r.ranges[f.Key.JobID] = append(r.ranges[f.Key.JobID], f)
		return nil
	})
	if err != nil {
		return err
	}
	return ledger.Facts(ctx, r.bound(), domain.Forever, func(f store.FactRange) error {
		if f.Key.Nonce == 0 {
			r.lastFact = max(r.lastFact, f.Key.ScheduledAt)
		}
		return nil
	})
}

// readFacts holds the gap against the record, a piece after the other, and puts
// every job into the timetable. That starts after the last fact, so that a
// clock that was set back fires nothing twice.
func (r *recovery) readFacts(ctx context.Context) error {
	read := r.watermark
	err := r.e.store.Ledger().Facts(ctx, r.watermark, domain.Forever, func(f store.FactRange) error {
		at := f.Key.ScheduledAt
		if f.Key.Nonce != 0 {
			return nil
		}
		if len(r.facts) >= r.e.gapPiece && at > read {
			r.judge(read) // it has all facts up to here
			clear(r.facts)
		}
		read = at
		r.facts[f.Key] = struct{}{}
		return nil
	})
	if err != nil {
		return err
	}
	r.lastFact = max(r.lastFact, read)
	if !r.reset {
		r.until = max(r.until, r.lastFact)
	}
	// As far as the last owner came, fires may be on record: one by one.
	r.judge(max(r.certain, r.lastFact))
	r.facts = nil
	for i := range r.walks {
		r.finish(&r.walks[i])
	}
	r.walks = nil
	r.place()
	return nil
}

// judge looks at each fire up to the instant.
func (r *recovery) judge(to int64) {
	to = min(to, r.until)
	for i := range r.walks {
		for w := &r.walks[i]; w.next <= to; w.next = w.ver.NextAfter(w.job, w.next) {
			r.judgeFire(w)
		}
	}
}

func (r *recovery) judgeFire(w *walk) {
	key := domain.FireKey{JobID: w.job.ID, ScheduledAt: w.next}
	switch {
	case r.onRecord(key):
		r.endMissing(w)
	case w.next <= r.certain:
		r.endMissing(w)
		r.addUncertain(w.job, w.ver, key)
	case w.missing == nil:
		w.missing = &run.Span{Job: w.job, Ver: w.ver, Next: w.next, Last: w.next, Lane: run.LaneLate}
	default:
		w.missing.Last = w.next
	}
}

// finish takes the rest of the gap, of which nothing is on record, as a range.
func (r *recovery) finish(w *walk) {
	if w.next <= r.until {
		if w.missing == nil {
			w.missing = &run.Span{Job: w.job, Ver: w.ver, Next: w.next, Lane: run.LaneLate}
		}
		w.missing.Last = w.next
		if last, found := w.ver.Timing(w.job).Prev(r.until + 1); found {
			w.missing.Last = max(w.next, last)
		}
	}
	r.endMissing(w)
}

func (r *recovery) endMissing(w *walk) {
	if w.missing != nil {
		w.missing.Hold = r.e.shard.Holds.Take(w.missing.Next)
		r.spans = append(r.spans, w.missing)
		w.missing = nil
	}
}

func (r *recovery) onRecord(key domain.FireKey) bool {
	if _, ok := r.facts[key]; ok {
		return true
	}
	if _, ok := r.opened[key]; ok {
		return true
	}
	for _, f := range r.ranges[key.JobID] {
		if f.From <= key.ScheduledAt && key.ScheduledAt <= f.Key.ScheduledAt {
			return true
		}
	}
	return false
}

// place makes the timetable and puts every job at its first fire after the gap.
func (r *recovery) place() {
	e := r.e
	e.registry.mu.Lock()
	defer e.registry.mu.Unlock()
	e.registry.table.Begin(r.until)
	e.shard.Begin(r.until)
	for j := range e.registry.jobs.All() {
		j.Next = j.Current.NextAfter(j, r.until)
		e.registry.table.Place(j)
	}
}
