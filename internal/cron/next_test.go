package cron

import (
	"slices"
	"testing"
	"time"
)

// TestNextByHand compares the schedules with dates that were looked up, not computed by
// this code. Calendar facts used: 2026-01-01 is a Thursday and 2024-01-01 a Monday
// (cal(1)); February 2026 begins on a Sunday; leap years are 2024, 2028, .., and 2096,
// but not 2100; 2026-05-31 is a Sunday; the Fridays of May 2026 are 1, 8, 15, 22, 29.
func TestNextByHand(t *testing.T) {
	for _, c := range []struct {
		text, after string
		want        []string
	}{
		{"* * * * * *", "2026-01-01T00:00:00Z", []string{"2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"}},
		{"* * * * *", "2026-01-01T00:00:00Z", []string{"2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"}},
		{"0 30 9 * * MON-FRI", "2026-01-02T09:30:00Z", []string{"2026-01-05T09:30:00Z", "2026-01-06T09:30:00Z"}},
		{"5/15 * * * * *", "2026-01-01T00:00:00Z", []string{"2026-01-01T00:00:05Z", "2026-01-01T00:00:20Z",
			"2026-01-01T00:00:35Z", "2026-01-01T00:00:50Z", "2026-01-01T00:01:05Z"}},
		{"0 10-40/15 12 * * *", "2026-01-01T00:00:00Z",
			[]string{"2026-01-01T12:10:00Z", "2026-01-01T12:25:00Z", "2026-01-01T12:40:00Z", "2026-01-02T12:10:00Z"}},
		{"0 0 22-2 * * *", "2026-01-01T12:00:00Z", []string{"2026-01-01T22:00:00Z", "2026-01-01T23:00:00Z",
			"2026-01-02T00:00:00Z", "2026-01-02T01:00:00Z", "2026-01-02T02:00:00Z", "2026-01-02T22:00:00Z"}},
		{"0 0 22-3/2 * * *", "2026-01-01T12:00:00Z", []string{"2026-01-01T22:00:00Z", "2026-01-02T00:00:00Z",
			"2026-01-02T02:00:00Z", "2026-01-02T22:00:00Z"}},
		{"0 0 0 * * FRI-MON", "2026-01-01T00:00:00Z",
			[]string{"2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z", "2026-01-05T00:00:00Z",
				"2026-01-09T00:00:00Z"}},
		{"0 0 0 * * 5-7", "2026-01-01T00:00:00Z", []string{"2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z",
			"2026-01-04T00:00:00Z", "2026-01-09T00:00:00Z"}},
		{"0 0 0 * * 7", "2026-01-01T00:00:00Z", []string{"2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z"}},
		{"0 0 0 * * 0", "2026-01-01T00:00:00Z", []string{"2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z"}},
		{"0 0 0 * * 7-2", "2026-01-01T00:00:00Z", []string{"2026-01-04T00:00:00Z", "2026-01-05T00:00:00Z",
			"2026-01-06T00:00:00Z", "2026-01-11T00:00:00Z"}},
		{"0 0 0 1 nov-feb ?", "2026-01-01T00:00:00Z",
			[]string{"2026-02-01T00:00:00Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"}},
		{"0 0 0 30-2 * *", "2026-02-01T12:00:00Z", []string{"2026-02-02T00:00:00Z", "2026-03-01T00:00:00Z",
			"2026-03-02T00:00:00Z", "2026-03-30T00:00:00Z"}},
		// Either day field: Friday the 13th and every other Friday and 13th.
		{"0 0 0 13 * FRI", "2026-02-01T00:00:00Z", []string{"2026-02-06T00:00:00Z", "2026-02-13T00:00:00Z",
			"2026-02-20T00:00:00Z", "2026-02-27T00:00:00Z", "2026-03-06T00:00:00Z", "2026-03-13T00:00:00Z"}},
		{"0 0 0 */1 * FRI", "2026-01-01T00:00:00Z", []string{"2026-01-02T00:00:00Z", "2026-01-09T00:00:00Z"}},
		{"0 0 0 1-31 * FRI", "2026-01-01T00:00:00Z", []string{"2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"}},
		{"0 0 0 ? * ?", "2026-01-01T00:00:00Z", []string{"2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"}},
		{"0 0 0 L * ?", "2026-01-31T00:00:00Z", []string{"2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z",
			"2026-04-30T00:00:00Z"}},
		{"0 0 0 L 2 ?", "2027-06-01T00:00:00Z", []string{"2028-02-29T00:00:00Z", "2029-02-28T00:00:00Z"}},
		{"0 0 0 L-3 * ?", "2026-01-01T00:00:00Z", []string{"2026-01-28T00:00:00Z", "2026-02-25T00:00:00Z"}},
		{"0 0 0 L-30 * ?", "2026-01-31T00:00:00Z", []string{"2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z"}},
		{"0 0 0 LW * ?", "2026-01-01T00:00:00Z", []string{"2026-01-30T00:00:00Z", "2026-02-27T00:00:00Z",
			"2026-03-31T00:00:00Z", "2026-04-30T00:00:00Z", "2026-05-29T00:00:00Z"}},
		// 2026-08-15 is a Saturday, 2026-11-15 a Sunday, 2026-08-01 a Saturday, 2026-02-01 and 2026-11-01 Sundays.
		{"0 0 0 15W 8,11 ?", "2026-01-01T00:00:00Z", []string{"2026-08-14T00:00:00Z", "2026-11-16T00:00:00Z"}},
		{"0 0 0 1W 2,8,11 ?", "2026-01-01T00:00:00Z",
			[]string{"2026-02-02T00:00:00Z", "2026-08-03T00:00:00Z", "2026-11-02T00:00:00Z"}},
		{"0 0 0 31W 5 ?", "2026-01-01T00:00:00Z", []string{"2026-05-29T00:00:00Z", "2027-05-31T00:00:00Z"}},
		{"0 0 0 31W 4-5 ?", "2026-01-01T00:00:00Z", []string{"2026-05-29T00:00:00Z"}},
		{"0 0 0 ? * FRI#2", "2026-05-01T00:00:00Z", []string{"2026-05-08T00:00:00Z", "2026-06-12T00:00:00Z"}},
		{"0 0 0 ? * 5#5", "2026-05-01T00:00:00Z", []string{"2026-05-29T00:00:00Z", "2026-07-31T00:00:00Z",
			"2026-10-30T00:00:00Z"}},
		{"0 0 0 ? * FRIL", "2026-05-01T00:00:00Z", []string{"2026-05-29T00:00:00Z", "2026-06-26T00:00:00Z"}},
		{"0 0 0 ? * 0L", "2026-05-01T00:00:00Z", []string{"2026-05-31T00:00:00Z", "2026-06-28T00:00:00Z"}},
		{"0 0 0 ? * 7#1,SATL", "2026-05-01T00:00:00Z",
			[]string{"2026-05-03T00:00:00Z", "2026-05-30T00:00:00Z", "2026-06-07T00:00:00Z"}},
		{"0 0 0 1,LW * FRI#2", "2026-05-01T00:00:00Z",
			[]string{"2026-05-08T00:00:00Z", "2026-05-29T00:00:00Z", "2026-06-01T00:00:00Z"}},
		{"0 0 0 29 2 *", "2092-03-01T00:00:00Z", []string{"2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"}},
		// Leap days on a Monday: 2044 and 2072; then not before 2112, since 2100 is no leap
		// year (weekdays repeat after 28 years, and after 40 across such a century).
		{"0 0 0 ? 2 MON#5", "2026-01-01T00:00:00Z", []string{"2044-02-29T00:00:00Z", "2072-02-29T00:00:00Z",
			"2112-02-29T00:00:00Z"}},
		{"0 0 12 1 1 ? 2030", "2026-01-01T00:00:00Z", []string{"2030-01-01T12:00:00Z"}},
		{"0 0 12 1 1 ? 2026/4", "2026-01-01T12:00:00Z", []string{"2030-01-01T12:00:00Z", "2034-01-01T12:00:00Z"}},
		{"@yearly", "2026-01-01T00:00:00Z", []string{"2027-01-01T00:00:00Z"}},
		{"@annually", "2026-01-01T00:00:00Z", []string{"2027-01-01T00:00:00Z"}},
		{"@monthly", "2026-01-01T00:00:00Z", []string{"2026-02-01T00:00:00Z"}},
		{"@WEEKLY", "2026-01-01T00:00:00Z", []string{"2026-01-04T00:00:00Z"}},
		{"@daily", "2026-01-01T00:00:00Z", []string{"2026-01-02T00:00:00Z"}},
		{" @midnight\t", "2026-01-01T00:00:00Z", []string{"2026-01-02T00:00:00Z"}},
		{"@hourly", "2026-01-01T00:00:00Z", []string{"2026-01-01T01:00:00Z"}},
	} {
		s := mustParse(t, c.text, "UTC", DST{})
		at := unix(t, c.after)
		var got []string
		for range c.want {
			next, _ := s.Next(at, Binding{})
			got = append(got, time.Unix(next, 0).UTC().Format(time.RFC3339))
			at = next
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q after %s:\n got %v\nwant %v", c.text, c.after, got, c.want)
		}
	}
}

