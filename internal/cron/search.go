package cron

// The search in real time: readings become instants by the DST law of doc.go.
//
// Every span of a zone owns the readings [low, high). For Fold FIRST and SECOND the readings that the law takes from a
// span are cut off, so that readings grow with time from span to span; between two spans there may be a gap. Only with
// BOTH the readings go back where a fold begins, and there the search looks again from the earlier reading.

// low is the first reading that belongs to the span.
func (s *Schedule) low(p *span) int64 {
	if s.fold == foldFirst {
		return p.start + int64(max(p.off, p.prev))
	}
	return p.start + int64(p.off)
}

// high is the end (exclusive) of the readings that belong to the span.
func (s *Schedule) high(p *span) int64 {
	if s.fold == foldSecond {
		return p.end + int64(min(p.off, p.next))
	}
	return p.end + int64(p.off)
}

// reach is more than any reading can be away from its instant, with a whole skipped day on top.
const reach = 2 * daySeconds

// searchNext finds the first fire after the instant after.
func (s *Schedule) searchNext(f *fields, after int64) (int64, bool) {
	spans := s.zone.spans
	i := s.zone.find(after)
	p := &spans[i]
	wall := min(max(after+int64(p.off), s.low(p)-1), s.high(p)-1)
	for {
		reading, ok := f.nextWall(wall)
		if ok && reading < s.high(p) {
			return reading - int64(p.off), true
		}
		if i++; i == len(spans) {
			return 0, false
		}
		if p = &spans[i]; s.fold == foldBoth && p.fold() {
			wall = p.start + int64(p.off) - 1
			continue
		}
		if !ok {
			return 0, false
		}
		i = max(i, s.zone.find(reading-reach))
		for s.high(&spans[i]) <= reading {
			i++
		}
		if p = &spans[i]; reading >= s.low(p) {
			return reading - int64(p.off), true
		}
		// The reading lies in the gap before this span.
		if s.gap == gapAfter {
			return p.start, true
		}
		if s.gap == gapBefore && p.start-1 > after {
			return p.start - 1, true
		}
		wall = s.low(p) - 1
	}
}

// searchPrev finds the last fire before the instant before: the mirror of searchNext.
func (s *Schedule) searchPrev(f *fields, before int64) (int64, bool) {
	spans := s.zone.spans
	i := s.zone.find(before - 1)
	p := &spans[i]
	wall := max(min(before+int64(p.off), s.high(p)), s.low(p))
	if s.gap == gapBefore && before == p.end && p.next > p.off {
		// What the coming gap swallows fires at before-1, in this span: look at the gap first.
		i, p = i+1, &spans[i+1]
		wall = s.low(p)
	}
	for {
		reading, ok := f.prevWall(wall)
		if ok && reading >= s.low(p) {
			return reading - int64(p.off), true
		}
		if i == 0 {
			return 0, false
		}
		if s.fold == foldBoth && p.fold() {
			i, p = i-1, &spans[i-1]
			wall = s.high(p)
			continue
		}
		if !ok {
			return 0, false
		}
		i = min(i-1, s.zone.find(reading+reach))
		for s.low(&spans[i]) > reading {
			i--
		}
		if p = &spans[i]; reading < s.high(p) {
			return reading - int64(p.off), true
		}
		// The reading lies in the gap after this span.
		switch s.gap {
		case gapAfter:
			return p.end, true
		case gapBefore:
			return p.end - 1, true
		}
		wall = s.high(p)
	}
}
