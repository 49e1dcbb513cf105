package cron

import (
	"math/bits"
	"strings"
)

// Warnings lists what is legal but possibly not intended, one sentence each, without a
// full stop. It returns nil if there are none.
func (s *Schedule) Warnings() []string {
	var w []string
	if s.dst != (DST{GapAfter, FoldFirst}) && (s.kind != kindFields || s.clock.interval) {
		w = append(w, "the dst choice has no effect: it is for fixed times, and this schedule follows real time")
	}
	if s.kind != kindFields {
		return w
	}
	r := review{s, syntaxOf(s.text)}
	for _, check := range []func() []string{
		r.seconds, r.steps, r.oversteps, r.either, r.shortMonths, r.rare, r.numbering, r.end, r.zone,
	} {
		w = append(w, check()...)
	}
	return w
}

// WarningsWithoutJob returns the warnings for a preview without a job, for which the
// values that H chooses are not known.
func (s *Schedule) WarningsWithoutJob() []string {
	w := s.Warnings()
	if len(s.pattern.hashed) > 0 {
		w = append(w, "H depends on the id of the job, and no job is named: a job with this schedule fires at other "+
			"times than shown")
	}
	return w
}

// review finds what a user who knows other schedulers may misunderstand in a schedule of
// fields.
type review struct {
	*Schedule
	syn *syntax
}

func (r review) seconds() []string {
	seconds, minutes := bits.OnesCount64(r.pattern.fields.second), bits.OnesCount64(r.pattern.fields.minute)
	switch {
	case seconds < 60:
		return nil
	case minutes < 60:
		return []string{"fires 60 times in each minute that matches: put 0 in the second field to fire once"}
	case bits.OnesCount64(r.pattern.fields.hour) < 24:
		return []string{"fires 3,600 times in each hour that matches, every second of it: put 0 in the second " +
			"field to fire " +
			"once a minute, and in the minute field too to fire once an hour"}
	}
	return []string{"fires every second"}
}

// steps is for */7: the distance is not the same where the field starts again.
func (r review) steps() []string {
	var w []string
	for id := fieldSecond; id <= fieldHour; id++ {
		sp := &specs[id]
		for _, it := range r.syn[id] {
			if it.form != formStar || it.step < 2 || sp.size()%it.step == 0 || it.overstep(sp) {
				continue
			}
			w = append(w, sp.name+" */"+itoa(it.step)+" starts again at 0: the last distance is "+
				plural(sp.size()-it.end(), sp.name)+", not "+itoa(it.step)+"; for an even period use @every "+
				itoa(it.step)+"smh"[id:id+1])
		}
	}
	return w
}

// oversteps is for */90 in the minute, which is minute 0 alone.
func (r review) oversteps() []string {
	words := splitWords(r.text)
	first := fieldSecond
	if len(words) == 5 {
		first = fieldMinute
	}
	var w []string
	for i, word := range words {
		sp := &specs[int(first)+i]
		parts := strings.Split(word.text, ",")
		for k, it := range r.syn[sp.id] {
			if it.step < 2 || !it.overstep(sp) {
				continue
			}
			given, value := parts[k], itoa(it.lo)
			parts[k] = value
			texts := wordTexts(words)
			texts[i] = strings.Join(parts, ",")
			parts[k] = given
			if len(sp.names) > 0 {
				value = sp.names[it.lo-sp.min]
			}
			w = append(w, sp.name+" "+clip(given)+" is "+value+
				" alone, since the step goes past the end of its range: "+
				strings.Join(texts, " ")+" says the same"+periodOf(sp, it))
		}
	}
	return w
}

// periodOf offers the period that a step past a whole field was probably meant to be.
func periodOf(sp *spec, it item) string {
	hours := map[fieldID]int{fieldDOM: 24, fieldDOW: 24, fieldHour: 1}[sp.id]
	text, unit := itoa(it.step)+"s", sp.name
	switch {
	case it.form != formStar || sp.id == fieldMonth || sp.id == fieldYear:
		return ""
	case hours == 24:
		unit = "day"
		fallthrough
	case hours == 1:
		text = itoa(it.step*hours) + "h"
	case sp.id == fieldMinute:
		text = itoa(it.step) + "m"
	}
	if _, err := parseEvery(text, 1); err != nil {
		return ""
	}
	return "; for a period of " + plural(it.step, unit) + " use @every " + text
}

