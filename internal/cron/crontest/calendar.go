package crontest

import (
	"time"
)

// Calendar is the set of fires of one job.
type Calendar struct {
	loc       *time.Location
	gap, fold string // "AFTER", "SKIP", "BEFORE"; "FIRST", "SECOND", "BOTH"
	fixed     bool   // no wildcard and no step in minute and hour

	second, minute, hour, month, year map[int]bool
	days                              []func(time.Time) bool // day-of-month items
	weekdays                          []func(time.Time) bool // day-of-week items
	either                            bool

	period, anchor int64 // @every
	at             *int64
}

const day = 86_400

// offset is what the zone adds to UTC at the instant, in seconds.
func (c *Calendar) offset(t int64) int64 {
	_, seconds := time.Unix(t, 0).In(c.loc).Zone()
	return int64(seconds)
}

// Fires reports whether the instant (Unix seconds) is a fire.
func (c *Calendar) Fires(t int64) bool {
	if c.at != nil {
		return t == *c.at
	}
	if c.period > 0 {
		return t > c.anchor && (t-c.anchor)%c.period == 0
	}
	here := c.offset(t)
	if c.matches(t+here) && c.rightPass(t) {
		return true
	}
	if !c.fixed {
		return false
	}
	switch c.gap {
	case "AFTER": // the first second after a gap stands for what the gap swallowed
		return c.anyMatch(t+c.offset(t-1), t+here)
	case "BEFORE": // so does the last one before it
		return c.anyMatch(t+1+here, t+1+c.offset(t+1))
	}
	return false
}

// matches reports whether a reading (seconds since 1970-01-01 00:00:00 on the wall clock)
// matches the expression.
func (c *Calendar) matches(reading int64) bool {
	r := time.Unix(reading, 0).UTC()
	return c.second[r.Second()] && c.minute[r.Minute()] && c.hour[r.Hour()] && c.onDate(r)
}

// onDate decides on the date of a reading.
func (c *Calendar) onDate(r time.Time) bool {
	if !c.month[int(r.Month())] || !c.year[r.Year()] {
		return false
	}
	dom, dow := anyOf(c.days, r), anyOf(c.weekdays, r)
	if c.either {
		return dom || dow
	}
	return dom && dow
}

func anyOf(rules []func(time.Time) bool, r time.Time) bool {
	for _, rule := range rules {
		if rule(r) {
			return true
		}
	}
	return false
}

// anyMatch looks for a matching reading in [from, to).
func (c *Calendar) anyMatch(from, to int64) bool {
	for r := from; r < to; r++ {
		if c.matches(r) {
			return true
		}
	}
	return false
}

// rightPass applies the fold's rule to an instant whose reading matches: if the same
// reading also occurs at another instant, only one of them counts, unless the rule is
// BOTH.
func (c *Calendar) rightPass(t int64) bool {
	if !c.fixed || c.fold == "BOTH" {
		return true
	}
	reading := t + c.offset(t)
	for _, near := range []int64{t - day - 7200, t + day + 7200} {
		twin := reading - c.offset(near)
		if twin == t || twin+c.offset(twin) != reading {
			continue
		}
		return (t < twin) == (c.fold == "FIRST")
	}
	return true
}

// Next is the first fire after the instant and up to limit (Unix seconds).
func (c *Calendar) Next(after, limit int64) (int64, bool) {
	for t := after + 1; t <= limit; t += c.quiet(t, +1) {
		if c.Fires(t) {
			return t, true
		}
	}
	return 0, false
}

// Prev is the last fire before the instant and down to limit (Unix seconds).
func (c *Calendar) Prev(before, limit int64) (int64, bool) {
	for t := before - 1; t >= limit; t -= c.quiet(t, -1) {
		if c.Fires(t) {
			return t, true
		}
	}
	return 0, false
}

// Between lists the fires in [from, to), at most limit of them.
func (c *Calendar) Between(from, to int64, limit int) []int64 {
	var fires []int64
	for t, ok := c.Next(from-1, to-1); ok && len(fires) < limit; t, ok = c.Next(t, to-1) {
		fires = append(fires, t)
	}
	return fires
}

// quiet returns how far the search may skip from t in a direction: to the other side of
// the minute, hour or day that does not match, if the offset stays the same on the way
// (it never changes twice within a day).
func (c *Calendar) quiet(t, direction int64) int64 {
	if c.at != nil || c.period > 0 {
		return 1
	}
	here := c.offset(t)
	r := time.Unix(t+here, 0).UTC()
	sizes := []int64{day, 3600, 60}
	for i, matches := range []bool{c.onDate(r), c.hour[r.Hour()], c.minute[r.Minute()]} {
		if matches {
			continue
		}
		into := (t + here) % sizes[i]
		if into < 0 {
			into += sizes[i]
		}
		leap := sizes[i] - into
		if direction < 0 {
			leap = into + 1
		}
		// Two more seconds: the instants at the edge of a gap can be fires on their own.
		if c.offset(t+direction*(leap+2)) == here && c.offset(t-direction*2) == here {
			return leap
		}
	}
	return 1
}
