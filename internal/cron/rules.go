package cron

import (
	"maps"
	"slices"
	"time"
)

// Rules are those of one zone from an instant on, as a compiled zone of the IANA database.
type Rules struct {
	From int64 // Unix seconds; the first of a zone hold for all time before too
	Data string
}

// Rules returns the compiled zone of a name in these data.
func (d *ZoneData) Rules(name string) (data string, known bool) {
	data, known = d.zones[name]
	return data, known
}

// history is which rules held when, of zones whose rules have changed.
var history map[string][]Rules // under zones

// UseHistory says for zones whose rules have changed which of them held when, oldest first. What was fired by the old
// rules keeps its place in the calendar, and what comes after the change has the new ones: at the change the zone's
// clock may jump, as at any other change of its offset.
//
//	old rules   ──┬───┬───┬───┬─ ─ ─
//	new rules  ─ ─ ─ ─ ─ ─ ─ ─ ┬────┬────┬──
//	the zone    ──┬───┬───┬────┬────┬────┬──
//	                         From
//
// It is for the start of a process, as UseZones is, and adds to what was said of other zones.
func UseHistory(byZone map[string][]Rules) {
	zones.Lock()
	defer zones.Unlock()
	if history == nil {
		history = make(map[string][]Rules)
	}
	maps.Copy(history, byZone)
	zones.byName = nil
	interned.Clear()
}

// SameRules reports whether two compiled zones have the same offsets at all times.
func SameRules(a, b string) bool {
	if a == b {
		return true
	}
	x, y := tableOf(a), tableOf(b)
	return x != nil && y != nil && slices.Equal(x, y)
}

// tableOf is the table of a compiled zone, or nil when it is damaged.
func tableOf(data string) []span {
	loc, err := time.LoadLocationFromTZData("", []byte(data))
	if err != nil {
		return nil
	}
	return spansOf(loc)
}

// splice is the table of a zone that has the offsets of one until an instant, and those of another from then on.
func splice(before []span, at int64, after []span) []span {
	var out []span
	for _, p := range before {
		if p.start < at {
			p.end = min(p.end, at)
			out = append(out, p)
		}
	}
	for _, p := range after {
		if p.end <= at {
			continue
		}
		p.start = max(p.start, at)
		if n := len(out); n > 0 && out[n-1].off == p.off {
			out[n-1].end = p.end
			continue
		}
		out = append(out, p)
	}
	for i := range out {
		out[i].prev, out[i].next = out[max(0, i-1)].off, out[min(len(out)-1, i+1)].off
	}
	return out
}

// splicedZone is the zone of a name whose rules have changed.
func splicedZone(name string, loc *time.Location, pieces []Rules) *zone {
	z := &zone{name: name, loc: loc}
	for i, p := range pieces {
		table := tableOf(p.Data)
		switch {
		case table == nil: // the store keeps what was in force once: it cannot be damaged but by hand
			return newZone(name, loc)
		case i == 0:
			z.spans = table
		default:
			z.spans = splice(z.spans, p.From, table)
		}
	}
	z.makeIndex()
	return z
}

// Stretch is a time in which two rules of a zone have other offsets: [From, To) in Unix seconds.
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

// WithRules is the schedule in a zone of the same name with these rules alone, or nil when they are damaged. It is not
// shared with others.
func (s *Schedule) WithRules(data string) *Schedule {
	loc, err := time.LoadLocationFromTZData(s.zone.name, []byte(data))
	if err != nil {
		return nil
	}
	other := *s
	other.zone = newZone(s.zone.name, loc)
	return &other
}
