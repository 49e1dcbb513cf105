package cron

import "time"

// MaxLength is the longest schedule text, in bytes.
const MaxLength = 256

// The supported instants, in Unix seconds: 1970-01-01T00:00:00Z to 2199-12-31T23:59:59Z.
const (
	MinInstant = 0
	MaxInstant = 7_258_118_399
)

// Binding is what one job adds to a schedule that it shares with others.
type Binding struct {
	Seed   uint64 // for H: [SeedOf] the job's id
	Anchor int64  // for @every: the job's creation instant, Unix seconds
}

type kind uint8

const (
	kindFields kind = iota
	kindEvery
	kindAt
)

// Schedule is a compiled schedule text: immutable, shared between jobs, safe for concurrent use.
type Schedule struct {
	text string
	zone *zone
	dst  DST

	kind   kind
	period int64 // @every, seconds
	at     int64 // @at, Unix seconds

	fields   fields
	hashed   []hashed // H items, added to fields for each job
	interval bool     // a wildcard or a step in minute or hour: follows real time
	gap      gapRule
	fold     foldRule
}

// String returns the text as it was given to [Parse].
func (s *Schedule) String() string { return s.text }

// Zone returns the name of the zone; "UTC" if none was given.
func (s *Schedule) Zone() string { return s.zone.name }

// Location returns the zone.
func (s *Schedule) Location() *time.Location { return s.zone.loc }

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
		t, ok = s.nextEvery(after, b.Anchor)
	default:
		if s.hashed == nil {
			t, ok = s.searchNext(&s.fields, after)
			break
		}
		f := s.resolve(b.Seed)
		t, ok = s.searchNext(&f, after)
	}
	if !ok || t > MaxInstant {
		return 0, false
	}
	return t, true
}

// Prev returns the last fire strictly before the instant (both in Unix seconds), and false when there is none: not
// before [MinInstant], and for @every not before the first one after the anchor.
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
		t, ok = s.prevEvery(before, b.Anchor)
	default:
		if s.hashed == nil {
			t, ok = s.searchPrev(&s.fields, before)
			break
		}
		f := s.resolve(b.Seed)
		t, ok = s.searchPrev(&f, before)
	}
	if !ok || t < MinInstant {
		return 0, false
	}
	return t, true
}

// resolve gives the fields of one job: the shared ones plus what H means for its seed.
func (s *Schedule) resolve(seed uint64) fields {
	f := s.fields
	for _, h := range s.hashed {
		*f.set(h.field) |= h.mask(h.pick(seed))
	}
	f.finish()
	return f
}

// set is where the plain values of a field live. There is none for the year, which has no H.
func (f *fields) set(id fieldID) *uint64 {
	switch id {
	case fieldSecond:
		return &f.second
	case fieldMinute:
		return &f.minute
	case fieldHour:
		return &f.hour
	case fieldDOM:
		return &f.dom
	case fieldMonth:
		return &f.month
	default:
		return &f.dow
	}
}
