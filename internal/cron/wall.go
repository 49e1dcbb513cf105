package cron

// This is the search for matching readings, without a zone: readings are seconds since
// 1970-01-01 00:00:00 local time. The search does not go second by second; it jumps from
// field to field. It takes at most one step each for second, minute and hour, and
// computes one set of days for each month. It skips the months and years that do not
// match.

// nextWall is the first matching reading after wall.
func (f *fields) nextWall(wall int64) (int64, bool) {
	day, second := split(wall + 1)
	if f.everyDay {
		if t := f.timeFrom(second); t >= 0 {
			return day*daySeconds + t, day <= lastDay
		}
		return (day+1)*daySeconds + f.first, day < lastDay
	}
	if second > f.final {
		day, second = day+1, 0
	}
	found, ok := f.dayFrom(day)
	if !ok {
		return 0, false
	}
	if found > day {
		return found*daySeconds + f.first, true
	}
	return day*daySeconds + f.timeFrom(second), true
}

// prevWall is the last matching reading before wall.
func (f *fields) prevWall(wall int64) (int64, bool) {
	day, second := split(wall - 1)
	if second < f.first {
		day, second = day-1, daySeconds-1
	}
	found, ok := f.dayUpTo(day)
	if !ok {
		return 0, false
	}
	if found < day {
		return found*daySeconds + f.final, true
	}
	return day*daySeconds + f.timeUpTo(second), true
}

// timeFrom is the first matching second of the day at or after second, or -1.
func (f *fields) timeFrom(second int64) int64 {
	h, m, s := int(second/3600), int(second/60%60), int(second%60)
	if f.hour>>h&1 == 1 {
		if f.minute>>m&1 == 1 {
			if set := f.second >> s; set != 0 {
				return second + int64(lowest(set))
			}
		}
		if set := f.minute >> (m + 1); set != 0 {
			return int64(h*3600 + (m+1+lowest(set))*60 + lowest(f.second))
		}
	}
	if set := f.hour >> (h + 1); set != 0 {
		return int64((h+1+lowest(set))*3600 + lowest(f.minute)*60 + lowest(f.second))
	}
	return -1
}

// timeUpTo is the last matching second of the day at or before second, or -1.
func (f *fields) timeUpTo(second int64) int64 {
	h, m, s := int(second/3600), int(second/60%60), int(second%60)
	if f.hour>>h&1 == 1 {
		if f.minute>>m&1 == 1 {
			if set := f.second & (1<<(s+1) - 1); set != 0 {
				return int64(h*3600 + m*60 + highest(set))
			}
		}
		if set := f.minute & (1<<m - 1); set != 0 {
			return int64(h*3600 + highest(set)*60 + highest(f.second))
		}
	}
	if set := f.hour & (1<<h - 1); set != 0 {
		return int64(highest(set)*3600 + highest(f.minute)*60 + highest(f.second))
	}
	return -1
}

// dayFrom is the first matching day at or after from.
func (f *fields) dayFrom(from int64) (int64, bool) {
	if from > lastDay {
		return 0, false
	}
	year, month, day := dateOf(from)
	for {
		if f.years.has(year) {
			for set := f.month >> month; set != 0; set = f.month >> month {
				if skip := lowest(set); skip > 0 {
					month, day = month+skip, 1
				}
				first := daysOf(year, month, 1)
				if days := f.days(year, month, first) >> day; days != 0 {
					found := first + int64(day-1+lowest(days))
					return found, found <= lastDay
				}
				month, day = month+1, 1
			}
		}
		if year = f.years.atOrAfter(year + 1); year > lastYear {
			return 0, false
		}
		month, day = 1, 1
	}
}

// dayUpTo is the last matching day at or before to.
func (f *fields) dayUpTo(to int64) (int64, bool) {
	if to < firstDay {
		return 0, false
	}
	year, month, day := dateOf(min(to, lastDay))
	for {
		if f.years.has(year) {
			for set := f.month & (2<<month - 1); set != 0; set = f.month & (2<<month - 1) {
				if m := highest(set); m < month {
					month, day = m, 31
				}
				first := daysOf(year, month, 1)
				if days := f.days(year, month, first) & (2<<day - 1); days != 0 {
					found := first + int64(highest(days)) - 1
					return found, found >= firstDay
				}
				month, day = month-1, 31
			}
		}
		if year = f.years.atOrBefore(year - 1); year < firstYear {
			return 0, false
		}
		month, day = 12, 31
	}
}
