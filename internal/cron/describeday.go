package cron

import "time"

var nthNames = [...]string{"", "first", "second", "third", "fourth", "fifth"}

func monthName(m int) string   { return time.Month(m).String() }
func weekdayName(d int) string { return time.Weekday(d % 7).String() }

// dayPhrase says on which days, with the months; it is empty when no day field is restricted.
func dayPhrase(syn *syntax) string {
	dom, dow := restricted(syn[fieldDOM]), restricted(syn[fieldDOW])
	switch {
	case dom && dow:
		return "on " + domPhrase(syn) + " or on " + dowPhrase(syn) + inMonths(syn)
	case dom:
		return "on " + domPhrase(syn)
	case dow:
		return "on " + dowPhrase(syn) + inMonths(syn)
	}
	return ""
}

// inMonths is " in January and July", or empty when every month is meant.
func inMonths(syn *syntax) string {
	if !restricted(syn[fieldMonth]) {
		return ""
	}
	return " in " + monthList(syn)
}

// monthList names the months; steps are spelled out, since there are at most twelve.
func monthList(syn *syntax) string {
	return listPhrase(spellOut(syn[fieldMonth], &specs[fieldMonth]), "month", monthName)
}

// spellOut replaces stepped ranges by their values.
func spellOut(items []item, sp *spec) []item {
	var out []item
	for _, it := range items {
		if it.step <= 1 || it.form > formStar {
			out = append(out, it)
			continue
		}
		hi := it.hi
		if hi < it.lo {
			hi += sp.size()
		}
		for v := it.lo; v <= hi; v += it.step {
			value := sp.min + (v-sp.min)%sp.size()
			out = append(out, item{form: formRange, lo: value, hi: value})
		}
	}
	return out
}

// domPhrase names days of the month: "days 1 and 15 of the month", "the last day of February".
func domPhrase(syn *syntax) string {
	items := syn[fieldDOM]
	var parts []string
	if list := listPhrase(items, "day", itoa); list != "" {
		parts = append(parts, counted(plain(items), "day", list))
	}
	for _, it := range items {
		switch it.form {
		case formFromEnd:
			parts = append(parts, fromEndPhrase(it.lo))
		case formLastWeekday:
			parts = append(parts, "the last weekday (Monday to Friday)")
		case formNearest:
			parts = append(parts, "the weekday (Monday to Friday) nearest to day "+itoa(it.lo))
		}
	}
	of := " of the month"
	if restricted(syn[fieldMonth]) && !restricted(syn[fieldDOW]) {
		of = " of " + monthList(syn)
	}
	return joinAnd(parts) + of
}

func fromEndPhrase(n int) string {
	switch n {
	case 0:
		return "the last day"
	case 1:
		return "the day before the last day"
	}
	return "the " + ordinal(n) + " day before the last day"
}

// plain keeps the items that are values and ranges.
func plain(items []item) []item {
	var out []item
	for _, it := range items {
		if it.form <= formStar {
			out = append(out, it)
		}
	}
	return out
}

// dowPhrase names weekdays: "Monday through Friday", "the second Friday of the month".
func dowPhrase(syn *syntax) string {
	items := spellOut(syn[fieldDOW], &specs[fieldDOW])
	var parts []string
	if list := listPhrase(items, "day", weekdayName); list != "" {
		parts = append(parts, list)
	}
	for _, it := range items {
		switch it.form {
		case formNth:
			parts = append(parts, "the "+nthNames[it.hi]+" "+weekdayName(it.lo)+" of the month")
		case formLast:
			parts = append(parts, "the last "+weekdayName(it.lo)+" of the month")
		}
	}
	return joinAnd(parts)
}
