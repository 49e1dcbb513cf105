package dialect

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// calendar is a calendar event of systemd taken apart. Each part is the text of its component; weekdays is empty when
// none are named.
type calendar struct {
	weekdays                               string
	year, month, day, hour, minute, second string
	fromEnd                                bool // the day counts from the end of the month
	zone                                   string
}

// words of systemd that stand for a calendar event.
var calendarWords = map[string]string{
	"minutely": "*-*-* *:*:00", "hourly": "*-*-* *:00:00", "daily": "*-*-* 00:00:00", "monthly": "*-*-01 00:00:00",
	"weekly": "Mon *-*-* 00:00:00", "yearly": "*-01-01 00:00:00", "annually": "*-01-01 00:00:00",
	"quarterly": "*-01,04,07,10-01 00:00:00", "semiannually": "*-01,07-01 00:00:00",
	"semi-annually": "*-01,07-01 00:00:00",
}

// errNeverDay is the error of a single date that never comes.
var errNeverDay = errors.New("no such day")

const systemdNotation = "is systemd's notation"

// readSystemd reads a calendar event, as in OnCalendar=.
func readSystemd(text string) (Reading, bool) {
	rest, named := strings.CutPrefix(text, "OnCalendar=")
	if r, ok := readCalendar(strings.Trim(rest, ` "'`)); ok {
		return r, true
	}
	if _, ok := span(rest); named && !ok || strings.Contains(text, "*-*-") {
		return explained(systemdNotation, "but no calendar event that is known here: those are of the form Mon..Fri "+
			"*-*-* 08..18:00/5")
	}
	return Reading{}, false
}

// readCalendar is readSystemd for what follows OnCalendar=.
func readCalendar(text string) (Reading, bool) {
	why := ""
	words := strings.Fields(text)
	if len(words) > 0 && calendarWords[strings.ToLower(words[0])] != "" {
		if strings.EqualFold(words[0], "weekly") {
			why = "weekly is Monday there, @weekly is Sunday here"
		}
		words = append(strings.Fields(calendarWords[strings.ToLower(words[0])]), words[1:]...)
	}
	var c calendar
	if !c.take(words) {
		return Reading{}, false
	}
	rule, err := c.rule()
	if errors.Is(err, errNeverDay) {
		return explained(systemdNotation, "no such day: the date does not exist, or is not on that weekday")
	}
	if err != nil {
		return Reading{}, false
	}
	r := Reading{Problem: systemdNotation, Zone: c.zone, Rule: rule, Why: why}
	if rule.Kind == Instant {
		return r, true
	}
	offer, ok := c.text()
	if !ok {
		return explained(systemdNotation, "systemd asks for the weekday and the date, fields here for either of them: "+
			"only whole weeks (FRI#2) and the last one (FRIL) can be said")
	}
	r.Offer = offer
	if short := "@" + strings.ToLower(text); named[short] != "" && why == "" {
		r.Offer = short
	}
	return r, true
}

// take sorts the words: weekdays, date, time, zone.
func (c *calendar) take(words []string) bool {
	if n := len(words); n > 1 && looksLikeZone(words[n-1]) {
		c.zone, words = words[n-1], words[:n-1]
	}
	c.year, c.month, c.day, c.hour, c.minute, c.second = "*", "*", "*", "0", "0", "0"
	// "Mon, Tue 10:00": a blank after the comma
	for len(words) > 1 && strings.HasSuffix(words[0], ",") && isWeekday(strings.TrimSuffix(words[0], ",")) {
		words = append([]string{words[0] + words[1]}, words[2:]...)
	}
	if len(words) > 0 && startsWithWeekday(words[0]) {
		c.weekdays, words = words[0], words[1:]
	}
	if len(words) == 0 {
		return c.weekdays != ""
	}
	if strings.ContainsAny(words[0], "-~") && !strings.Contains(words[0], ":") {
		if !c.takeDate(words[0]) {
			return false
		}
		words = words[1:]
	}
	if len(words) > 0 && c.takeTime(words[0]) {
		words = words[1:]
	}
	return len(words) == 0
}

func startsWithWeekday(w string) bool {
	end := strings.IndexAny(w, ".,-")
	if end < 0 {
		end = len(w)
	}
	return isWeekday(w[:end])
}

// takeDate reads [year-]month-day, where ~ before the day counts from the end of the month.
func (c *calendar) takeDate(w string) bool {
	if head, day, ok := strings.Cut(w, "~"); ok {
		c.fromEnd = true
		w = head + "-" + day
	}
	parts := strings.Split(w, "-")
	switch len(parts) {
	case 2:
		c.month, c.day = parts[0], parts[1]
	case 3:
		c.year, c.month, c.day = fullYear(parts[0]), parts[1], parts[2]
	default:
		return false
	}
	return true
}

