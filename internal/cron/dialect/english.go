package dialect

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// phrase is "every Monday at 10:00" taken apart.
type phrase struct {
	hour, minute, second int
	weekdays             []int // from 0 for Sunday; empty: every day
	nth                  []int // of the month, 6 is the last; empty: each
	months               []int // empty: each
	zone                 string
}

var clockForm = regexp.MustCompile(`^(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?(am|pm)?$`)

var ordinals = map[string]int{
	"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": 6, "1st": 1, "2nd": 2, "3rd": 3,
	"4th": 4, "5th": 5,
}

// readEnglish reads a time of day with days: "daily at 10:00", "every weekday 9:30", "first monday of month 04:00".
func readEnglish(text string) (Reading, bool) {
	written := strings.Fields(strings.ReplaceAll(text, ",", " "))
	if len(written) == 0 || len(written) > 16 {
		return Reading{}, false
	}
	const problem = "is not a schedule"
	var p phrase
	if last := len(written) - 1; last > 0 && looksLikeZone(written[last]) {
		p.zone, written = written[last], written[:last]
	}
	words := strings.Fields(strings.ToLower(strings.Join(written, " ")))
	if len(words) == 1 && strings.Count(words[0], ":") == 2 && p.zone == "" {
		return explained(problem, "a time alone may be a time of day or a period: use 0 30 9 * * * for 09:30:00 each "+
			"day, or @every 9h30m")
	}
	if len(words) == 2 && words[0] == "every" && words[1] == "day" || len(words) == 1 && words[0] == "everyday" {
		return explained(problem, "use @daily for 00:00 by the clock, 0 30 9 * * * for another time of day, or "+
			"@every 24h for real time")
	}
	if !p.read(words) {
		if words[0] == "every" || words[0] == "each" {
			return explained(problem, "periods are of the form @every 5m, times of day are fields such as 0 30 "+
				"9 * * MON-FRI")
		}
		return Reading{}, false
	}
	return Reading{Problem: problem, Offer: p.text(), Zone: p.zone, Rule: p.rule()}, true
}

// fillers are words that change nothing.
var fillers = []string{"every", "each", "at", "on", "the", "of", "and", "in"}

// groups are words for several weekdays; nil: each day.
var groups = map[string][]int{
	"daily": nil, "day": nil, "days": nil, "everyday": nil, "weekend": {6, 0}, "weekends": {6, 0},
	"weekday": {1, 2, 3, 4, 5}, "weekdays": {1, 2, 3, 4, 5}, "workday": {1, 2, 3, 4, 5}, "workdays": {1, 2, 3, 4, 5},
}

// read takes the words apart; false: they say something else.
func (p *phrase) read(words []string) bool {
	timed, dated := false, false
	for i, w := range words {
		group, grouped := groups[w]
		switch {
		case slices.Contains(fillers, w):
		case grouped:
			p.weekdays, dated = append(p.weekdays, group...), true
		case ordinals[w] > 0:
			p.nth = append(p.nth, ordinals[w])
		case p.isMonth(w):
		case p.readName(w):
			dated = true
		case i > 0 && (w == "am" || w == "pm") && clockForm.MatchString(words[i-1]): // read with the number
		case !timed && p.readClock(w, words[i+1:]):
			timed = true
		default:
			return false
		}
	}
	// without "of month", "every second monday" is once in two weeks
	ordinal := len(p.nth) == 0 || len(p.weekdays) > 0 && slices.Contains(words, "of")
	return timed && ordinal && (dated || len(words) <= 3)
}

// isMonth reports whether the word closes "first monday of month".
func (p *phrase) isMonth(w string) bool { return len(p.nth) > 0 && (w == "month" || w == "months") }

// readName reads the name of a weekday or a month.
func (p *phrase) readName(w string) bool {
	if d, ok := weekdayOf(w); ok {
		p.weekdays = append(p.weekdays, d)
		return true
	}
	if len(w) < 3 {
		return false
	}
	i := slices.Index(monthNames, strings.ToUpper(w[:3]))
	if i < 0 || len(p.nth) == 0 {
		return false
	}
	p.months = append(p.months, i+1)
	return true
}

// readClock reads 10:00, 9am, 9:30 pm, noon.
func (p *phrase) readClock(w string, after []string) bool {
	switch w {
	case "noon":
		p.hour = 12
		return true
	case "midnight":
		return true
	}
	m := clockForm.FindStringSubmatch(w)
	if m == nil {
		return false
	}
	half := m[4]
	if half == "" && len(after) > 0 && (after[0] == "am" || after[0] == "pm") {
		half = after[0]
	}
	p.hour, _ = strconv.Atoi(m[1])
	p.minute, _ = strconv.Atoi(m[2])
	p.second, _ = strconv.Atoi(m[3])
	if half == "" {
		return m[2] != "" && p.hour < 24 && p.minute < 60 && p.second < 60
	}
	if p.hour < 1 || p.hour > 12 {
		return false
	}
	p.hour %= 12
	if half == "pm" {
		p.hour += 12
	}
	return p.minute < 60 && p.second < 60
}

// text is the phrase for Belfry.
func (p *phrase) text() string {
	day, month := "*", "*"
	var days []string
	for _, d := range p.weekdays {
		for _, k := range p.nth {
			if k == 6 {
				days = append(days, weekdayNames[d]+"L")
			} else {
				days = append(days, weekdayNames[d]+"#"+itoa(k))
			}
		}
		if len(p.nth) == 0 {
			days = append(days, weekdayNames[d])
		}
	}
	if len(days) > 0 {
		day = strings.Replace(strings.Join(days, ","), "MON,TUE,WED,THU,FRI", "MON-FRI", 1)
	}
	if len(p.months) > 0 {
		var names []string
		for _, m := range p.months {
			names = append(names, monthNames[m-1])
		}
		month = strings.Join(names, ",")
	}
	return strings.Join([]string{itoa(p.second), itoa(p.minute), itoa(p.hour), "*", month, day}, " ")
}

// rule is what the phrase says.
func (p *phrase) rule() *Rule {
	r := &Rule{Second: 1 << p.second, Minute: 1 << p.minute, Hour: 1 << p.hour, Month: 1<<13 - 2}
	if len(p.months) > 0 {
		r.Month = 0
	}
	for _, m := range p.months {
		r.Month |= 1 << m
	}
	r.OnDay = func(day, length, weekday int) bool {
		onWeekday := len(p.weekdays) == 0 || slices.Contains(p.weekdays, weekday)
		place := (day + 6) / 7
		return onWeekday && (len(p.nth) == 0 || slices.Contains(p.nth, place) ||
			day+7 > length && slices.Contains(p.nth, 6))
	}
	return r
}
