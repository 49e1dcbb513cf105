package cron

import (
	"fmt"
	"strings"
	"time"
)

// Shift is a clock change that touches fires of a schedule.
type Shift struct {
	At     int64  // the instant of the change, Unix seconds
	Kind   string // "gap" (the clock skips readings) or "fold" (readings come twice)
	Date   string // local date of the first reading concerned, YYYY-MM-DD
	Effect string // what will happen, in words
}

// ClockChange returns which way the clock of a zone has gone from one instant to a later one: "gap" if it
// is further ahead of UTC, "fold" if less, and nothing if its offset is the same.
func ClockChange(from, to time.Time, zone *time.Location) string {
	_, was := from.In(zone).Zone()
	_, is := to.In(zone).Zone()
	switch {
	case is > was:
		return "gap"
	case is < was:
		return "fold"
	}
	return ""
}

// mostShifts bounds the answer; two changes a year make this a century.
const mostShifts = 200

// Shifts lists the clock changes with from <= At < to (Unix seconds) that affect fires of
// the schedule, oldest first. Clock changes do not affect @every and @at.
func (s *Schedule) Shifts(from, to int64, b Binding) []Shift {
	if s.kind != kindFields || from >= to {
		return nil
	}
	f := s.pattern.resolve(b.Seed)
	zone := s.clock.zone
	var out []Shift
	for i := zone.find(from); i < len(zone.spans) && len(out) < mostShifts; i++ {
		p := &zone.spans[i]
		if p.start >= to {
			break
		}
		if p.start < from || p.off == p.prev {
			continue
		}
		lo, hi := p.start+int64(min(p.off, p.prev)), p.start+int64(max(p.off, p.prev))
		first, ok := f.nextWall(lo - 1)
		if !ok || first >= hi {
			continue
		}
		shift := Shift{At: p.start, Kind: "fold", Date: stamp(first)[:10]}
		readings, many := f.readings(first, hi)
		if p.gap() {
			shift.Kind = "gap"
			shift.Effect = readings + s.clock.gapEffect(p, first, many)
		} else {
			shift.Effect = readings + s.clock.foldEffect(p, many)
		}
		out = append(out, shift)
	}
	return out
}

// readings names the matching readings from first to hi: some in full, the rest as a number.
func (f *fields) readings(first, hi int64) (text string, many bool) {
	const shown, counted = 3, 4000
	var parts []string
	n := 0
	for r, ok := first, true; ok && r < hi && n < counted; r, ok = f.nextWall(r) {
		if n++; n <= shown {
			parts = append(parts, stamp(r)[11:])
		}
	}
	switch {
	case n == counted:
		return strings.Join(parts, ", ") + " and the rest", true
	case n > shown:
		return strings.Join(parts, ", ") + fmt.Sprintf(" and %d more", n-shown), true
	}
	return joinAnd(parts), n > 1
}

// gapEffect continues "02:30:00 ..".
func (c *wallClock) gapEffect(p *span, first int64, many bool) string {
	text, it := " does not exist: ", "it fires"
	if many {
		text, it = " do not exist: ", "they fire together, once,"
	}
	if c.gap == gapSkip {
		if c.interval {
			return text + "the schedule follows real time and goes on after the gap"
		}
		return text + "no fire"
	}
	t := p.start
	if c.gap == gapBefore {
		t--
	}
	local := stamp(t + int64(c.zone.spans[c.zone.find(t)].off))
	if date, clock := local[:10], local[11:]; date == stamp(first)[:10] {
		local = clock
	}
	return text + it + " at " + local
}

// foldEffect continues "02:30:00 ..".
func (c *wallClock) foldEffect(p *span, many bool) string {
	text, verb := " comes twice: ", "fires"
	if many {
		text, verb = " come twice: ", "fire"
	}
	switch {
	case c.interval:
		return text + verb + " both times, following real time"
	case c.fold == foldBoth:
		return text + verb + " both times"
	case c.fold == foldSecond:
		return text + verb + " the second time (UTC" + offsetText(p.off) + ")"
	}
	return text + verb + " the first time (UTC" + offsetText(p.prev) + ")"
}