// fullYear is a year of two digits in full: 70 is 1970, 69 is 2069.
func fullYear(year string) string {
	if n, err := number(year); err == nil && n < 70 {
		return itoa(2000 + n)
	} else if err == nil && n < 100 {
		return itoa(1900 + n)
	}
	return year
}

// takeTime reads hour:minute[:second].
func (c *calendar) takeTime(w string) bool {
	parts := strings.Split(w, ":")
	switch len(parts) {
	case 2:
		c.hour, c.minute = parts[0], parts[1]
	case 3:
		c.hour, c.minute, c.second = parts[0], parts[1], parts[2]
	default:
		return false
	}
	return true
}

// component reads a list of values, a..b ranges and /n repetitions between two bounds. open: it is *.
func component(text string, lowest, highest int) (values []int, open bool, err error) {
	for part := range strings.SplitSeq(text, ",") {
		body, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			if step, err = number(stepText); err != nil || step == 0 {
				return nil, false, errForm
			}
		}
		from, to, isRange := strings.Cut(body, "..")
		lo, hi := lowest, highest
		if body != "*" {
			if lo, err = number(from); err != nil {
				return nil, false, err
			}
			hi = lo
			if isRange {
				if hi, err = number(to); err != nil {
					return nil, false, err
				}
			} else if stepped {
				hi = highest
			}
		}
		if lo < lowest || hi > highest || hi < lo {
			return nil, false, errForm
		}
		open = open || body == "*" && !stepped
		for v := lo; v <= hi; v += step {
			values = append(values, v)
		}
	}
	return values, open, nil
}

// weekdaySet reads names, lists and ranges of weekdays.
func (c *calendar) weekdaySet() ([]int, error) {
	var days []int
	for part := range strings.SplitSeq(c.weekdays, ",") {
		from, to, isRange := strings.Cut(part, "..")
		if !isRange {
			from, to, isRange = strings.Cut(part, "-")
		}
		lo, ok := weekdayOf(from)
		hi := lo
		if ok && isRange {
			hi, ok = weekdayOf(to)
		}
		if !ok {
			return nil, errForm
		}
		if (hi+6)%7 < (lo+6)%7 {
			return nil, errForm // the week begins on Monday there
		}
		if hi < lo {
			hi += 7 // to Sunday
		}
		for d := lo; d <= hi; d++ {
			days = append(days, d%7)
		}
	}
	return days, nil
}

// rule is what the calendar event means: every part has to match.
func (c *calendar) rule() (*Rule, error) {
	r := &Rule{}
	var lists [6][]int
	var open [6]bool
	for i, part := range []struct {
		text            string
		lowest, highest int
	}{{c.second, 0, 59}, {c.minute, 0, 59}, {c.hour, 0, 23}, {c.day, 1, 31}, {c.month, 1, 12}, {c.year, 1970, 2199}} {
		var err error
		if lists[i], open[i], err = component(part.text, part.lowest, part.highest); err != nil {
			return nil, err
		}
	}
	for i, set := range []*uint64{&r.Second, &r.Minute, &r.Hour, nil, &r.Month} {
		for _, v := range lists[i] {
			if set != nil {
				*set |= 1 << v
			}
		}
	}
	if !open[5] {
		r.Years = map[int]bool{}
		for _, y := range lists[5] {
			r.Years[y] = true
		}
	}
	var weekdays []int
	if c.weekdays != "" {
		var err error
		if weekdays, err = c.weekdaySet(); err != nil {
			return nil, err
		}
	}
	days, anyDay := lists[3], open[3]
	r.OnDay = func(day, length, weekday int) bool {
		if c.fromEnd {
			day = length - day + 1
		}
		return (anyDay || c.onDay(days, day)) && (weekdays == nil || slices.Contains(weekdays, weekday))
	}
	return c.once(r, lists)
}

// onDay reports whether the days have a day. Counted from the end of the month, a
// repetition goes on towards the end: ~7/1 means the last seven days.
func (c *calendar) onDay(days []int, day int) bool {
	if !c.fromEnd || !strings.Contains(c.day, "/") {
		return slices.Contains(days, day)
	}
	from, step, _ := strings.Cut(c.day, "/")
	start, err := number(from)
	n, err2 := number(step)
	return err == nil && err2 == nil && day <= start && (start-day)%n == 0
}

// once makes an instant of a rule with a single date and time.
func (c *calendar) once(r *Rule, lists [6][]int) (*Rule, error) {
	if r.Years == nil || c.fromEnd || slices.ContainsFunc(lists[:], func(l []int) bool { return len(l) != 1 }) {
		return r, nil
	}
	year, month, day := lists[5][0], time.Month(lists[4][0]), lists[3][0]
	at := time.Date(year, month, day, lists[2][0], lists[1][0], lists[0][0], 0, time.UTC)
	if at.Day() != day || !r.OnDay(day, 31, int(at.Weekday())) {
		return nil, errNeverDay
	}
	return &Rule{Kind: Instant, At: at}, nil
}
