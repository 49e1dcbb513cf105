package cron

import "math/bits"

// Days are counted from 1970-01-01. The conversions are days_from_civil and
// civil_from_days of Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
// https://howardhinnant.github.io/date_algorithms.html, reduced to years after 0, because
// others do not occur here. A year begins on 1 March in them, so that the leap day is its
// last day.

const (
	daySeconds = 86_400
	firstYear  = 1969 // a reading west of Greenwich can lie in 1969 when the instant is in 1970 ..
	lastYear   = 2200 // .. and east of it in 2200 when the instant is in 2199
	firstDay   = -1   // 1969-12-31
	lastDay    = 84_006
	epochShift = 719_468 // days from 0000-03-01 to 1970-01-01
)

// daysOf counts the days from 1970-01-01 to the date.
func daysOf(year, month, day int) int64 {
	y, m := uint64(year), uint64(month)
	if m <= 2 {
		y--
		m += 12
	}
	yearDays := y*365 + y/4 - y/100 + y/400
	return int64(yearDays+(153*(m-3)+2)/5+uint64(day)-1) - epochShift
}

// dateOf is the inverse of daysOf.
func dateOf(days int64) (year, month, day int) {
	z := uint64(days + epochShift)
	era := z / 146_097
	doe := z - era*146_097
	yoe := (doe - doe/1460 + doe/36_524 - doe/146_096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d := doy - (153*mp+2)/5 + 1
	y := yoe + era*400
	if mp < 10 {
		return int(y), int(mp + 3), int(d)
	}
	return int(y + 1), int(mp - 9), int(d)
}

// weekdayOf is 0 for Sunday. 1970-01-01 was a Thursday; ten weeks more keep December 1969 positive.
func weekdayOf(days int64) uint { return uint(uint64(days+4+70) % 7) }

// monthDays is the length of a month.
func monthDays(year, month int) int {
	if month == 2 {
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 30 + (month^month>>3)&1
}

// split converts a reading (seconds since 1970-01-01 00:00:00 on the wall clock) to a day
// and a second of that day.
func split(wall int64) (day, second int64) {
	const bias = 7 // keeps the division on positive numbers for readings in 1969
	day = int64(uint64(wall+bias*daySeconds)/daySeconds) - bias
	return day, wall - day*daySeconds
}

// lowest and highest are the first and last member of a set that is not empty.
func lowest(set uint64) int  { return bits.TrailingZeros64(set) }
func highest(set uint64) int { return 63 - bits.LeadingZeros64(set) }
