package dialect

import "strings"

// special reads H and the calendar forms; ok is false if the part is neither.
func (st *style) special(field byte, part string) (it item, ok bool, err error) {
	switch {
	case part[:min(len(part), 1)] == "H" && field != 'Y':
		return st.hash(field, part)
	case field == 'D' && strings.ContainsAny(part, "LW"):
		return st.dayForm(part)
	case field == 'W' && part == "L" && st.sunday == 1:
		return item{values: []int{6}}, true, nil // the last day of the week that begins on Sunday
	case field == 'W' && strings.Contains(part, "#"):
		return st.nthForm(part)
	case field == 'W' && strings.HasSuffix(part, "L"):
		weekday, err := st.weekday(strings.TrimSuffix(part, "L"))
		return item{onDay: func(day, length, wd int) bool { return wd == weekday && day > length-7 }}, true, err
	}
	return item{}, false, nil
}

// weekday is a day of the week, from 0 for Sunday.
func (st *style) weekday(s string) (int, error) {
	n, err := st.value('W', s)
	return (n - st.sunday + 7) % 7, err
}

// hash reads H, H/n, H(a-b) and H(a-b)/n, as Jenkins has them. A day stops at the 28th.
func (st *style) hash(field byte, part string) (item, bool, error) {
	body, stepText, stepped := strings.Cut(part, "/")
	h := Hash{Field: field, Lo: bounds[field][0], Hi: bounds[field][1]}
	if field == 'D' {
		h.Hi = 28
	}
	var err error
	if body != "H" {
		inner, closed := strings.CutSuffix(strings.TrimPrefix(body, "H("), ")")
		from, to, isRange := strings.Cut(inner, "-")
		if !closed || !isRange || !strings.HasPrefix(body, "H(") {
			return item{}, false, errForm
		}
		most := h.Hi
		if h.Lo, err = st.value(field, from); err != nil {
			return item{}, false, err
		}
		if h.Hi, err = st.value(field, to); err != nil || h.Hi > most || h.Hi < h.Lo {
			return item{}, false, errForm
		}
	}
	if stepped {
		if h.Step, err = number(stepText); err != nil || h.Step < 1 || h.Step > h.Hi-h.Lo+1 {
			return item{}, false, errForm
		}
	}
	return item{hash: &h}, true, nil
}

// dayForm reads L, L-n, LW and nW.
func (st *style) dayForm(part string) (item, bool, error) {
	switch {
	case part == "L":
		return item{onDay: func(day, length, _ int) bool { return day == length }}, true, nil
	case part == "LW":
		return item{onDay: func(day, length, wd int) bool {
			return wd != 0 && wd != 6 && (day == length || wd == 5 && day >= length-2)
		}}, true, nil
	case strings.HasPrefix(part, "L-"):
		n, err := number(part[2:])
		return item{onDay: func(day, length, _ int) bool { return day == length-n }}, true, err
	}
	n, err := number(strings.TrimSuffix(part, "W"))
	if err == nil && (n < 1 || n > 31 || !strings.HasSuffix(part, "W")) {
		err = errForm
	}
	return item{onDay: func(day, length, wd int) bool {
		return n <= length && wd != 0 && wd != 6 && nearest(n, day, length, wd)
	}}, true, err
}

// nearest reports whether day, a weekday of the kind wd, is the one nearest to n within the month.
func nearest(n, day, length, wd int) bool {
	of := ((wd+n-day)%7 + 7) % 7 // the weekday of n
	switch {
	case of != 0 && of != 6:
		return day == n
	case of == 6 && n > 1:
		return day == n-1
	case of == 6:
		return day == 3
	case n < length:
		return day == n+1
	}
	return day == n-2
}

// nthForm reads n#k.
func (st *style) nthForm(part string) (item, bool, error) {
	name, nth, _ := strings.Cut(part, "#")
	weekday, err := st.weekday(name)
	if err != nil {
		return item{}, true, err
	}
	k, err := number(nth)
	if err == nil && (k < 1 || k > 5) {
		err = errForm
	}
	return item{onDay: func(day, _, wd int) bool { return wd == weekday && (day-1)/7+1 == k }}, true, err
}
