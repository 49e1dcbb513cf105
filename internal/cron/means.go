package cron

import (
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/cron/dialect"
)

// means reports whether the schedule and the foreign rule fire at the same readings of
// the clock: equal sets, and equal days in every month that can occur.
func (s *Schedule) means(r *dialect.Rule) bool {
	switch r.Kind {
	case dialect.Period:
		return s.kind == kindEvery && time.Duration(s.period)*time.Second == r.Period
	case dialect.Instant:
		return s.kind == kindAt && s.showsAt(r)
	case dialect.Fields:
		return s.kind == kindFields && s.pattern.means(r)
	}
	return false
}

// means compares the sets, and the days.
func (p *pattern) means(r *dialect.Rule) bool {
	f := &p.fields
	return f.second == r.Second && f.minute == r.Minute && f.hour == r.Hour && f.month == r.Month &&
		p.sameHashes(r) && sameYears(&f.years, r) && sameDays(f, r)
}

// showsAt compares the instant with that of the rule, or with what the clock of the zone shows at it.
func (s *Schedule) showsAt(r *dialect.Rule) bool {
	if r.Offset {
		return s.at == r.At.Unix()
	}
	const clock = "2006-01-02 15:04:05"
	return time.Unix(s.at, 0).In(s.clock.zone.loc).Format(clock) == r.At.Format(clock)
}

func sameYears(years *yearSet, r *dialect.Rule) bool {
	for y := specs[fieldYear].min; y <= specs[fieldYear].max; y++ {
		if years.has(y) != r.InYear(y) {
			return false
		}
	}
	return true
}

// sameHashes compares what H chooses from.
func (p *pattern) sameHashes(r *dialect.Rule) bool {
	var ours, theirs []dialect.Hash
	for _, h := range p.hashed {
		ours = append(ours, dialect.Hash{Field: "smhDMW"[h.field], Lo: int(h.lo), Hi: int(h.hi), Step: int(h.step)})
	}
	theirs = append(theirs, r.Hashed...)
	order := func(a, b dialect.Hash) int {
		return slices.Compare([]int{int(a.Field), a.Lo, a.Hi, a.Step}, []int{int(b.Field), b.Lo, b.Hi, b.Step})
	}
	slices.SortFunc(ours, order)
	slices.SortFunc(theirs, order)
	return slices.Equal(ours, theirs)
}

// sameDays compares the days of a month for each length and each weekday of the 1st that
// occur in the schedule's months. A rule of days depends on nothing else.
func sameDays(f *fields, r *dialect.Rule) bool {
	var seen [32][7]bool
	for y := specs[fieldYear].min; y <= specs[fieldYear].max; y++ {
		if !f.years.has(y) {
			continue
		}
		for m := 1; m <= 12; m++ {
			first := daysOf(y, m, 1)
			length, weekday := monthDays(y, m), weekdayOf(first)
			if f.month>>m&1 == 0 || seen[length][weekday] {
				continue
			}
			seen[length][weekday] = true
			days := f.days(y, m, first)
			for d := 1; d <= length; d++ {
				if (days>>d&1 == 1) != r.OnDay(d, length, (int(weekday)+d-1)%7) {
					return false
				}
			}
		}
	}
	return true
}
