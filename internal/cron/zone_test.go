package cron

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// zoneNames is the list of the IANA database, release 2025c, as in Go's lib/time/zoneinfo.zip; Factory is left out.
//
//go:embed testdata/zones.txt
var zoneNames string

// differentZones loads every zone and drops those that have the table of another.
func differentZones(t *testing.T) []*zone {
	t.Helper()
	var out []*zone
	seen := map[string]bool{}
	for _, name := range strings.Fields(zoneNames) {
		z, err := loadZone(name)
		if err != nil {
			t.Fatal(name, err)
		}
		if table := fmt.Sprint(z.spans); !seen[table] {
			seen[table] = true
			out = append(out, z)
		}
	}
	return out
}

// TestZoneTables compares the table of every zone with package time: on both sides of each change, and all along.
func TestZoneTables(t *testing.T) {
	const strideDays = 41
	for _, z := range differentZones(t) {
		check := func(at int64) {
			if at < MinInstant || at > MaxInstant {
				return
			}
			if got, want := z.spans[z.find(at)].off, offsetAt(z.loc, at); got != want {
				t.Fatalf("%s at %s: offset %d, time says %d", z.name, stamp(at), got, want)
			}
		}
		for i, p := range z.spans {
			check(p.start - 1)
			check(p.start)
			if i > 0 && (p.start != z.spans[i-1].end || p.prev != z.spans[i-1].off || z.spans[i-1].next != p.off ||
				p.off == p.prev) {
				t.Fatalf("%s: spans %d and %d do not fit: %+v %+v", z.name, i-1, i, z.spans[i-1], p)
			}
		}
		for at := int64(MinInstant); at <= MaxInstant; at += strideDays * daySeconds {
			check(at)
		}
	}
}

// TestChangesAreFarApart checks two assumptions of the search: two changes are always
// more than two days apart, and no reading is further than reach from its instant.
func TestChangesAreFarApart(t *testing.T) {
	for _, z := range differentZones(t) {
		for i, p := range z.spans {
			if p.end-p.start < 2*daySeconds {
				t.Errorf("%s: a span of %d seconds at %s", z.name, p.end-p.start, stamp(p.start))
			}
			if max(p.off, -p.off)+max(p.off-p.prev, p.prev-p.off) > reach {
				t.Errorf("%s: span %d is shifted by more than reach", z.name, i)
			}
		}
	}
}

// TestZoneBoundsTrap shows why nextChange checks the result of ZoneBounds: on the last
// day of a leap year under a recurring rule, its end is not after the instant. The table
// of changes has the change of the next March nevertheless.
func TestZoneBoundsTrap(t *testing.T) {
	z, err := loadZone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	got := nextChange(z.loc, unix(t, "2040-12-31T12:00:00Z"))
	if want := unix(t, "2041-03-31T01:00:00Z"); got != want {
		t.Errorf("the change after 2040-12-31 is %s, want %s", stamp(got), stamp(want))
	}
}

// expected is the law in one line per case: the instants at which a reading of a fixed time fires around one change.
func expected(p *span, reading int64, dst DST) []int64 {
	before, after := reading-int64(p.prev), reading-int64(p.off)
	switch first, second := before < p.start, after >= p.start; {
	case first && second && dst.Fold == FoldBoth:
		return []int64{before, after}
	case first && second && dst.Fold == FoldSecond:
		return []int64{after}
	case first:
		return []int64{before}
	case second:
		return []int64{after}
	case dst.Gap == GapAfter:
		return []int64{p.start}
	case dst.Gap == GapBefore:
		return []int64{p.start - 1}
	}
	return nil
}

// TestEveryZoneEveryTransition shows guarantees 2 and 3. In every zone, around every
// change from 1970 to 2100, a fixed time within the affected hour fires exactly once a
// day, at the instant of the DST law, and an interval-like schedule fires at every
// quarter of an hour that the clock shows.
func TestEveryZoneEveryTransition(t *testing.T) {
	end := unix(t, "2100-01-01T00:00:00Z")
	changes := 0
	for _, z := range differentZones(t) {
		quarter := mustParse(t, "0 */15 * * * *", z.name, DST{})
		for i := range z.spans {
			if p := &z.spans[i]; i > 0 && p.start < end && p.start > 3*daySeconds {
				changes++
				checkFixed(t, z, i)
				checkQuarters(t, quarter, p)
			}
		}
	}
	if changes < 10_000 {
		t.Errorf("only %d changes were looked at", changes)
	}
}

// checkFixed tests fixed times at the edges and in the middle of the change where span i
// begins. With the default law it follows each of them for four days. It tests only one
// of the three combinations of choices at each time, because all of them would take too
// long.
func checkFixed(t *testing.T, z *zone, i int) {
	t.Helper()
	choices := []DST{{GapAfter, FoldFirst}, {GapSkip, FoldSecond}, {GapBefore, FoldBoth}}
	p := &z.spans[i]
	lo, hi := p.start+int64(min(p.off, p.prev)), p.start+int64(max(p.off, p.prev))
	for k, reading := range []int64{lo - 1, lo, lo + (hi-lo)/2, hi - 1, hi} {
		checkOnce(t, z, p, reading, choices[(i/2+k)%len(choices)])
		_, second := split(reading)
		text := fmt.Sprintf("%d %d %d * * *", second%60, second/60%60, second/3600)
		s, err := compile(text, z.name, DST{GapAfter, FoldFirst})
		if err != nil {
			t.Fatal(err)
		}
		at := expected(p, reading-2*daySeconds, s.dst)[0]
		for day := int64(-1); day <= 1; day++ {
			want := expected(p, reading+day*daySeconds, s.dst)[0]
			next, ok := s.Next(at, Binding{})
			if want == at { // two dates meet where a whole day was skipped: one fire
				continue
			}
			if !ok || next != want {
				t.Fatalf("%s, %q: after %s comes %s, want %s", z.name, text, local(s, at), local(s, next),
					local(s, want))
			}
			if prev, ok := s.Prev(next, Binding{}); !ok || prev != at {
				t.Fatalf("%s, %q: before %s comes %s, want %s", z.name, text, local(s, next),
					local(s, prev), local(s, at))
			}
			at = next
		}
	}
}

