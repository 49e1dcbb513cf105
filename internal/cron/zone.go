package cron

import (
	"math"
	"strings"
	"sync"
	"time"
)

// span is a stretch of time with one UTC offset: [start, end) in Unix seconds.
type span struct {
	start, end      int64
	off, prev, next int32 // seconds east of UTC here, in the span before and in the one after
}

// fold and gap say what the clock does where the span begins.
func (p *span) fold() bool { return p.off < p.prev }
func (p *span) gap() bool  { return p.off > p.prev }

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

// maxZones bounds the table of zones. The database has 598 names.
const maxZones = 1024

var zones struct {
	sync.RWMutex
	byName map[string]*zone
}

// loadZone finds a zone by its IANA name; "" is UTC.
func loadZone(name string) (*zone, error) {
	if name == "" {
		name = "UTC"
	}
	zones.RLock()
	z := zones.byName[name]
	zones.RUnlock()
	if z != nil {
		return z, nil
	}
	if err := checkZoneName(name); err != nil {
		return nil, err
	}
	data := Zones()
	loc, ok := data.location(name)
	if !ok {
		return nil, fail("timezone", 1, name, zoneExample, "is not a known zone")
	}
	name = strings.Clone(name)
	zones.RLock()
	pieces := history[name]
	zones.RUnlock()
	if len(pieces) > 1 {
		z = splicedZone(name, loc, pieces)
	} else {
		z = newZone(name, loc)
	}
	zones.Lock()
	defer zones.Unlock()
	if old := zones.byName[name]; old != nil {
		return old, nil
	}
	if zones.byName == nil {
		zones.byName = make(map[string]*zone)
	}
	if len(zones.byName) < maxZones && Zones() == data {
		zones.byName[name] = z
	}
	return z, nil
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

// nextChange is the first instant after t with another offset than t has, or math.MaxInt64.
//
// [time.Time.ZoneBounds] proposes how far to jump, and each jump is checked. Where a recurring rule is in force the end
// that it returns can be the end of the year instead of a change, and on 31 December of a leap year even lie before t
// (Go 1.26). So each jump goes forward by at least a day, and when the offset has changed within it, the change is
// searched for.
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
