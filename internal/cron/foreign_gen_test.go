package cron

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// meaning is what a generated text means in its own scheduler. The generator makes it
// together with the text, so no reader of texts is involved. It reports whether a reading
// of the clock matches.
type meaning struct {
	text        string
	clock       [3]func(int) bool // second, minute, hour
	month, year func(int) bool
	day         func(time.Time) bool
}

func always(int) bool { return true }

// genValues generates a field, which is a list of values, ranges and steps within lo..hi,
// and a function that tests whether a value is in it. between is the sign of a range;
// round allows ranges that wrap around after hi.
func genValues(t *rapid.T, label string, lo, hi int, between string, round bool, name func(int) string) (string,
	func(int) bool) {
	var texts []string
	var tests []func(int) bool
	for range rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, label) {
		a, b := rapid.IntRange(lo, hi).Draw(t, "a"), rapid.IntRange(lo, hi).Draw(t, "b")
		step := rapid.IntRange(1, hi-lo+1).Draw(t, "step")
		if !round && a > b {
			a, b = b, a
		}
		length := ((b-a)+(hi-lo+1))%(hi-lo+1) + 1
		nth := func(v int) int { return ((v - a) + (hi - lo + 1)) % (hi - lo + 1) } // steps of one from a to v
		switch rapid.SampledFrom([]string{"v", "v", "a-b", "a-b/s", "a/s", "*/s"}).Draw(t, "form") {
		case "v":
			texts, tests = append(texts, name(a)), append(tests, func(v int) bool { return v == a })
		case "a-b":
			texts = append(texts, name(a)+between+name(b))
			tests = append(tests, func(v int) bool { return nth(v) < length })
		case "a-b/s":
			texts = append(texts, fmt.Sprintf("%s%s%s/%d", name(a), between, name(b), step))
			tests = append(tests, func(v int) bool { return nth(v) < length && nth(v)%step == 0 })
		case "a/s":
			texts = append(texts, fmt.Sprintf("%s/%d", name(a), step))
			tests = append(tests, func(v int) bool { return v >= a && (v-a)%step == 0 })
		default:
			texts = append(texts, fmt.Sprintf("*/%d", step))
			tests = append(tests, func(v int) bool { return (v-lo)%step == 0 })
		}
	}
	return strings.Join(texts, ","), func(v int) bool {
		return slices.ContainsFunc(tests, func(test func(int) bool) bool { return test(v) })
	}
}

// genOrStar is genValues, or *.
func genOrStar(t *rapid.T, label string, lo, hi int, between string, round bool, name func(int) string) (string,
	func(int) bool) {
	if rapid.Bool().Draw(t, label+" open") {
		return "*", always
	}
	return genValues(t, label, lo, hi, between, round, name)
}

func plainName(v int) string { return fmt.Sprint(v) }

// namedFrom names value first as names[0], or leaves the number.
func namedFrom(t *rapid.T, first int, names ...string) func(int) string {
	return func(v int) string {
		if rapid.Bool().Draw(t, "named") {
			return names[v-first]
		}
		return fmt.Sprint(v)
	}
}

var (
	weekdaysFromSunday = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
	monthsFromJanuary  = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
)

