package byjob

import (
	"math"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// topOf returns the key of the job that a search starts below, given the key
// of any job that the page does.
func topOf(id domain.JobID, k domain.FireKey) domain.FireKey {
	top := domain.FireKey{JobID: id, ScheduledAt: k.ScheduledAt, Nonce: k.Nonce}
	if k.JobID == id {
		return top
	}
	if rows.CompareKeys(top, k) < 0 { // in that millisecond the job comes before
		top.Nonce = math.MaxInt64
	} else {
		top.Nonce = math.MinInt64
	}
	return top
}

// fires walks the fires of a job backwards in time through its versions.
type fires struct {
	versions []domain.Version // oldest first; those that are exhausted are cut off
	timing   domain.Timing    // of the last one
	compiled bool
	readable bool // otherwise no fire of it can be named: see Walk.search
}

// candidate is where the next record of a scheduled fire may be.
type candidate struct {
	at     int64
	search bool  // the version cannot be read: it is at that instant or before
	from   int64 // with search: not before the version
}

// prev returns the last fire before the instant. Calls must go back in time.
func (f *fires) prev(before int64) (candidate, bool) {
	for len(f.versions) > 0 {
		v := &f.versions[len(f.versions)-1]
		if before > v.EffectiveFrom {
			if !f.compiled {
				var err error
				f.timing, err = v.Timing()
				f.readable, f.compiled = err == nil && !unreadTiming(v), true
			}
			if !f.readable {
				return candidate{min(before, v.EffectiveTo) - 1, true, v.EffectiveFrom}, true
			}
			if at, ok := f.timing.Prev(before); ok {
				return candidate{at: at}, true
			}
		}
		f.versions, f.compiled = f.versions[:len(f.versions)-1], false
	}
	return candidate{}, false
}

// unreadTiming reports whether a part of a version cannot be read that says when
// it fires.
func unreadTiming(v *domain.Version) bool {
	return slices.ContainsFunc(v.Unread, func(f domain.Fault) bool {
		return slices.Contains([]string{"options", "startAt", "endAt", "jitterMs", "dst"}, f.Field)
	})
}

// ahead returns up to n fires before an instant, newest first, and not before another one. It
// ends where a version cannot be read.
func (f fires) ahead(before, from int64, n int) (all []int64) {
	for len(all) < n {
		next, ok := f.prev(before)
		if !ok || next.search || next.at < from {
			break
		}
		all = append(all, next.at)
		before = next.at
	}
	return all
}

func nothingAhead(int) []int64 { return nil }
