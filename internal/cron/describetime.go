package cron

import "fmt"

// mostTimes is how many times of day are spelled out one by one.
const mostTimes = 6

// steady reports whether a field is one progression: *, */n, a-b, a-b/n, without going round.
func steady(items []item) (item, bool) {
	if len(items) == 1 && items[0].form <= formStar && items[0].hi >= items[0].lo {
		it := items[0]
		it.hi, it.step = it.end(), max(it.step, 1)
		return it, true
	}
	return item{}, false
}

// timePhrase says when on a day; it begins the sentence.
func timePhrase(syn *syntax) string {
	if times := timesOfDay(syn); times != "" {
		return "At " + times
	}
	second, oneSecond := single(syn[fieldSecond])
	minute, oneMinute := single(syn[fieldMinute])
	switch {
	case oneSecond && oneMinute:
		return hourlyPhrase(syn[fieldHour], minute, second)
	case oneSecond:
		text, whole := progressPhrase(syn[fieldMinute], "minute", 60)
		if second != 0 {
			text += fmt.Sprintf(" at second %d", second)
		}
		return text + hoursPhrase(syn[fieldHour], !whole)
	}
	text, whole := progressPhrase(syn[fieldSecond], "second", 60)
	switch {
	case !restricted(syn[fieldMinute]) && whole:
		return text + hoursPhrase(syn[fieldHour], false)
	case !restricted(syn[fieldMinute]):
		return text + " of every minute" + hoursPhrase(syn[fieldHour], false)
	}
	return text + " in " + unitList(syn[fieldMinute], "minute") + hoursPhrase(syn[fieldHour], true)
}

// timesOfDay spells the times out when they are few and fixed.
func timesOfDay(syn *syntax) string {
	n := 1
	for _, items := range syn[fieldSecond : fieldHour+1] {
		n *= len(items)
		for i := range items {
			if _, ok := single(items[i : i+1]); !ok {
				return ""
			}
		}
	}
	if n > mostTimes {
		return ""
	}
	var times []string
	for _, h := range syn[fieldHour] {
		for _, m := range syn[fieldMinute] {
			for _, s := range syn[fieldSecond] {
				times = append(times, clock(h.lo, m.lo, s.lo))
			}
		}
	}
	return joinAnd(times)
}

func clock(hour, minute, second int) string {
	return fmt.Sprintf("%02d:%02d:%02d", hour, minute, second)
}

// hourlyPhrase is for one minute and second in several hours.
func hourlyPhrase(hours []item, minute, second int) string {
	p, ok := steady(hours)
	switch {
	case !restricted(hours) && minute == 0 && second == 0:
		return "Every hour"
	case !restricted(hours) || !ok:
		text := fmt.Sprintf("At minute %d", minute)
		if second != 0 {
			text += fmt.Sprintf(", second %d", second)
		}
		return text + hoursPhrase(hours, true)
	}
	text := "Every hour"
	if p.step > 1 {
		text = "Every " + plural(p.step, "hour")
	}
	return text + " from " + clock(p.lo, minute, second) + " through " + clock(p.hi, minute, second)
}

// progressPhrase begins a sentence with "Every minute", "Every 5 minutes" or "At minutes 5, 10 and 20"; whole is true
// when the phrase stands on its own, without "of every hour".
func progressPhrase(items []item, unit string, size int) (text string, whole bool) {
	p, ok := steady(items)
	switch {
	case !restricted(items) || ok && p.step == 1 && p.hi-p.lo+1 == size:
		return "Every " + unit, true
	case ok && p.step > 1 && p.lo == 0 && p.hi+p.step == size:
		return "Every " + plural(p.step, unit), true
	case ok && p.step > 1:
		return fmt.Sprintf("Every %s from %s %d through %d", plural(p.step, unit), unit, p.lo, p.hi), false
	}
	return "At " + unitList(items, unit), false
}

// unitList is "minute 5" or "minutes 5 and 10 through 20".
func unitList(items []item, unit string) string {
	return counted(items, unit, listPhrase(items, unit, itoa))
}

// hoursPhrase limits the phrase before it to hours; if every is set, all hours are
// mentioned too.
func hoursPhrase(hours []item, every bool) string {
	if !restricted(hours) {
		if every {
			return " of every hour"
		}
		return ""
	}
	list := listPhrase(hours, "hour", func(h int) string { return fmt.Sprintf("%02d", h) })
	return " in " + counted(hours, "the hour", list)
}
