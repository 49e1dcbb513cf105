package cron

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestCalendarAgainstTime walks every day of the supported range and its edges, with package time as the judge.
func TestCalendarAgainstTime(t *testing.T) {
	day := time.Date(1969, 12, 1, 0, 0, 0, 0, time.UTC)
	for n := int64(-31); n <= lastDay; n++ {
		y, m, d := day.Date()
		if gy, gm, gd := dateOf(n); gy != y || gm != int(m) || gd != d {
			t.Fatalf("dateOf(%d) = %d-%d-%d, want %s", n, gy, gm, gd, day.Format(time.DateOnly))
		}
		if got := daysOf(y, int(m), d); got != n {
			t.Fatalf("daysOf(%s) = %d, want %d", day.Format(time.DateOnly), got, n)
		}
		if got := weekdayOf(n); got != uint(day.Weekday()) {
			t.Fatalf("weekdayOf(%s) = %d", day.Format(time.DateOnly), got)
		}
		next := day.AddDate(0, 0, 1)
		if last := next.Day() == 1; last != (monthDays(y, int(m)) == d) {
			t.Fatalf("monthDays(%d, %d) = %d", y, m, monthDays(y, int(m)))
		}
		day = next
	}
}

func TestSplit(t *testing.T) {
	for wall, want := range map[int64][2]int64{
		0: {0, 0}, 86_399: {0, 86_399}, 86_400: {1, 0}, -1: {-1, 86_399}, -86_400: {-1, 0}, -86_401: {-2, 86_399},
		MaxInstant: {84_005, 86_399},
	} {
		if day, second := split(wall); day != want[0] || second != want[1] {
			t.Errorf("split(%d) = %d, %d", wall, day, second)
		}
	}
}

func TestYearSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		years := rapid.SliceOfN(rapid.IntRange(firstYear, lastYear), 0, 4).Draw(t, "years")
		var s yearSet
		for _, y := range years {
			s.add(y)
		}
		from := rapid.IntRange(firstYear, lastYear).Draw(t, "from")
		after, before, has := lastYear+1, firstYear-1, false
		for _, y := range years {
			if y >= from {
				after = min(after, y)
			}
			if y <= from {
				before = max(before, y)
			}
			has = has || y == from
		}
		if s.atOrAfter(from) != after || s.atOrBefore(from) != before || s.has(from) != has {
			t.Fatalf("%v at %d: %d, %d, %v", years, from, s.atOrAfter(from), s.atOrBefore(from), s.has(from))
		}
	})
}

// TestWallSearchIsExact: on the wall clock alone, Next and Prev against the set of the day's seconds by brute force.
func TestWallSearchIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := fields{
			second: rapid.Uint64Range(1, 1<<60-1).Draw(t, "second"),
			minute: rapid.Uint64Range(1, 1<<60-1).Draw(t, "minute"),
			hour:   rapid.Uint64Range(1, 1<<24-1).Draw(t, "hour"),
		}
		from := rapid.Int64Range(0, daySeconds-1).Draw(t, "from")
		match := func(s int64) bool {
			return f.hour>>(s/3600)&1 == 1 && f.minute>>(s/60%60)&1 == 1 && f.second>>(s%60)&1 == 1
		}
		up, down := from, from
		for up < daySeconds && !match(up) {
			up++
		}
		for down >= 0 && !match(down) {
			down--
		}
		if up == daySeconds {
			up = -1
		}
		if got := f.timeFrom(from); got != up {
			t.Fatalf("timeFrom(%d) = %d, want %d", from, got, up)
		}
		if got := f.timeUpTo(from); got != down {
			t.Fatalf("timeUpTo(%d) = %d, want %d", from, got, down)
		}
	})
}
