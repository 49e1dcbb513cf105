package cron

import (
	"math"
	"time"
)

// span is a stretch of time with one UTC offset: [start, end) in Unix seconds.
type span struct {
	start, end      int64
	off, prev, next int32 // seconds east of UTC here, in the span before and in the one after
}

// fold and gap say what the clock does where the span begins.
func (p *span) fold() bool { return p.off < p.prev }

func (p *span) gap() bool { return p.off > p.prev }

// zone is the table of a location's offsets over the supported range, made once and shared.
type zone struct {
	name  string
	loc   *time.Location
	spans []span
	// index[t>>indexShift] is the span of the first second of that bucket: 194 days, so the walk from there is short.
	index []uint16
}

const (
	indexShift = 24
	farPast    = -1 << 40 // bounds of the first and the last span: beyond any reading, and safe to add offsets to
	farFuture  = 1 << 40
)

// find is the number of the span that holds the instant t; t outside the supported range is moved to its edge.
func (z *zone) find(t int64) int {
	t = min(max(t, MinInstant), MaxInstant)
	i := int(z.index[t>>indexShift])
	for z.spans[i].end <= t {
		i++
	}
	return i
}

// newZone makes the table of a location.
func newZone(name string, loc *time.Location) *zone {
	z := &zone{name: name, loc: loc, spans: spansOf(loc)}
	z.makeIndex()
	return z
}

// spansOf is the table of a location's offsets.
func spansOf(loc *time.Location) (spans []span) {
	offset := offsetAt(loc, MinInstant-daySeconds)
	open := span{start: farPast, off: offset, prev: offset}
	for t := int64(MinInstant - daySeconds); ; {
		t = nextChange(loc, t)
		if t > MaxInstant+daySeconds {
			break
		}
		open.end, open.next = t, offsetAt(loc, t)
		spans = append(spans, open)
		open = span{start: t, off: open.next, prev: open.off}
	}
	open.end, open.next = farFuture, open.off
	return append(spans, open)
}

func (z *zone) makeIndex() {
	for t, i := int64(0), 0; t <= MaxInstant; t += 1 << indexShift {
		for z.spans[i].end <= t {
			i++
		}
		z.index = append(z.index, uint16(i))
	}
}

func offsetAt(loc *time.Location, t int64) int32 {
	_, offset := time.Unix(t, 0).In(loc).Zone()
	return int32(offset)
}

// nextChange returns the first instant after t whose offset differs from that of t, or
// math.MaxInt64.
//
// [time.Time.ZoneBounds] proposes how far to jump, and each jump is checked, because its
// end is not always right (Go 1.26): where a recurring rule applies, it can be the end of
// the year instead of a change, and on 31 December of a leap year it can even be before
// t. So each jump goes forward by at least a day, and if the offset has changed within
// the jump, the exact instant of the change is searched for.
func nextChange(loc *time.Location, t int64) int64 {
	offset := offsetAt(loc, t)
	for lo := t; lo <= MaxInstant+daySeconds; {
		_, end := time.Unix(lo, 0).In(loc).ZoneBounds()
		if end.IsZero() {
			return math.MaxInt64
		}
		hi := end.Unix()
		if hi <= lo {
			hi = lo + daySeconds
		}
		if offsetAt(loc, hi) == offset {
			lo = hi
			continue
		}
		for lo+1 < hi {
			if mid := lo + (hi-lo)/2; offsetAt(loc, mid) == offset {
				lo = mid
			} else {
				hi = mid
			}
		}
		return hi
	}
	return math.MaxInt64
}

// tableOf is the table of a compiled zone, or nil when it is damaged.
func tableOf(data string) []span {
	loc, err := time.LoadLocationFromTZData("", []byte(data))
	if err != nil {
		return nil
	}
	return spansOf(loc)
}

// splice returns the table of a zone that has the offsets of before until an instant, and
// those of after from then on.
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

// Rules are those of one zone from an instant on, as a compiled zone of the IANA database.
type Rules struct {
	From int64 // Unix seconds; the first of a zone hold for all time before too
	Data string
}