// either warns about two restricted day fields. If one of them begins with *, the crons
// of Linux require both to match.
func (r review) either() []string {
	if !restricted(r.syn[fieldDOM]) || !restricted(r.syn[fieldDOW]) {
		return nil
	}
	text := "both day fields are restricted: fires on a day that matches either of them, as in crontab"
	if r.syn[fieldDOM][0].form == formStar || r.syn[fieldDOW][0].form == formStar {
		text += " (where one of them begins with *, the cron of Linux asks for both)"
	}
	words := splitWords(r.text)
	at := len(words) - 3 // day-of-month in a text of five fields
	if len(words) > 5 {
		at = int(fieldDOM)
	}
	if nth := r.nthOf(); nth != "" {
		texts := wordTexts(words)
		texts[at], texts[at+2] = "?", nth
		text += "; for days that match both write " + strings.Join(texts, " ")
	}
	return []string{text}
}

// nthOf writes 1-7 with MON as MON#1. It returns "" if the days of the month are not
// exactly one such week.
func (r review) nthOf() string {
	f := &r.pattern.fields
	if f.special || len(r.pattern.hashed) > 0 {
		return ""
	}
	for k := 1; k <= 4; k++ {
		if f.dom != 0x7f<<(7*k-6) {
			continue
		}
		var items []string
		for set := f.dow; set != 0; set &= set - 1 {
			items = append(items, specs[fieldDOW].names[lowest(set)]+"#"+itoa(k))
		}
		return strings.Join(items, ",")
	}
	return ""
}

// shortMonths warns about days that some of the months do not have.
func (r review) shortMonths() []string {
	if restricted(r.syn[fieldDOW]) {
		return nil
	}
	var w []string
	for _, it := range r.syn[fieldDOM] {
		if it.step > 0 || it.form != formNearest && (it.form != formRange || it.lo != it.hi) || it.lo < 29 {
			continue
		}
		if names := r.monthsWithout(it.lo); len(names) > 0 {
			w = append(w, "does not fire on day "+itoa(it.lo)+" in "+joinAnd(names)+
				", which has no such day; L is the last day of every month")
		}
		if it.lo == 29 && r.pattern.fields.month>>2&1 == 1 {
			w = append(w, "29 February exists in leap years only")
		}
	}
	return w
}

// monthsWithout names the months of the schedule that never have the day.
func (r review) monthsWithout(day int) []string {
	const leapYear = 2000
	var names []string
	for m := 1; m <= 12; m++ {
		if r.pattern.fields.month>>m&1 == 1 && monthDays(leapYear, m) < day {
			names = append(names, monthName(m))
		}
	}
	return names
}

// rare warns about days counted from the end of the month, and about fifth weekdays, that
// some months do not have.
func (r review) rare() []string {
	var w []string
	for _, it := range r.syn[fieldDOW] {
		if it.form == formNth && it.hi == 5 {
			w = append(w, "not every month has a fifth "+weekdayName(it.lo))
		}
	}
	for _, it := range r.syn[fieldDOM] {
		if it.form == formFromEnd && it.lo >= 28 {
			w = append(w, "L-"+itoa(it.lo)+" does not exist in months of "+itoa(it.lo)+" days or fewer")
		}
	}
	return w
}

// numbering warns about texts that look like Quartz and have weekdays as numbers; Quartz
// counts from 1 for Sunday.
func (r review) numbering() []string {
	words := splitWords(r.text)
	if len(words) < 5 || len(words) == 5 && !strings.Contains(r.text, "?") {
		return nil
	}
	dow := words[min(len(words)-1, int(fieldDOW))].text
	looks := len(words) == 7 || strings.ContainsAny(r.text, "?#") || strings.Contains(strings.ToUpper(dow), "L")
	if looks && strings.ContainsAny(strings.SplitN(strings.Split(dow, "/")[0], "#", 2)[0], "01234567") {
		return []string{"weekday numbers here are 0 or 7 Sunday, 1 Monday .. 6 Saturday; Quartz and " +
			"EventBridge count " +
			"1 Sunday .. 7 Saturday: names (SUN, MON) leave no doubt"}
	}
	return nil
}

func (r review) end() []string {
	if !restricted(r.syn[fieldYear]) || r.pattern.fields.years.has(2199) {
		return nil
	}
	return []string{"has no fire after the year " + itoa(r.pattern.fields.years.atOrBefore(2199))}
}
