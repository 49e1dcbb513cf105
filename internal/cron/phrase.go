package cron

import (
	"strconv"
	"strings"
	"time"
)

// periodPhrase renders seconds as "1 hour 30 minutes".
func periodPhrase(seconds int64) string {
	var parts []string
	for _, unit := range []struct {
		name string
		size int64
	}{{"hour", 3600}, {"minute", 60}, {"second", 1}} {
		if n := int(seconds / unit.size); n > 0 {
			parts = append(parts, plural(n, unit.name))
			seconds %= unit.size
		}
	}
	return strings.Join(parts, " ")
}

// counted puts the unit before a list, unless the list begins with "every 2nd ..".
func counted(items []item, unit, list string) string {
	if strings.HasPrefix(list, "every ") {
		return list
	}
	if _, one := single(items); one {
		return unit + " " + list
	}
	return unit + "s " + list
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return itoa(n) + " " + unit + "s"
}

// joinAnd makes "a", "a and b", "a, b and c".
func joinAnd(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}

// ordinal makes 1st, 2nd, 3rd, 4th, 11th, 21st.
func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return itoa(n) + suffix
}

// listPhrase renders plain items: values, "a through b", "every 2nd day from a through b".
func listPhrase(items []item, unit string, name func(int) string) string {
	var parts []string
	for _, it := range items {
		switch end := it.end(); {
		case it.form > formStar:
			continue
		case it.step > 1 && it.lo != end:
			parts = append(parts, "every "+ordinal(it.step)+" "+unit+" from "+name(it.lo)+" through "+name(end))
		case it.lo == end:
			parts = append(parts, name(it.lo))
		default:
			parts = append(parts, name(it.lo)+" through "+name(end))
		}
	}
	return joinAnd(parts)
}

// stamp renders an instant in UTC.
func stamp(t int64) string { return time.Unix(t, 0).UTC().Format("2006-01-02 15:04:05") }

// end is the last value that a stepped range reaches, if it does not wrap around; if it
// does, end is the end of the range.
func (it item) end() int {
	if it.step > 1 && it.hi >= it.lo {
		return it.hi - (it.hi-it.lo)%it.step
	}
	return it.hi
}

// overstep reports whether the step leaves only the first value of its range.
func (it item) overstep(sp *spec) bool {
	hi := it.hi
	if hi < it.lo {
		hi += sp.size()
	}
	return it.form <= formStar && it.step > hi-it.lo
}

// spoken returns the item as the description shows it: H is resolved, a step past its
// range is left out, and a stepped range that wraps around ends at the last value that it
// reaches.
func (it item) spoken(id fieldID, seed uint64) item {
	sp := &specs[id]
	if it.form == formHash {
		h := hashed{id, uint8(it.lo), uint8(it.hi), uint8(it.step)}
		it.form, it.lo = formRange, it.lo+int(h.pick(seed))
		if it.step == 0 {
			it.hi = it.lo
		}
	}
	if it.overstep(sp) {
		return item{form: formRange, lo: it.lo, hi: it.lo}
	}
	if it.form <= formStar && it.step > 1 && it.hi < it.lo {
		reached := it.lo + (it.hi+sp.size()-it.lo)/it.step*it.step
		it.hi = sp.min + (reached-sp.min)%sp.size()
	}
	return it
}

func offsetText(seconds int32) string {
	return time.Unix(0, 0).In(time.FixedZone("", int(seconds))).Format("-07:00")
}

func itoa(n int) string { return strconv.Itoa(n) }

func wordTexts(words []word) []string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.text
	}
	return texts
}

// single is the value of a field that has exactly one.
func single(items []item) (int, bool) {
	if len(items) == 1 && items[0].form == formRange && items[0].lo == items[0].end() {
		return items[0].lo, true
	}
	return 0, false
}
