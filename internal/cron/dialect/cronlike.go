package dialect

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// both is what two restricted day fields mean.
type both uint8

const (
	either       both = iota // a day that matches one of them
	eitherButFor             // the same, but for a field that begins with *: then both (cron of Linux)
	notAllowed               // one of them has to be ? or *
)

// The styles, each with what it is true for.
var (
	eventBridge = style{"EventBridge", "mhDMWY", 1, notAllowed} // and EventBridge Scheduler
	quartz      = style{"Quartz", "smhDMW", 1, notAllowed}
	quartzYear  = style{"Quartz", "smhDMWY", 1, notAllowed}
	crontab     = style{"crontab", "mhDMW", 0, eitherButFor}
	yearLast    = style{"crontab with a year", "mhDMWY", 0, either}
	five        = style{"Belfry", "mhDMW", 0, either} // and Kubernetes, GitHub Actions, Jenkins
	six         = style{"Belfry", "smhDMW", 0, either}
	seven       = style{"Belfry", "smhDMWY", 0, either}
)

// evaluate is what the words mean in the style.
func (st *style) evaluate(words []string) (*Rule, error) {
	if len(words) != len(st.order) {
		return nil, errForm
	}
	r := &Rule{Second: 1}
	days := map[byte][]item{}
	open := map[byte]bool{'D': true, 'W': true}
	star := false
	for i, w := range words {
		field := st.order[i]
		items, err := st.items(field, strings.ToUpper(w))
		if err != nil {
			return nil, err
		}
		for _, it := range items {
			if it.hash != nil {
				r.Hashed = append(r.Hashed, *it.hash)
			}
		}
		switch field {
		case 'D', 'W':
			days[field] = items
			open[field] = slices.ContainsFunc(items, func(it item) bool { return it.open })
			star = star || w[0] == '*'
		case 'Y':
			r.Years = yearsOf(items)
		default:
			*map[byte]*uint64{'s': &r.Second, 'm': &r.Minute, 'h': &r.Hour, 'M': &r.Month}[field] = setOf(items)
		}
	}
	restricted := !open['D'] && !open['W']
	if restricted && st.both == notAllowed {
		return nil, errBothDays
	}
	together := !restricted || st.both == eitherButFor && star
	r.OnDay = func(day, length, weekday int) bool {
		d, w := dayIn(days['D'], day, day, length, weekday), dayIn(days['W'], weekday, day, length, weekday)
		if together {
			return d && w
		}
		return d || w
	}
	return r, nil
}

var errBothDays = errors.New("both day fields are restricted")

func setOf(items []item) (set uint64) {
	for _, it := range items {
		for _, v := range it.values {
			set |= 1 << v
		}
	}
	return set
}

// yearsOf is nil when every year is meant.
func yearsOf(items []item) map[int]bool {
	years := map[int]bool{}
	for _, it := range items {
		if it.open {
			return nil
		}
		for _, v := range it.values {
			years[v] = true
		}
	}
	return years
}

func dayIn(items []item, value, day, length, weekday int) bool {
	return slices.ContainsFunc(items, func(it item) bool {
		return slices.Contains(it.values, value) || it.onDay != nil && it.onDay(day, length, weekday)
	})
}

// items reads a field, in upper case.
func (st *style) items(field byte, text string) ([]item, error) {
	var items []item
	for part := range strings.SplitSeq(text, ",") {
		it, ok, err := st.special(field, part)
		if !ok && err == nil {
			it, err = st.plain(field, part)
		}
		if err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	return items, nil
}

// plain reads *, ?, values, ranges and steps.
func (st *style) plain(field byte, part string) (item, error) {
	body, stepText, stepped := strings.Cut(part, "/")
	step := 1
	if stepped {
		var err error
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 || step > 999_999_999 {
			return item{}, errForm
		}
	}
	first, last := bounds[field][0], bounds[field][1]
	if field == 'W' {
		first, last = st.sunday, st.sunday+6
	}
	lo, hi := first, last
	open := body == "*" || body == "?" && (field == 'D' || field == 'W') && !stepped
	if !open {
		from, to, isRange := strings.Cut(body, "-")
		var err error
		if lo, err = st.value(field, from); err != nil {
			return item{}, err
		}
		hi = lo
		if isRange {
			if hi, err = st.value(field, to); err != nil {
				return item{}, err
			}
		} else if stepped {
			hi = max(last, lo)
			if lo > last { // 7/2: from Sunday on
				lo, hi = first, last
			}
		}
	}
	if hi < lo {
		if field == 'Y' {
			return item{}, errForm
		}
		hi += last - first + 1
	}
	it := item{open: open && step == 1}
	for v := lo; v <= hi; v += step {
		it.values = append(it.values, (v-first)%(last-first+1)+bounds[field][0])
	}
	return it, nil
}
