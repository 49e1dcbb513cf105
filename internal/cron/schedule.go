package cron

import "time"

type kind uint8

const (
	kindFields kind = iota
	kindEvery
	kindAt
)

// Schedule is a compiled schedule text: immutable, shared between jobs, safe for concurrent use.
type Schedule struct {
	text string
	dst  DST

	kind    kind
	period  period
	at      int64 // @at, Unix seconds
	pattern pattern
	clock   wallClock
}

// String returns the text as it was given to [Parse].
func (s *Schedule) String() string { return s.text }

// Zone returns the name of the zone; "UTC" if none was given.
func (s *Schedule) Zone() string { return s.clock.zone.name }

// Location returns the zone.
func (s *Schedule) Location() *time.Location { return s.clock.zone.loc }

// Once reports whether the schedule has a single fire (@at).
func (s *Schedule) Once() bool { return s.kind == kindAt }

// Next returns the first fire strictly after the instant (both in Unix seconds), and false when there is none up to
// [MaxInstant].
func (s *Schedule) Next(after int64, b Binding) (int64, bool) {
	if after >= MaxInstant {
		return 0, false
	}
	after = max(after, MinInstant-1)
	var t int64
	var ok bool
	switch s.kind {
	case kindAt:
		t, ok = s.at, s.at > after
	case kindEvery:
		t, ok = s.period.next(after, b.Anchor)
	default:
		if s.pattern.hashed == nil {
			t, ok = s.clock.next(&s.pattern.fields, after)
			break
		}
		f := s.pattern.resolve(b.Seed)
		t, ok = s.clock.next(&f, after)
	}
	if !ok || t > MaxInstant {
		return 0, false
	}
	return t, true
}

// Prev returns the last fire strictly before the instant (both in Unix seconds), and
// false if there is none. There are none before [MinInstant], nor, for @every, before the
// first fire after the anchor.
func (s *Schedule) Prev(before int64, b Binding) (int64, bool) {
	if before <= MinInstant {
		return 0, false
	}
	before = min(before, MaxInstant+1)
	var t int64
	var ok bool
	switch s.kind {
	case kindAt:
		t, ok = s.at, s.at < before
	case kindEvery:
		t, ok = s.period.prev(before, b.Anchor)
	default:
		if s.pattern.hashed == nil {
			t, ok = s.clock.prev(&s.pattern.fields, before)
			break
		}
		f := s.pattern.resolve(b.Seed)
		t, ok = s.clock.prev(&f, before)
	}
	if !ok || t < MinInstant {
		return 0, false
	}
	return t, true
}