// TestEdgesOfTime: what happens at both ends of the supported range, and far outside of it.
func TestEdgesOfTime(t *testing.T) {
	for _, zone := range []string{"UTC", "Pacific/Kiritimati", "America/Los_Angeles", "Europe/Berlin"} {
		s := mustParse(t, "* * * * * *", zone, DST{})
		for _, after := range []int64{-1 << 63, -1 << 40, -2, -1} {
			if got, ok := s.Next(after, Binding{}); !ok || got != MinInstant {
				t.Errorf("%s: Next(%d) = %d, %v", zone, after, got, ok)
			}
		}
		for _, before := range []int64{1<<63 - 1, 1 << 40, MaxInstant + 2, MaxInstant + 1} {
			if got, ok := s.Prev(before, Binding{}); !ok || got != MaxInstant {
				t.Errorf("%s: Prev(%d) = %d, %v", zone, before, got, ok)
			}
		}
		for _, after := range []int64{MaxInstant, MaxInstant + 1, 1<<63 - 1} {
			if got, ok := s.Next(after, Binding{}); ok {
				t.Errorf("%s: Next(%d) = %d", zone, after, got)
			}
		}
		for _, before := range []int64{MinInstant, -1, -1 << 63} {
			if got, ok := s.Prev(before, Binding{}); ok {
				t.Errorf("%s: Prev(%d) = %d", zone, before, got)
			}
		}
		if got, ok := s.Next(MaxInstant-1, Binding{}); !ok || got != MaxInstant {
			t.Errorf("%s: the last instant is %d, %v", zone, got, ok)
		}
	}
	past := mustParse(t, "0 0 0 1 1 ? 1999", "Europe/Berlin", DST{})
	if got, ok := past.Next(unix(t, "2026-01-01T00:00:00Z"), Binding{}); ok {
		t.Errorf("a year that is over fires at %d", got)
	}
	if got, ok := past.Prev(unix(t, "2026-01-01T00:00:00Z"), Binding{}); !ok ||
		local(past, got) != "1999-01-01T00:00:00+01:00" {
		t.Errorf("its last fire was %s, %v", local(past, got), ok)
	}
}

