package domain

import (
	"errors"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/cron"
)

func (s *Spec) parseSchedule() (*cron.Schedule, error) {
	return ParseSchedule(s.Schedule, s.Timezone, s.DST)
}

// ScheduleWarnings returns what is valid in the schedule but may be a mistake, one
// sentence each, in the words of a preview.
func (s *Spec) ScheduleWarnings() []string {
	sched, err := s.parseSchedule()
	if err != nil {
		return nil
	}
	return sched.Warnings()
}

// ParseSchedule compiles an expression. Its errors have the names of the spec's fields
// instead of those of package cron.
func ParseSchedule(text, zone string, dst DST) (*cron.Schedule, error) {
	sched, err := cron.Parse(text, zone, cron.DST{Gap: dst.Gap, Fold: dst.Fold})
	if err == nil {
		return sched, nil
	}
	ce, ok := errors.AsType[*cron.Error](err)
	switch {
	case !ok:
		return nil, InvalidAs(FieldFormat, "schedule", err.Error(), text)
	case ce.Field == "timezone":
		return nil, InvalidAs(codeOfSchedule(ce), "timezone", ce.Within("timezone"), zone)
	}
	return nil, InvalidAs(codeOfSchedule(ce), "schedule", ce.Within("schedule"), text)
}

// codeOfSchedule is the code of what is wrong with an expression or a zone.
func codeOfSchedule(e *cron.Error) FieldCode {
	switch e.Kind {
	case cron.TooLong:
		return FieldLength
	case cron.OutOfRange:
		return FieldRange
	case cron.NeverFires:
		return FieldNeverFires
	case cron.UnknownZone:
		return FieldNotFound
	case cron.Unreadable:
	}
	return FieldFormat
}

func (s *Spec) checkSchedule(fe *fieldErrors) {
	if s.Schedule == "" {
		fe.addAs(FieldRequired, "schedule", `is required, as in "0 */5 * * * *" (every five minutes)`, nil)
		return
	}
	if !s.checkDST(fe) {
		return
	}
	if _, err := s.parseSchedule(); err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			*fe = append(*fe, e.Fields...)
		}
	}
}

// checkDST reports whether the choices for clock changes are known.
func (s *Spec) checkDST(fe *fieldErrors) bool {
	gapOK := slices.Contains([]cron.Gap{"", "AFTER", "SKIP", "BEFORE"}, s.DST.Gap)
	foldOK := slices.Contains([]cron.Fold{"", "FIRST", "SECOND", "BOTH"}, s.DST.Fold)
	if !gapOK {
		fe.choice("dst.gap", "must be AFTER, SKIP or BEFORE", string(s.DST.Gap), "AFTER", "SKIP", "BEFORE")
	}
	if !foldOK {
		fe.choice("dst.fold", "must be FIRST, SECOND or BOTH", string(s.DST.Fold), "FIRST", "SECOND", "BOTH")
	}
	return gapOK && foldOK
}
