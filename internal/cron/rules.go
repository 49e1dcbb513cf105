package cron

import (
	"slices"
	"time"
)

// Rules returns the compiled zone of a name in these data.
func (d *ZoneData) Rules(name string) (data string, known bool) {
	data, known = d.zones[name]
	return data, known
}

// SameRules reports whether two compiled zones have the same offsets at all times.
func SameRules(a, b string) bool {
	if a == b {
		return true
	}
	x, y := tableOf(a), tableOf(b)
	return x != nil && y != nil && slices.Equal(x, y)
}

// Stretch is a period in which two rules of a zone have different offsets: [From, To) in
// Unix seconds.
type Stretch struct{ From, To int64 }

// Differences are the stretches in which two compiled zones differ, within [from, to).
func Differences(a, b string, from, to int64) []Stretch {
	x, y := tableOf(a), tableOf(b)
	if x == nil || y == nil {
		return nil
	}
	var out []Stretch
	for i, j := 0, 0; i < len(x) && j < len(y); {
		s := Stretch{max(x[i].start, y[j].start, from), min(x[i].end, y[j].end, to)}
		if s.From < s.To && x[i].off != y[j].off {
			if n := len(out); n > 0 && out[n-1].To == s.From {
				out[n-1].To = s.To
			} else {
				out = append(out, s)
			}
		}
		if x[i].end <= y[j].end {
			i++
		} else {
			j++
		}
	}
	return out
}

// WithRules returns the schedule in a zone of the same name with only these rules, or nil
// if the rules are damaged. The result is not interned.
func (s *Schedule) WithRules(data string) *Schedule {
	loc, err := time.LoadLocationFromTZData(s.clock.zone.name, []byte(data))
	if err != nil {
		return nil
	}
	other := *s
	other.clock.zone = newZone(s.clock.zone.name, loc)
	return &other
}
