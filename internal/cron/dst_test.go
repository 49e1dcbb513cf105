package cron

import (
	"errors"
	"slices"
	"testing"
)

// fires lists the local times of the fires in [from, to), for tables.
func fires(t *testing.T, s *Schedule, from, to string) []string {
	t.Helper()
	var out []string
	end := unix(t, to)
	for at, ok := s.Next(unix(t, from)-1, Binding{}); ok && at < end; at, ok = s.Next(at, Binding{}) {
		if out = append(out, local(s, at)); len(out) > 50 {
			t.Fatal("too many fires")
		}
	}
	return out
}

// TestDSTLaw checks the DST law with instants that were computed by hand. The clock
// changes are from the IANA database (zdump -v); each is quoted as "local before -> local
// after".
func TestDSTLaw(t *testing.T) {
	const (
		// Europe/Berlin 2026-03-29: 01:59:59+01 -> 03:00:00+02; 2026-10-25: 02:59:59+02 -> 02:00:00+01.
		spring, springEnd = "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"
		autumn, autumnEnd = "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z"
	)
	for _, c := range []struct {
		name, text, zone string
		dst              DST
		from, to         string
		want             []string
	}{
		{"a skipped time fires right after the gap", "0 30 2 * * *", "Europe/Berlin", DST{}, spring, springEnd,
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
		{"SKIP leaves it out", "0 30 2 * * *", "Europe/Berlin", DST{Gap: GapSkip}, spring, springEnd,
			[]string{"2026-03-30T02:30:00+02:00"}},
		{"BEFORE fires in the last second before the gap", "0 30 2 * * *", "Europe/Berlin", DST{Gap: GapBefore},
			spring, springEnd,
			[]string{"2026-03-29T01:59:59+01:00", "2026-03-30T02:30:00+02:00"}},
		{"several skipped times fire together, once", "0 0,15,45 2 * * *", "Europe/Berlin", DST{}, spring,
			"2026-03-29T12:00:00Z",
			[]string{"2026-03-29T03:00:00+02:00"}},
		{"a skipped time and the first time after the gap are one fire", "0 0 2,3 * * *", "Europe/Berlin", DST{},
			spring, "2026-03-29T12:00:00Z",
			[]string{"2026-03-29T03:00:00+02:00"}},
		{"so are a BEFORE fire and the time it falls on", "59 59 1,2 * * *", "Europe/Berlin", DST{Gap: GapBefore},
			spring, "2026-03-29T12:00:00Z",
			[]string{"2026-03-29T01:59:59+01:00"}},
		{"a range is fixed times", "0 0 1-4 * * *", "Europe/Berlin", DST{}, "2026-03-28T23:30:00Z",
			"2026-03-29T12:00:00Z",
			[]string{"2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"}},
		{"every second of a skipped minute is one fire", "* 30 2 * * *", "Europe/Berlin", DST{}, spring,
			"2026-03-29T12:00:00Z",
			[]string{"2026-03-29T03:00:00+02:00"}},
		{"a time that comes twice fires at the first", "0 30 2 * * *", "Europe/Berlin", DST{}, autumn, autumnEnd,
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"SECOND", "0 30 2 * * *", "Europe/Berlin", DST{Fold: FoldSecond}, autumn, autumnEnd,
			[]string{"2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00"}},
		{"BOTH", "0 30 2 * * *", "Europe/Berlin", DST{Fold: FoldBoth}, autumn, autumnEnd,
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00"}},
		{"a range through the fold", "0 0,30 1-3 * * *", "Europe/Berlin", DST{}, "2026-10-24T22:59:59Z",
			"2026-10-25T12:00:00Z",
			[]string{"2026-10-25T01:00:00+02:00", "2026-10-25T01:30:00+02:00", "2026-10-25T02:00:00+02:00",
				"2026-10-25T02:30:00+02:00", "2026-10-25T03:00:00+01:00", "2026-10-25T03:30:00+01:00"}},
		{"BOTH keeps the order of real time", "0 0,30 2 * * *", "Europe/Berlin", DST{Fold: FoldBoth}, autumn,
			"2026-10-25T12:00:00Z",
			[]string{"2026-10-25T02:00:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00",
				"2026-10-25T02:30:00+01:00"}},
		{"a wildcard minute follows real time: no fire in the gap", "0 * 2 * * *", "Europe/Berlin", DST{}, spring,
			"2026-03-29T12:00:00Z", nil},
		{"a wildcard hour in the gap", "0 30 * * * *", "Europe/Berlin", DST{}, "2026-03-29T00:00:00Z",
			"2026-03-29T02:00:00Z",
			[]string{"2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"}},
		{"a wildcard hour in the fold fires in both passes", "0 30 * * * *", "Europe/Berlin", DST{},
			"2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z",
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:30:00+01:00"}},
		{"the choice does not touch it", "0 30 * * * *", "Europe/Berlin", DST{GapAfter, FoldSecond},
			"2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z",
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:30:00+01:00"}},
		{"a step in the hour is interval-like", "0 0 */2 * * *", "Europe/Berlin", DST{}, "2026-03-28T22:00:00Z",
			"2026-03-29T03:00:00Z",
			[]string{"2026-03-29T00:00:00+01:00", "2026-03-29T04:00:00+02:00"}},

		// Australia/Lord_Howe 2026-04-05: 01:59:59+11 -> 01:30:00+10:30; 2026-10-04: 01:59:59+10:30 -> 02:30:00+11.
		{"a half-hour fold", "0 45 1 * * *", "Australia/Lord_Howe", DST{}, "2026-04-04T12:00:00Z",
			"2026-04-05T12:00:00Z",
			[]string{"2026-04-05T01:45:00+11:00"}},
		{"a half-hour gap", "0 15 2 * * *", "Australia/Lord_Howe", DST{}, "2026-10-03T12:00:00Z",
			"2026-10-04T12:00:00Z",
			[]string{"2026-10-04T02:30:00+11:00"}},
		{"what a half-hour gap leaves alone", "0 45 2 * * *", "Australia/Lord_Howe", DST{}, "2026-10-03T12:00:00Z",
			"2026-10-04T12:00:00Z",
			[]string{"2026-10-04T02:45:00+11:00"}},

		// Midnight gaps. America/Santiago 2022-09-11: 2022-09-10 23:59:59-04 -> 2022-09-11 01:00:00-03.
		{"midnight in Santiago", "@daily", "America/Santiago", DST{}, "2022-09-10T00:00:00Z", "2022-09-13T00:00:00Z",
			[]string{"2022-09-10T00:00:00-04:00", "2022-09-11T01:00:00-03:00", "2022-09-12T00:00:00-03:00"}},
		{"BEFORE at midnight is the day before", "@daily", "America/Santiago", DST{Gap: GapBefore},
			"2022-09-10T12:00:00Z", "2022-09-12T12:00:00Z",
			[]string{"2022-09-10T23:59:59-04:00", "2022-09-12T00:00:00-03:00"}},
		// Asia/Beirut 2022-03-27: 2022-03-26 23:59:59+02 -> 2022-03-27 01:00:00+03.
		{"midnight in Beirut, on Sundays only", "0 30 0 * * SUN", "Asia/Beirut", DST{}, "2022-03-26T00:00:00Z",
			"2022-03-29T00:00:00Z",
			[]string{"2022-03-27T01:00:00+03:00"}},
		// Africa/Cairo 2023-04-28: 2023-04-27 23:59:59+02 -> 2023-04-28 01:00:00+03; 2023-10-27 00:00+03 -> 2023-10-26
		// 23:00+02.
		{"midnight in Cairo, on the 28th only", "0 0 0 28 * *", "Africa/Cairo", DST{}, "2023-04-27T00:00:00Z",
			"2023-04-29T00:00:00Z",
			[]string{"2023-04-28T01:00:00+03:00"}},
		{"the evening that comes twice in Cairo", "0 30 23 * * *", "Africa/Cairo", DST{}, "2023-10-26T12:00:00Z",
			"2023-10-27T12:00:00Z",
			[]string{"2023-10-26T23:30:00+03:00"}},
		// America/Asuncion 2023-10-01: 2023-09-30 23:59:59-04 -> 2023-10-01 01:00:00-03.
		{"the first of the month in Asuncion", "@monthly", "America/Asuncion", DST{}, "2023-09-30T00:00:00Z",
			"2023-10-02T00:00:00Z",
			[]string{"2023-10-01T01:00:00-03:00"}},
		// Pacific/Apia: 2011-12-29 23:59:59-10 -> 2011-12-31 00:00:00+14.
		{"a skipped date in Apia", "0 0 9 * * *", "Pacific/Apia", DST{}, "2011-12-29T00:00:00Z", "2011-12-31T00:00:00Z",
			[]string{"2011-12-29T09:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T09:00:00+14:00"}},
		{"SKIP a skipped date", "0 0 9 30 12 *", "Pacific/Apia", DST{Gap: GapSkip}, "2011-12-29T00:00:00Z",
			"2012-12-31T00:00:00Z",
			[]string{"2012-12-30T09:00:00+14:00"}},
		{"BEFORE a skipped date", "0 0 9 30 12 *", "Pacific/Apia", DST{Gap: GapBefore}, "2011-12-29T00:00:00Z",
			"2012-01-01T00:00:00Z",
			[]string{"2011-12-29T23:59:59-10:00"}},
		// Asia/Kathmandu has been at +05:45 since 1986-01-01 00:00 (+05:30 before).
		{"an odd offset", "0 0 6 * * *", "Asia/Kathmandu", DST{}, "2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z",
			[]string{"2026-05-01T06:00:00+05:45"}},
		{"a quarter-hour gap", "0 10 0 1 1 *", "Asia/Kathmandu", DST{}, "1985-12-31T00:00:00Z", "1986-01-02T00:00:00Z",
			[]string{"1986-01-01T00:15:00+05:45"}},
		// Antarctica/Troll 2026-03-29: 00:59:59+00 -> 03:00:00+02.
		{"a two-hour gap", "0 30 1,2 * * *", "Antarctica/Troll", DST{}, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z",
			[]string{"2026-03-29T03:00:00+02:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := mustParse(t, c.text, c.zone, c.dst)
			if got := fires(t, s, c.from, c.to); !slices.Equal(got, c.want) {
				t.Errorf("%q %+v in %s:\n got %v\nwant %v", c.text, c.dst, c.zone, got, c.want)
			}
			checkBackwards(t, s, c.from, c.to, c.want)
		})
	}
}

// checkBackwards reads the same fires from the other end.
func checkBackwards(t *testing.T, s *Schedule, from, to string, want []string) {
	t.Helper()
	at, start := unix(t, to), unix(t, from)
	for i := len(want) - 1; i >= 0; i-- {
		prev, ok := s.Prev(at, Binding{})
		if !ok || local(s, prev) != want[i] {
			t.Errorf("Prev(%s) = %s, want %s", local(s, at), local(s, prev), want[i])
		}
		at = prev
	}
	if prev, ok := s.Prev(at, Binding{}); ok && prev >= start {
		t.Errorf("Prev finds %s too", local(s, prev))
	}
}

func TestDSTChoices(t *testing.T) {
	for _, c := range []struct {
		dst   DST
		field string
	}{{DST{Gap: "LATER"}, "dst.gap"}, {DST{Gap: "after"}, "dst.gap"}, {DST{Fold: "THIRD"}, "dst.fold"}} {
		_, err := Parse("@daily", "", c.dst)
		var e *Error
		if !errors.As(err, &e) || e.Field != c.field || e.Hint == "" {
			t.Errorf("%+v: %v", c.dst, err)
		}
	}
	if mustParse(t, "@daily", "", DST{}) != mustParse(t, "@daily", "", DST{GapAfter, FoldFirst}) {
		t.Error("the defaults, spelled out, are another schedule")
	}
}
