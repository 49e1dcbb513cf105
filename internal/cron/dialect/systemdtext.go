package dialect

import "strings"

// text is the calendar event as a text for Belfry. ok is false if the weekday and the
// date are both restricted in a way that Belfry cannot express.
func (c *calendar) text() (text string, ok bool) {
	weekdays, day, ok := c.dayFields()
	if !ok {
		return "", false
	}
	fields := []string{field(c.second), field(c.minute), field(c.hour), day, field(c.month), weekdays}
	if c.year != "*" {
		fields = append(fields, field(c.year))
	}
	return strings.Join(fields, " "), true
}

// field rewrites a component: a..b is a-b, and leading zeros go.
func field(component string) string {
	parts := strings.Split(strings.ReplaceAll(component, "..", "-"), ",")
	for i, part := range parts {
		numbers := strings.FieldsFunc(part, func(c rune) bool { return c == '-' || c == '/' })
		var b strings.Builder
		rest := part
		for _, n := range numbers {
			at := strings.Index(rest, n)
			b.WriteString(rest[:at])
			if short := strings.TrimLeft(n, "0"); short != "" {
				b.WriteString(short)
			} else {
				b.WriteString("0")
			}
			rest = rest[at+len(n):]
		}
		parts[i] = b.String() + rest
	}
	return strings.Join(parts, ",")
}

// weekNumbers are the days that are a whole week of the month.
var weekNumbers = map[string]string{"1-7": "#1", "8-14": "#2", "15-21": "#3", "22-28": "#4", "29-31": "#5"}

// dayFields returns day-of-week and day-of-month. If both a weekday and a date are
// restricted, only whole weeks of the month or the last seven days can be expressed;
// otherwise ok is false.
func (c *calendar) dayFields() (weekdays, day string, ok bool) {
	weekdays, day = "*", field(c.day)
	if c.weekdays != "" {
		weekdays = c.weekdayField("")
	}
	if c.fromEnd {
		day, ok = fromEndField(c.day)
		if c.weekdays == "" {
			return weekdays, day, ok
		}
		switch field(c.day) {
		case "7/1", "7-1", "1-7":
			return c.weekdayField("L"), "?", true
		}
		return "", "", false
	}
	if c.weekdays == "" || day == "*" {
		return weekdays, day, true
	}
	var all []string
	for part := range strings.SplitSeq(day, ",") {
		nth := weekNumbers[part]
		if nth == "" {
			return "", "", false
		}
		all = append(all, c.weekdayField(nth))
	}
	return strings.Join(all, ","), "?", true
}

// weekdayField names the weekdays; with a suffix (#2, L) one by one.
func (c *calendar) weekdayField(suffix string) string {
	var parts []string
	for part := range strings.SplitSeq(c.weekdays, ",") {
		from, to, isRange := strings.Cut(strings.ReplaceAll(part, "..", "-"), "-")
		lo, _ := weekdayOf(from)
		hi := lo
		if isRange {
			hi, _ = weekdayOf(to)
		}
		if isRange && suffix == "" {
			parts = append(parts, weekdayNames[lo]+"-"+weekdayNames[hi])
			continue
		}
		for d := lo; ; d = (d + 1) % 7 {
			parts = append(parts, weekdayNames[d]+suffix)
			if d == hi {
				break
			}
		}
	}
	return strings.Join(parts, ",")
}

// fromEndField writes days from the end, where 1 is the last one, as L and L-n.
func fromEndField(day string) (string, bool) {
	var parts []string
	for part := range strings.SplitSeq(field(day), ",") {
		start, stop, step := part, part, 1
		if from, n, ok := strings.Cut(part, "/"); ok {
			var err error
			if step, err = number(n); err != nil || step == 0 {
				return "", false
			}
			start, stop = from, "1"
		} else if from, to, ok := strings.Cut(part, "-"); ok {
			start, stop = from, to
		}
		a, err := number(start)
		b, err2 := number(stop)
		if err != nil || err2 != nil || a < 1 || b < 1 || a > 31 || b > 31 {
			return "", false
		}
		if a < b {
			a, b = b, a
		}
		for d := a; d >= b; d -= step {
			if d == 1 {
				parts = append(parts, "L")
			} else {
				parts = append(parts, "L-"+itoa(d-1))
			}
		}
	}
	return strings.Join(parts, ","), true
}
