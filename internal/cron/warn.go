package cron

import (
	"math/bits"
	"strings"
)

// Warnings lists what is legal but may not be meant, one sentence each, without a full stop. nil: nothing to say.
func (s *Schedule) Warnings() []string {
	var w []string
	if s.dst != (DST{GapAfter, FoldFirst}) && (s.kind != kindFields || s.interval) {
		w = append(w, "the dst choice has no effect: it is for fixed times, and this schedule follows real time")
	}
	if s.kind != kindFields {
		return w
	}
	syn := s.syntaxFor(0)
	for _, check := range []func(*syntax) []string{
		s.warnSeconds, warnSteps, warnEither, s.warnShortMonths, warnRare, s.warnNumbering, s.warnEnd,
	} {
		w = append(w, check(syn)...)
	}
	return w
}

func (s *Schedule) warnSeconds(syn *syntax) []string {
	n := bits.OnesCount64(s.fields.second)
	switch {
	case n == 60 && bits.OnesCount64(s.fields.minute) == 60:
		return []string{"fires every second"}
	case n == 60:
		return []string{"fires 60 times in each minute that matches: put 0 in the second field to fire once"}
	}
	return nil
}

// warnSteps is for */7: the distance is not the same where the field starts again.
func warnSteps(syn *syntax) []string {
	var w []string
	for id := fieldSecond; id <= fieldHour; id++ {
		sp := &specs[id]
		for _, it := range syn[id] {
			if it.form != formStar || it.step < 2 || sp.size()%it.step == 0 {
				continue
			}
			w = append(w, sp.name+" */"+itoa(it.step)+" starts again at 0: the last distance is "+
				plural(sp.size()-it.end(), sp.name)+", not "+itoa(it.step)+"; for an even period use @every")
		}
	}
	return w
}

func warnEither(syn *syntax) []string {
	if restricted(syn[fieldDOM]) && restricted(syn[fieldDOW]) {
		return []string{"both day fields are restricted: fires on a day that matches either of them, as in crontab"}
	}
	return nil
}

// warnShortMonths is for days that some of the months do not have.
func (s *Schedule) warnShortMonths(syn *syntax) []string {
	if restricted(syn[fieldDOW]) {
		return nil
	}
	var w []string
	for _, it := range syn[fieldDOM] {
		if it.step > 0 || it.form != formNearest && (it.form != formRange || it.lo != it.hi) || it.lo < 29 {
			continue
		}
		if names := s.monthsWithout(it.lo); len(names) > 0 {
			w = append(w, "does not fire on day "+itoa(it.lo)+" in "+joinAnd(names)+
				", which has no such day; L is the last day of every month")
		}
		if it.lo == 29 && s.fields.month>>2&1 == 1 {
			w = append(w, "29 February exists in leap years only")
		}
	}
	return w
}

// monthsWithout names the months of the schedule that never have the day.
func (s *Schedule) monthsWithout(day int) []string {
	const leapYear = 2000
	var names []string
	for m := 1; m <= 12; m++ {
		if s.fields.month>>m&1 == 1 && monthDays(leapYear, m) < day {
			names = append(names, monthName(m))
		}
	}
	return names
}

// warnRare is for days counted from an end of the month that some months do not have.
func warnRare(syn *syntax) []string {
	var w []string
	for _, it := range syn[fieldDOW] {
		if it.form == formNth && it.hi == 5 {
			w = append(w, "not every month has a fifth "+weekdayName(it.lo))
		}
	}
	for _, it := range syn[fieldDOM] {
		if it.form == formFromEnd && it.lo >= 28 {
			w = append(w, "L-"+itoa(it.lo)+" does not exist in months of "+itoa(it.lo)+" days or fewer")
		}
	}
	return w
}

// warnNumbering is for texts that look like Quartz and count weekdays by number, which Quartz does from 1 for Sunday.
func (s *Schedule) warnNumbering(*syntax) []string {
	words := splitWords(s.text)
	if len(words) < 5 || len(words) == 5 && !strings.Contains(s.text, "?") {
		return nil
	}
	dow := words[min(len(words)-1, int(fieldDOW))].text
	looks := len(words) == 7 || strings.ContainsAny(s.text, "?#") || strings.Contains(strings.ToUpper(dow), "L")
	if looks && strings.ContainsAny(strings.SplitN(strings.Split(dow, "/")[0], "#", 2)[0], "01234567") {
		return []string{"weekday numbers here are 0 or 7 Sunday, 1 Monday .. 6 Saturday; Quartz and EventBridge count " +
			"1 Sunday .. 7 Saturday: names (SUN, MON) leave no doubt"}
	}
	return nil
}

func (s *Schedule) warnEnd(syn *syntax) []string {
	if !restricted(syn[fieldYear]) || s.fields.years.has(2199) {
		return nil
	}
	return []string{"has no fire after the year " + itoa(s.fields.years.atOrBefore(2199))}
}