// TestEdgesOfTheCalendar: the first and last hours of the range lie in other years in zones far from Greenwich.
func TestEdgesOfTheCalendar(t *testing.T) {
	east := mustParse(t, "0 0 5 1 1 ?", "Pacific/Kiritimati", DST{})
	last := unix(t, "2200-01-01T05:00:00+14:00")
	if got, ok := east.Next(unix(t, "2199-06-01T00:00:00Z"), Binding{}); !ok || got != last {
		t.Errorf("the last new year is %s, %v", local(east, got), ok)
	}
	if got, ok := east.Next(last-1, Binding{}); !ok || got != last {
		t.Errorf("a second before it, it is %s, %v", local(east, got), ok)
	}
	if got, ok := east.Next(last, Binding{}); ok {
		t.Errorf("and one more at %s", local(east, got))
	}
	if got, ok := east.Prev(MaxInstant+1, Binding{}); !ok || got != last {
		t.Errorf("from the end, the last new year is %s, %v", local(east, got), ok)
	}
	west := mustParse(t, "0 0 20 31 12 ?", "America/Los_Angeles", DST{})
	first := unix(t, "1969-12-31T20:00:00-08:00")
	if got, ok := west.Next(-1, Binding{}); !ok || got != first {
		t.Errorf("the first new year's eve is %s, %v", local(west, got), ok)
	}
	if got, ok := west.Prev(first, Binding{}); ok {
		t.Errorf("and one before at %s", local(west, got))
	}
	if got, ok := west.Prev(unix(t, "1970-06-01T00:00:00Z"), Binding{}); !ok || got != first {
		t.Errorf("from the other side it is %s, %v", local(west, got), ok)
	}
	for _, text := range []string{"0 0 5 1 1 ? 2199", "0 0 5 1 1 ? 1970"} {
		s := mustParse(t, text, "Europe/Berlin", DST{})
		if got, ok := s.Next(-1, Binding{}); !ok || local(s, got)[:4] != text[12:] {
			t.Errorf("%q: %s, %v", text, local(s, got), ok)
		}
	}
}

func TestNextDoesNotAllocate(t *testing.T) {
	for _, text := range []string{"*/15 * * * * *", "0 30 2 * * *", "0 0 0 LW,15W * FRI#2", "H H(0-7) * * *",
		"@every 90m", "@at 2026-01-01T00:00:00Z"} {
		for _, zone := range []string{"UTC", "Europe/Berlin"} {
			s := mustParse(t, text, zone, DST{})
			at := unix(t, "2026-03-28T00:00:00Z")
			if n := testing.AllocsPerRun(100, func() {
				s.Next(at, Binding{Seed: 7})
				s.Prev(at, Binding{Seed: 7})
				at += 3601
			}); n != 0 {
				t.Errorf("%q in %s: %v allocations", text, zone, n)
			}
		}
	}
}
