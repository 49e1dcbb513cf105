package cron

// fields is a compiled expression: one set per field, bit v for value v.
type fields struct {
	second, minute, hour uint64
	month                uint64
	years                yearSet

	// Days: dom and dow hold plain values, the others the calendar forms.
	dom         uint64   // bit d: day d
	fromEnd     uint64   // bit n: n days before the last (L is n = 0)
	nearest     uint64   // bit d: the weekday nearest to day d (dW)
	lastWeekday bool     // LW
	dow         uint64   // bit 0: Sunday
	nth         [5]uint8 // nth[k-1]: the weekdays of n#k
	last        uint64   // weekdays of nL

	either   bool // both day fields are restricted: a day that matches one of them matches
	special  bool // a calendar form is in use
	everyDay bool // no date is excluded: the calendar need not be asked

	first, final int64 // first and last matching second of a day
}

// yearSet has bit y-firstYear for year y.
type yearSet [4]uint64

func (s *yearSet) add(year int)      { s[(year-firstYear)>>6] |= 1 << ((year - firstYear) & 63) }
func (s *yearSet) has(year int) bool { return s[(year-firstYear)>>6]>>((year-firstYear)&63)&1 == 1 }

// atOrAfter is the first member >= year, or lastYear+1.
func (s *yearSet) atOrAfter(year int) int {
	i := year - firstYear
	for w := i >> 6; w < len(s); w++ {
		if m := s[w] >> (i & 63) << (i & 63); m != 0 {
			return firstYear + w<<6 + lowest(m)
		}
		i = 0
	}
	return lastYear + 1
}

// atOrBefore is the last member <= year, or firstYear-1.
func (s *yearSet) atOrBefore(year int) int {
	i := year - firstYear
	for w := i >> 6; w >= 0; w-- {
		if m := s[w] & (^uint64(0) >> (63 - i&63)); m != 0 {
			return firstYear + w<<6 + highest(m)
		}
		i = 63
	}
	return firstYear - 1
}

var everyYear = func() (s yearSet) {
	for y := firstYear; y <= lastYear; y++ {
		s.add(y)
	}
	return s
}()

const (
	allDays     uint64 = 1<<32 - 2 // days 1..31
	allWeekdays uint64 = 1<<7 - 1
	allMonths   uint64 = 1<<13 - 2
)

// finish computes the values that the search needs. It is called when all sets are
// complete.
func (f *fields) finish() {
	f.first = int64(lowest(f.hour)*3600 + lowest(f.minute)*60 + lowest(f.second))
	f.final = int64(highest(f.hour)*3600 + highest(f.minute)*60 + highest(f.second))
	dom, dow := f.dom == allDays, f.dow == allWeekdays
	days := dom && dow || f.either && (dom || dow)
	f.everyDay = days && f.month == allMonths && f.years == everyYear
}

// days is the set of matching days of a month: bit d for day d. first is the day number of its 1st.
func (f *fields) days(year, month int, first int64) uint64 {
	n := monthDays(year, month)
	wd := weekdayOf(first)
	dom, dow := f.dom, weekdays(f.dow, wd)
	if f.special {
		dom |= f.specialDays(n, wd)
		dow |= f.specialWeekdays(n, wd)
	}
	valid := uint64(1)<<(n+1) - 2
	if f.either {
		return (dom | dow) & valid
	}
	return dom & dow & valid
}

// rotate turns a set of weekdays (bit 0 Sunday) into a set of the first seven days of a month (bit 0 the 1st) whose
// 1st is the weekday wd.
func rotate(set uint64, wd uint) uint64 { return (set>>wd | set<<(7-wd)) & 127 }

// weekdays repeats a set of weekdays over a month: the pattern of the week, five times,
// from bit 1.
func weekdays(set uint64, wd uint) uint64 {
	return rotate(set, wd) * (1 | 1<<7 | 1<<14 | 1<<21 | 1<<28) << 1
}

// specialDays are the days that L, L-n, nW and LW mean in a month of n days whose 1st is the weekday wd.
func (f *fields) specialDays(n int, wd uint) uint64 {
	var m uint64
	for set := f.fromEnd; set != 0; set &= set - 1 {
		if d := n - lowest(set); d >= 1 {
			m |= 1 << d
		}
	}
	for set := f.nearest; set != 0; set &= set - 1 {
		if d := lowest(set); d <= n {
			m |= 1 << nearestWeekday(d, n, wd)
		}
	}
	if f.lastWeekday {
		m |= 1 << nearestWeekday(n, n, wd)
	}
	return m
}

// nearestWeekday moves a Saturday to the Friday before it and a Sunday to the Monday
// after it. If that day is in another month, the nearest weekday on the other side is
// used.
func nearestWeekday(d, n int, wd uint) int {
	switch (int(wd) + d - 1) % 7 {
	case 6:
		if d == 1 {
			return 3
		}
		return d - 1
	case 0:
		if d == n {
			return d - 2
		}
		return d + 1
	}
	return d
}

// specialWeekdays are the days that n#k and nL mean.
func (f *fields) specialWeekdays(n int, wd uint) uint64 {
	var m uint64
	for k, set := range f.nth {
		m |= rotate(uint64(set), wd) << (7*k + 1)
	}
	// The last seven days of the month begin at n-6; its weekday is wd + n-7.
	m |= rotate(f.last, (wd+uint(n)-7)%7) << (n - 6)
	return m
}

// set is where the plain values of a field live. There is none for the year, which has no H.
func (f *fields) set(id fieldID) *uint64 {
	switch id {
	case fieldSecond:
		return &f.second
	case fieldMinute:
		return &f.minute
	case fieldHour:
		return &f.hour
	case fieldDOM:
		return &f.dom
	case fieldMonth:
		return &f.month
	default:
		return &f.dow
	}
}