func lastOf(at time.Time) int {
	return time.Date(at.Year(), at.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// workdayNear is the day of the month that nW names, 0 if the month has no day n.
func workdayNear(at time.Time, n int) int {
	if n > lastOf(at) {
		return 0
	}
	on := func(day int) time.Weekday {
		return time.Date(at.Year(), at.Month(), day, 0, 0, 0, 0, time.UTC).Weekday()
	}
	for _, by := range []int{0, -1, 1, -2, 2} { // Saturday goes back, Sunday on, unless that leaves the month
		if day := n + by; day >= 1 && day <= lastOf(at) && on(day) != time.Saturday && on(day) != time.Sunday {
			return day
		}
	}
	return 0
}

// genQuartzDays draws the day fields of EventBridge and Quartz, one of which is ?.
func genQuartzDays(t *rapid.T) (dom, dow string, test func(time.Time) bool) {
	n := rapid.IntRange(1, 31).Draw(t, "day")
	wd := rapid.IntRange(1, 7).Draw(t, "weekday") // 1 is Sunday
	named := namedFrom(t, 1, weekdaysFromSunday...)
	weekday := func(at time.Time) int { return int(at.Weekday()) + 1 }
	switch rapid.SampledFrom([]string{"dom", "dow", "dow", "L", "L-n", "LW", "nW", "L of week", "nL", "n#k"}).Draw(
		t, "days") {
	case "dom":
		text, values := genOrStar(t, "dom", 1, 31, "-", false, plainName)
		return text, "?", func(at time.Time) bool { return values(at.Day()) }
	case "dow":
		text, values := genOrStar(t, "dow", 1, 7, "-", true, named)
		return "?", text, func(at time.Time) bool { return values(weekday(at)) }
	case "L":
		return "L", "?", func(at time.Time) bool { return at.Day() == lastOf(at) }
	case "L-n":
		n = min(n, 30)
		return fmt.Sprintf("L-%d", n), "?", func(at time.Time) bool { return at.Day() == lastOf(at)-n }
	case "LW":
		return "LW", "?", func(at time.Time) bool { return at.Day() == workdayNear(at, lastOf(at)) }
	case "nW":
		return fmt.Sprintf("%dW", n), "?", func(at time.Time) bool { return at.Day() == workdayNear(at, n) }
	case "L of week":
		return "?", "L", func(at time.Time) bool { return at.Weekday() == time.Saturday }
	case "nL":
		return "?", named(wd) + "L", func(at time.Time) bool {
			return weekday(at) == wd &&
				at.AddDate(0, 0, 7).Month() != at.Month()
		}
	}
	k := rapid.IntRange(1, 5).Draw(t, "k")
	return "?", fmt.Sprintf("%s#%d", named(wd), k),
		func(at time.Time) bool { return weekday(at) == wd && (at.Day()+6)/7 == k }
}

// genYears draws a year field.
func genYears(t *rapid.T) (string, func(int) bool) {
	y := rapid.IntRange(2024, 2028).Draw(t, "year")
	switch rapid.SampledFrom([]string{"*", "*", "y", "y-y", "y/s"}).Draw(t, "years") {
	case "y":
		return fmt.Sprint(y), func(v int) bool { return v == y }
	case "y-y":
		return fmt.Sprintf("%d-%d", y, y+1), func(v int) bool { return v == y || v == y+1 }
	case "y/s":
		return fmt.Sprintf("%d/2", y), func(v int) bool { return v >= y && (v-y)%2 == 0 }
	}
	return "*", always
}

// genEventBridge draws cron(..), or its six fields alone.
func genEventBridge(t *rapid.T) *meaning {
	m := &meaning{}
	m.clock[0] = func(v int) bool { return v == 0 }
	var texts [6]string
	texts[0], m.clock[1] = genOrStar(t, "minute", 0, 59, "-", true, plainName)
	texts[1], m.clock[2] = genOrStar(t, "hour", 0, 23, "-", true, plainName)
	texts[2], texts[4], m.day = genQuartzDays(t)
	texts[3], m.month = genOrStar(t, "month", 1, 12, "-", true, namedFrom(t, 1, monthsFromJanuary...))
	texts[5], m.year = genYears(t)
	m.text = strings.Join(texts[:], " ")
	if rapid.Bool().Draw(t, "called") {
		m.text = "cron(" + m.text + ")"
	}
	return m
}

// genQuartz draws six or seven fields that only Quartz has, with L for Saturday.
func genQuartz(t *rapid.T) *meaning {
	m := &meaning{year: always}
	var texts []string
	for i, most := range []int{59, 59, 23} {
		text, values := genOrStar(t, "clock", 0, most, "-", true, plainName)
		m.clock[i], texts = values, append(texts, text)
	}
	month, values := genOrStar(t, "month", 1, 12, "-", true, namedFrom(t, 1, monthsFromJanuary...))
	m.month = values
	m.day = func(at time.Time) bool { return at.Weekday() == time.Saturday }
	texts = append(texts, "?", month, "L")
	if rapid.Bool().Draw(t, "with a year") {
		var year string
		year, m.year = genYears(t)
		texts = append(texts, year)
	}
	m.text = strings.Join(texts, " ")
	return m
}

// genSystemd draws a calendar event: all its parts have to match, and weeks begin on Monday.
func genSystemd(t *rapid.T) *meaning {
	m := &meaning{year: always}
	var clock [3]string
	for i, most := range []int{59, 59, 23} {
		clock[i], m.clock[i] = genOrStar(t, "clock", 0, most, "..", false,
			func(v int) string { return fmt.Sprintf("%02d", v) })
	}
	month, months := genOrStar(t, "month", 1, 12, "..", false, plainName)
	m.month = months
	weekdays, onWeekday := "", func(int) bool { return true }
	if rapid.Bool().Draw(t, "with weekdays") {
		a := rapid.IntRange(0, 6).Draw(t, "from")
		b := rapid.IntRange(a, 6).Draw(t, "to")
		names := []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}
		weekdays, onWeekday = names[a]+" ", func(v int) bool { return v == a }
		if b > a {
			weekdays, onWeekday = names[a]+".."+names[b]+" ", func(v int) bool { return v >= a && v <= b }
		}
	}
	day, sign, onDay := "*", "-", func(time.Time) bool { return true }
	n := rapid.IntRange(1, 31).Draw(t, "day")
	switch rapid.SampledFrom([]string{"*", "*", "days", "~n", "~n/s", "week"}).Draw(t, "days") {
	case "days":
		text, values := genValues(t, "dom", 1, 31, "..", false, plainName)
		day, onDay = text, func(at time.Time) bool { return values(at.Day()) }
	case "~n":
		day, sign, onDay = fmt.Sprint(n), "~", func(at time.Time) bool { return at.Day() == lastOf(at)-n+1 }
	case "~n/s":
		n = min(n, 28) // beyond the shortest month systemd's own repetition is in doubt
		step := rapid.IntRange(1, 7).Draw(t, "every")
		day, sign = fmt.Sprintf("%d/%d", n, step), "~"
		onDay = func(at time.Time) bool { d := at.Day() - (lastOf(at) - n + 1); return d >= 0 && d%step == 0 }
	case "week":
		k := rapid.IntRange(0, 3).Draw(t, "week")
		day, onDay = fmt.Sprintf("%d..%d", 7*k+1, 7*k+7), func(at time.Time) bool { return (at.Day()-1)/7 == k }
	}
	m.day = func(at time.Time) bool { return onDay(at) && onWeekday((int(at.Weekday())+6)%7) }
	m.text = fmt.Sprintf("%s*-%s%s%s %s:%s:%s", weekdays, month, sign, day, clock[2], clock[1], clock[0])
	return m
}

// TestHintsMeanTheSame: if a generated text of another scheduler gets an offer, the offer
// fires at exactly the readings at which the text fires there, on days of two years and
// at moments around each of its fires.
func TestHintsMeanTheSame(t *testing.T) {
	for _, notation := range []struct {
		name  string
		draw  func(*rapid.T) *meaning
		least int // offers out of a hundred texts
	}{{"EventBridge", genEventBridge, 80}, {"Quartz", genQuartz, 80}, {"systemd", genSystemd, 40}} {
		t.Run(notation.name, func(t *testing.T) {
			texts, offers := 0, 0
			rapid.Check(t, func(t *rapid.T) {
				m := notation.draw(t)
				texts++
				if offered(t, m) {
					offers++
				}
			})
			if offers*100 < notation.least*texts {
				t.Errorf("%d texts got %d offers: hardly anything was compared", texts, offers)
			}
		})
	}
}

// offered compares the offer for a text with its meaning, and reports whether there is one.
func offered(t *rapid.T, m *meaning) bool {
	s, err := Parse(m.text, "", DST{})
	if err == nil {
		t.Fatalf("%q is taken: %s", m.text, s.Describe(Binding{}))
	}
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Suggestion == nil {
		return false
	}
	if s, err = Parse(e.Suggestion.Schedule, "", DST{}); err != nil {
		t.Fatalf("%q: %v", m.text, err)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 60 {
		at := start.AddDate(0, 0, rapid.IntRange(0, 730).Draw(t, "day")).
			Add(time.Duration(rapid.IntRange(0, 86_399).Draw(t, "second")) * time.Second)
		compareNext(t, m, s, at)
	}
	return true
}

// compareNext finds the first fire after an instant by the meaning, within 40 days:
// second by second on days that may have fires, otherwise day by day. It compares that
// with the fire of the schedule.
func compareNext(t *rapid.T, m *meaning, s *Schedule, after time.Time) {
	next, ok := s.Next(after.Unix(), Binding{})
	limit := after.AddDate(0, 0, 40)
	want, found := m.next(after, limit)
	if ok = ok && next <= limit.Unix(); ok != found || ok && next != want.Unix() {
		t.Fatalf("%q, offered %q: after %s comes %s (%v), want %s (%v)", m.text, s, after, local(s, next),
			ok, want, found)
	}
}

func (m *meaning) next(after, limit time.Time) (time.Time, bool) {
	at := after.Add(time.Second)
	for !at.After(limit) {
		switch {
		case !m.month(int(at.Month())) || !m.year(at.Year()) || !m.day(at):
			at = at.Truncate(24 * time.Hour).Add(24 * time.Hour)
		case !m.clock[2](at.Hour()):
			at = at.Truncate(time.Hour).Add(time.Hour)
		case !m.clock[1](at.Minute()):
			at = at.Truncate(time.Minute).Add(time.Minute)
		case !m.clock[0](at.Second()):
			at = at.Add(time.Second)
		default:
			return at, true
		}
	}
	return time.Time{}, false
}
