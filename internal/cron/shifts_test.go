package cron

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestShifts(t *testing.T) {
	gapAt, foldAt := unix(t, "2026-03-29T01:00:00Z"), unix(t, "2026-10-25T01:00:00Z")
	for _, c := range []struct {
		text, zone string
		dst        DST
		want       []Shift
	}{
		{"0 30 2 * * *", "Europe/Berlin", DST{}, []Shift{
			{gapAt, "gap", "2026-03-29", "02:30:00 does not exist: it fires at 03:00:00"},
			{foldAt, "fold", "2026-10-25", "02:30:00 comes twice: fires the first time (UTC+02:00)"}}},
		{"0 30 2 * * *", "Europe/Berlin", DST{GapSkip, FoldSecond}, []Shift{
			{gapAt, "gap", "2026-03-29", "02:30:00 does not exist: no fire"},
			{foldAt, "fold", "2026-10-25", "02:30:00 comes twice: fires the second time (UTC+01:00)"}}},
		{"0 0,30 2 * * *", "Europe/Berlin", DST{GapBefore, FoldBoth}, []Shift{
			{gapAt, "gap", "2026-03-29", "02:00:00 and 02:30:00 do not exist: they fire together, once, at 01:59:59"},
			{foldAt, "fold", "2026-10-25", "02:00:00 and 02:30:00 come twice: fire both times"}}},
		{"0 10,20,30 2 * 3 *", "Europe/Berlin", DST{}, []Shift{
			{gapAt, "gap", "2026-03-29", "02:10:00, 02:20:00 and 02:30:00 do not exist: they fire together, once, " +
				"at 03:00:00"}}},
		{"* 30 2 * * *", "Europe/Berlin", DST{}, []Shift{
			{gapAt, "gap", "2026-03-29", "02:30:00, 02:30:01, 02:30:02 and 57 more do not exist: they fire together, " +
				"once, at 03:00:00"},
			{foldAt, "fold", "2026-10-25", "02:30:00, 02:30:01, 02:30:02 and 57 more come twice: fire the first time " +
				"(UTC+02:00)"}}},
		{"0 30 * * * *", "Europe/Berlin", DST{}, []Shift{
			{gapAt, "gap", "2026-03-29", "02:30:00 does not exist: the schedule follows real time and goes on " +
				"after the gap"},
			{foldAt, "fold", "2026-10-25", "02:30:00 comes twice: fires both times, following real time"}}},
		{"0 30 2 * * MON-SAT", "Europe/Berlin", DST{}, nil}, // both changes are on a Sunday
		{"0 30 9 * * *", "Europe/Berlin", DST{}, nil},
		{"0 30 2 * * *", "UTC", DST{}, nil},
		{"@every 1h", "Europe/Berlin", DST{}, nil},
		{"@at 2026-03-29T02:30:00Z", "Europe/Berlin", DST{}, nil},
		{"0 30 2 L 3 ?", "Europe/Berlin", DST{}, nil},
	} {
		s := mustParse(t, c.text, c.zone, c.dst)
		got := s.Shifts(unix(t, "2026-01-01T00:00:00Z"), unix(t, "2027-01-01T00:00:00Z"), Binding{})
		if !slices.Equal(got, c.want) {
			t.Errorf("%q %+v in %s:\n got %+v\nwant %+v", c.text, c.dst, c.zone, got, c.want)
		}
	}
}

func TestShiftsOnOtherDates(t *testing.T) {
	s := mustParse(t, "0 0 9 * * *", "Pacific/Apia", DST{})
	got := s.Shifts(unix(t, "2011-12-01T00:00:00Z"), unix(t, "2012-01-01T00:00:00Z"), Binding{})
	want := []Shift{{unix(t, "2011-12-30T10:00:00Z"), "gap", "2011-12-30",
		"09:00:00 does not exist: it fires at 2011-12-31 00:00:00"}}
	if !slices.Equal(got, want) {
		t.Errorf("Apia: %+v", got)
	}
	all := mustParse(t, "* * * * * *", "Pacific/Apia", DST{})
	got = all.Shifts(want[0].At, want[0].At+1, Binding{})
	if len(got) != 1 || got[0].Effect[:45] != "00:00:00, 00:00:01, 00:00:02 and the rest do " {
		t.Errorf("Apia, every second: %+v", got)
	}
	s = mustParse(t, "0 30 2 * * *", "Europe/Berlin", DST{})
	if got := s.Shifts(MinInstant, MaxInstant, Binding{}); len(got) != mostShifts {
		t.Errorf("%d changes in 230 years, bound is %d", len(got), mostShifts)
	}
	at := unix(t, "2026-03-29T01:00:00Z")
	for _, c := range []struct {
		from, to int64
		n        int
	}{{at, at + 1, 1}, {at + 1, at + 2, 0}, {at - 1, at, 0}, {at, at, 0}, {at + 1, at, 0}, {-1 << 62, 0, 0},
		{1 << 62, 1<<62 + 1, 0}} {
		if got := s.Shifts(c.from, c.to, Binding{}); len(got) != c.n {
			t.Errorf("[%d, %d): %+v", c.from, c.to, got)
		}
	}
}

// TestShiftsMissNothing: for a fixed time, a clock change that is not listed does not
// affect the fires around it: each of them is a matching reading that occurs once.
func TestShiftsMissNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, b := genSchedule(t)
		if len(s.clock.zone.spans) == 1 || s.clock.interval {
			return
		}
		p := &s.clock.zone.spans[rapid.IntRange(1, len(s.clock.zone.spans)-1).Draw(t, "change")]
		if p.start <= daySeconds || p.start >= MaxInstant || len(s.Shifts(p.start, p.start+1, b)) > 0 {
			return
		}
		lo, hi := p.start+int64(min(p.off, p.prev)), p.start+int64(max(p.off, p.prev))
		f := s.pattern.resolve(b.Seed)
		next, ok := s.Next(p.start-daySeconds, b)
		for ; ok && next < p.start+daySeconds; next, ok = s.Next(next, b) {
			reading := next + int64(s.clock.zone.spans[s.clock.zone.find(next)].off)
			if match, _ := f.nextWall(reading - 1); match != reading || reading >= lo && reading < hi {
				t.Fatalf("%q in %s: %s is touched by a change that is not listed", s, s.Zone(), local(s, next))
			}
			if f.second&(f.second-1) != 0 { // a few fires are enough
				return
			}
		}
	})
}