// checkOnce makes a schedule with the full date of the reading, so that only this reading
// fires, and searches for the fire from near and far on both sides: years away, and from
// every part of the change.
func checkOnce(t *testing.T, z *zone, p *span, reading int64, dst DST) {
	t.Helper()
	day, second := split(reading)
	year, month, dom := dateOf(day)
	text := fmt.Sprintf("%d %d %d %d %d ? %d", second%60, second/60%60, second/3600, dom, month, year)
	want := expected(p, reading, dst)
	s, err := compile(text, z.name, dst)
	if err != nil {
		if len(want) > 0 {
			t.Fatal(z.name, err)
		}
		return
	}
	shift := int64(max(p.off-p.prev, p.prev-p.off))
	for _, away := range []int64{-1000 * daySeconds, -shift, -shift / 2, -1, 0, 1, shift / 2, shift,
		1000 * daySeconds} {
		at := max(p.start+away, MinInstant)
		i := 0 // the number of fires up to at
		for i < len(want) && want[i] <= at {
			i++
		}
		if next, ok := s.Next(at, Binding{}); ok != (i < len(want)) || ok && next != want[i] {
			t.Fatalf("%s, %q %+v: after %d comes %d (%v), want one of %d", z.name, text, dst, at, next, ok, want)
		}
		if i > 0 && want[i-1] == at {
			i--
		}
		if prev, ok := s.Prev(at, Binding{}); ok != (i > 0) || ok && prev != want[i-1] {
			t.Fatalf("%s, %q %+v: before %d comes %d (%v), want one of %d", z.name, text, dst, at, prev, ok, want)
		}
	}
}

func checkQuarters(t *testing.T, s *Schedule, p *span) {
	t.Helper()
	const hours, quarter = 3 * 3600, 900
	at := p.start - hours - 1
	for want := p.start - hours; want < p.start+hours; want++ {
		off := int64(p.prev)
		if want >= p.start {
			off = int64(p.off)
		}
		if r := (want + off) % quarter; r != 0 { // on to the next quarter, or to the change if that is nearer
			skip := (quarter - r) % quarter
			if want < p.start && want+skip > p.start {
				skip = p.start - want
			}
			want += skip - 1
			continue
		}
		next, _ := s.Next(at, Binding{})
		if next != want {
			t.Fatalf("%s: after %s comes %s, want %s", s.Zone(), local(s, at), local(s, next), local(s, want))
		}
		at = next
	}
}

func TestZoneNames(t *testing.T) {
	for name, hint := range map[string]string{
		"europe/berlin":       "use Europe/Berlin",
		"AMERICA/NEW_YORK":    "use America/New_York",
		"utc":                 "use UTC",
		"Local":               "each machine has a zone of its own there: name the zone, such as Europe/Berlin",
		"localtime":           "each machine has a zone of its own there: name the zone, such as Europe/Berlin",
		"Factory":             zoneExample,
		"right/Europe/Berlin": zoneExample,
		"posix/Europe/Berlin": "use Europe/Berlin",
		"../../etc/passwd":    zoneExample,
		"/etc/localtime":      "each machine has a zone of its own there: name the zone, such as Europe/Berlin",
		"Europe":              zoneExample,
		"Europe/":             zoneExample,
		"Mars/Olympus":        zoneExample,
		"CEST": "CEST is an abbreviation, not a zone: Europe/Berlin, Europe/Paris and others follow " +
			"Central European time through the year",
		"UTC+2": "use Etc/GMT-2; that is +02:00 all year (the sign in the name is reversed); a place " +
			"such as Europe/Berlin follows clock changes",
		"Europe/Berlin ":        "use Europe/Berlin",
		"Europe/Bérlin":         "did you mean Europe/Berlin?",
		strings.Repeat("A", 65): zoneExample,
	} {
		_, err := Parse("@daily", name, DST{})
		var e *Error
		if !errors.As(err, &e) || e.Field != "timezone" || e.Pos < 1 || e.Hint != hint {
			t.Errorf("zone %q: %v", name, err)
		}
	}
}

// TestZonesAreShared: one table per zone, however many schedules.
func TestZonesAreShared(t *testing.T) {
	a := mustParse(t, "1 2 3 * * *", "Asia/Tokyo", DST{})
	b := mustParse(t, "3 2 1 * * *", "Asia/Tokyo", DST{})
	if a.clock.zone != b.clock.zone || a.Location() != b.Location() || a.Zone() != "Asia/Tokyo" {
		t.Error("two tables for one zone")
	}
	if z := mustParse(t, "@daily", "", DST{}); z.Zone() != "UTC" || z.Location() != time.UTC {
		t.Errorf("the empty zone is %q", z.Zone())
	}
	if !slices.IsSortedFunc(a.clock.zone.spans, func(x, y span) int { return int(x.start - y.start) }) {
		t.Error("spans out of order")
	}
}
