package cron

// This is the search for instants: readings are mapped to instants by the DST law of
// doc.go.
//
// Every span of a zone has the readings [low, high). For Fold FIRST and SECOND the
// readings of a span that the law excludes are cut off. Then readings increase with time
// from span to span, and there may be gaps between spans. Only with BOTH do the readings
// go back at the beginning of a fold; there the search starts again from the earlier
// reading.

// wallClock is the wall clock of a zone, with a schedule's choices for clock changes.
type wallClock struct {
	zone     *zone
	gap      gapRule
	fold     foldRule
	interval bool // a wildcard or a step in minute or hour: follows real time
}

// low is the first reading that belongs to the span.
func (c *wallClock) low(p *span) int64 {
	if c.fold == foldFirst {
		return p.start + int64(max(p.off, p.prev))
	}
	return p.start + int64(p.off)
}

// high is the end (exclusive) of the readings that belong to the span.
func (c *wallClock) high(p *span) int64 {
	if c.fold == foldSecond {
		return p.end + int64(min(p.off, p.next))
	}
	return p.end + int64(p.off)
}

// reach is larger than the difference between any reading and its instant, plus a whole
// skipped day.
const reach = 2 * daySeconds

// next finds the first fire after the instant after.
func (c *wallClock) next(f *fields, after int64) (int64, bool) {
	spans := c.zone.spans
	i := c.zone.find(after)
	p := &spans[i]
	wall := min(max(after+int64(p.off), c.low(p)-1), c.high(p)-1)
	for {
		reading, ok := f.nextWall(wall)
		if ok && reading < c.high(p) {
			return reading - int64(p.off), true
		}
		if i++; i == len(spans) {
			return 0, false
		}
		if p = &spans[i]; c.fold == foldBoth && p.fold() {
			wall = p.start + int64(p.off) - 1
			continue
		}
		if !ok {
			return 0, false
		}
		i = max(i, c.zone.find(reading-reach))
		for c.high(&spans[i]) <= reading {
			i++
		}
		if p = &spans[i]; reading >= c.low(p) {
			return reading - int64(p.off), true
		}
		// The reading lies in the gap before this span.
		if c.gap == gapAfter {
			return p.start, true
		}
		if c.gap == gapBefore && p.start-1 > after {
			return p.start - 1, true
		}
		wall = c.low(p) - 1
	}
}

// prev finds the last fire before the instant before: the mirror of next.
func (c *wallClock) prev(f *fields, before int64) (int64, bool) {
	spans := c.zone.spans
	i := c.zone.find(before - 1)
	p := &spans[i]
	wall := max(min(before+int64(p.off), c.high(p)), c.low(p))
	if c.gap == gapBefore && before == p.end && p.next > p.off {
		// What the coming gap swallows fires at before-1, in this span: look at the gap first.
		i, p = i+1, &spans[i+1]
		wall = c.low(p)
	}
	for {
		reading, ok := f.prevWall(wall)
		if ok && reading >= c.low(p) {
			return reading - int64(p.off), true
		}
		if i == 0 {
			return 0, false
		}
		if c.fold == foldBoth && p.fold() {
			i, p = i-1, &spans[i-1]
			wall = c.high(p)
			continue
		}
		if !ok {
			return 0, false
		}
		i = min(i-1, c.zone.find(reading+reach))
		for c.low(&spans[i]) > reading {
			i--
		}
		if p = &spans[i]; reading < c.high(p) {
			return reading - int64(p.off), true
		}
		// The reading lies in the gap after this span.
		switch c.gap {
		case gapAfter:
			return p.end, true
		case gapBefore:
			return p.end - 1, true
		}
		wall = c.high(p)
	}
}
