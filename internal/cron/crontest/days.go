package crontest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// lastOf is the last day of the month of a date.
func lastOf(r time.Time) int { return time.Date(r.Year(), r.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day() }

// dayRule reads one item of the day of the month.
func dayRule(text string, seed uint64) (func(time.Time) bool, error) {
	switch {
	case text == "L":
		return func(r time.Time) bool { return r.Day() == lastOf(r) }, nil
	case text == "LW":
		return func(r time.Time) bool { return r.Day() == nearest(r, lastOf(r)) }, nil
	case strings.HasPrefix(text, "L-"):
		n, err := strconv.Atoi(text[2:])
		return func(r time.Time) bool { return r.Day() == lastOf(r)-n }, err
	case strings.HasSuffix(text, "W"):
		n, err := strconv.Atoi(strings.TrimSuffix(text, "W"))
		return func(r time.Time) bool { return n <= lastOf(r) && r.Day() == nearest(r, n) }, err
	}
	set := map[int]bool{}
	err := addValues(set, text, 3, 1, 31, seed)
	return func(r time.Time) bool { return set[r.Day()] }, err
}

// nearest tries the days around a day of the month, nearest first, until one is a weekday of the same month.
func nearest(r time.Time, n int) int {
	for _, away := range []int{0, -1, +1, -2, +2} {
		d := time.Date(r.Year(), r.Month(), n+away, 0, 0, 0, 0, time.UTC)
		if d.Month() == r.Month() && d.Weekday() != time.Saturday && d.Weekday() != time.Sunday {
			return d.Day()
		}
	}
	panic("crontest: a month without weekdays")
}

// weekdayRule reads one item of the day of the week.
func weekdayRule(text string, seed uint64) (func(time.Time) bool, error) {
	if name, nth, ok := strings.Cut(text, "#"); ok {
		wd, err := number(name)
		k, err2 := strconv.Atoi(nth)
		if err != nil || err2 != nil {
			return nil, fmt.Errorf("crontest: item %q", text)
		}
		return func(r time.Time) bool { return int(r.Weekday()) == wd%7 && (r.Day()+6)/7 == k }, nil
	}
	if name, ok := strings.CutSuffix(text, "L"); ok && name != "" {
		wd, err := number(name)
		return func(r time.Time) bool { return int(r.Weekday()) == wd%7 && r.Day()+7 > lastOf(r) }, err
	}
	set := map[int]bool{}
	err := addValues(set, text, 5, 0, 6, seed)
	return func(r time.Time) bool { return set[int(r.Weekday())] }, err
}
