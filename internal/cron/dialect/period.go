package dialect

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// units are the words for periods of a fixed length. A day is 24 hours here; a caller
// that means a calendar day must handle that itself.
var units = map[string]time.Duration{
	"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hrs": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour,
	"w": 168 * time.Hour, "week": 168 * time.Hour, "weeks": 168 * time.Hour,
	"ms": time.Millisecond,
}

var spanPart = regexp.MustCompile(`^\s*(\d{1,9})(?:\.(\d{1,6}))?\s*([a-z]+)`)

// monthLetter is 1M, which is a month to some and a minute to others.
var monthLetter = regexp.MustCompile(`\d\s*M(\W|\d|$)`)

// maxSpan keeps sums of parts far from overflow: a hundred years.
const maxSpan = 876_000 * time.Hour

// span reads "5 minutes", "1h30m", "1 day 2 h", "1.5h": numbers, each with its unit.
func span(text string) (time.Duration, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" {
		return 0, false
	}
	var sum time.Duration
	for text != "" {
		m := spanPart.FindStringSubmatch(text)
		unit := time.Duration(0)
		if m != nil {
			unit = units[m[3]]
		}
		if unit == 0 {
			return 0, false
		}
		n, _ := strconv.Atoi(m[1])
		if time.Duration(n) > maxSpan/unit {
			return 0, false
		}
		sum += time.Duration(n) * unit
		part := unit
		for _, digit := range m[2] {
			part /= 10
			sum += time.Duration(digit-'0') * part
		}
		if sum > maxSpan {
			return 0, false
		}
		text = strings.TrimSpace(text[len(m[0]):])
	}
	return sum, true
}

// readEvery reads the periods that @every does not take itself, "every 5 minutes" and "5m".
func readEvery(text string) (Reading, bool) {
	lower := strings.ToLower(text)
	rest, named := strings.CutPrefix(lower, "@every")
	if !named && lower[0] >= '0' && lower[0] <= '9' { // 5m alone
		rest = lower
	} else if !named {
		var ok bool
		if rest, ok = strings.CutPrefix(lower, "every "); !ok {
			if rest, ok = strings.CutPrefix(lower, "each "); !ok {
				return Reading{}, false
			}
		}
	}
	rest = strings.TrimSuffix(strings.TrimSpace(rest), " synchronized")
	if monthLetter.MatchString(text) {
		return Reading{}, false
	}
	d, ok := span(rest)
	if unit := units[rest]; !ok && unit >= time.Second && unit <= time.Hour {
		d, ok = unit, true // every hour
	}
	if !ok {
		return Reading{}, false
	}
	r, ok := periodOffer("is not a schedule", d)
	r.InField = named
	return r, ok && (!named || d > 0)
}

func number9(s string) bool {
	return s != "" && len(s) <= 9 && strings.Trim(s, "0123456789") == ""
}

var isoPeriod = regexp.MustCompile(
	`^P(?:(\d+(?:\.\d+)?)Y)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?` +
		`(?:T(?:(\d+(?:[.,]\d+)?)H)?(?:(\d+(?:[.,]\d+)?)M)?(?:(\d+(?:[.,]\d+)?)S)?)?$`)

// readISO reads a duration of ISO 8601, alone or behind R.
func readISO(text string) (Reading, bool) {
	upper := strings.ToUpper(text)
	const problem = "an ISO 8601 duration is not a schedule"
	parts := strings.Split(upper, "/")
	period := parts[len(parts)-1]
	m := isoPeriod.FindStringSubmatch(period)
	repeats := len(parts) > 1 && parts[0] != "" && parts[0][0] == 'R'
	if len(parts) > 3 || len(parts) > 1 && !repeats || m == nil || period == "P" || strings.HasSuffix(period, "T") {
		return Reading{}, false
	}
	switch {
	case len(parts) == 3:
		return explained(problem, "@every counts from the creation of the job and takes no start; use fields such as "+
			"0 0 * * * * and "+
			"startAt, or @every and endAt")
	case repeats && parts[0] != "R" && parts[0] != "R-1":
		return explained(problem, "a number of repeats has no form here; use @every with endAt")
	case m[1]+m[2] != "":
		return explained(problem, "months and years differ in length: use @monthly, @yearly or fields with a "+
			"day of the month")
	case m[3]+m[4] != "":
		return explained(problem, "a day of the calendar is not always 24 hours: use @daily or @weekly to follow the "+
			"clock, or @every 24h, "+
			"@every 168h for real time")
	}
	d, ok := span(strings.ReplaceAll(strings.TrimPrefix(period, "PT"), ",", "."))
	if !ok {
		return Reading{}, false
	}
	return periodOffer(problem, d)
}

// periodOffer is a reading of a period, offered as @every.
func periodOffer(problem string, d time.Duration) (Reading, bool) {
	if d <= 0 {
		return explained(problem, "a period must be positive")
	}
	why := "it counts from the creation of the job, the first fire is one period later"
	if d%(24*time.Hour) == 0 {
		why = join("a day is 24h of real time here, @daily follows the clock", why)
	}
	return Reading{Problem: problem, Offer: "@every " + spanText(d), Rule: &Rule{Kind: Period, Period: d},
		Why: why}, true
}

// spanText renders whole seconds in h, m and s; what is finer is left to fail the comparison.
func spanText(d time.Duration) string {
	var b strings.Builder
	for _, unit := range []struct {
		size time.Duration
		name byte
	}{{time.Hour, 'h'}, {time.Minute, 'm'}, {time.Second, 's'}} {
		if n := d / unit.size; n > 0 {
			b.WriteString(itoa(int(n)))
			b.WriteByte(unit.name)
			d %= unit.size
		}
	}
	return b.String()
}
