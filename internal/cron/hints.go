package cron

import (
	"errors"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/cron/dialect"
)

// refused is a text that is not a valid schedule, with the other arguments of Parse.
type refused struct {
	text string
	zone *zone
	dst  DST
}

// advise adds advice to the error of a refused text: what it means in the other
// scheduler, and the equivalent for Belfry.
func (a *refused) advise(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	r, ok := dialect.Read(a.text)
	if !ok {
		e.Hint += minuteFirst(e, splitWords(a.text))
		return e
	}
	if !r.InField {
		trimmed := strings.Trim(a.text, " \t\r\n")
		e = fail("schedule", strings.Index(a.text, trimmed)+1, trimmed, "", "%s", r.Problem)
	}
	switch offer := a.offer(&r); {
	case offer != nil:
		e.Suggestion = offer
		e.Hint = joinClauses("use "+offer.String(), r.Why)
	case r.Rule == nil:
		e.Hint = r.Why
	case !r.InField:
		e.Hint = a.whyNot(&r)
	}
	return e
}

// minuteFirst explains five fields that were taken for Quartz's, which begin with the second.
func minuteFirst(e *Error, words []word) string {
	if e.Field == "hour" && len(words) == 5 && strings.Contains(words[2].text+words[3].text, "?") {
		return "; five fields begin with the minute"
	}
	return ""
}

// whyNot returns why there is no translation of a text that was understood.
func (a *refused) whyNot(r *dialect.Reading) string {
	if r.Zone != "" {
		if _, hint, ok := a.zoneOf(r); !ok {
			return joinClauses(`"`+clip(r.Zone)+`" is not a known zone: `+hint, r.Why)
		}
	}
	switch r.Rule.Kind {
	case dialect.Period:
		return "a period here is whole seconds, at most 87600h (ten years)"
	case dialect.Fields:
		return joinClauses("no schedule here means the same", r.Why)
	case dialect.Instant:
		return "in the zone no one instant of the years 1970 to 2199 has that reading: use @at with an offset"
	}
	return ""
}

// zoneOf is the zone of a reading: its own, or that of the schedule. If the zone is
// unknown, zoneOf returns a hint.
func (a *refused) zoneOf(r *dialect.Reading) (z *zone, hint string, ok bool) {
	if r.Zone == "" {
		return a.zone, "", true
	}
	z, err := loadZone(r.Zone)
	if err == nil {
		return z, "", true
	}
	name, why := meantZone(r.Zone)
	if z, err = loadZone(name); name == "" || err != nil {
		if why == "" {
			why = zoneExample
		}
		return nil, why, false
	}
	return z, "", true
}

// joinClauses joins what is not empty.
func joinClauses(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// offer is the translation of a reading if it compiles and means the same; nil: there is none.
func (a *refused) offer(r *dialect.Reading) *Suggestion {
	if r.Rule == nil {
		return nil
	}
	z, _, ok := a.zoneOf(r)
	if !ok {
		return nil
	}
	suggestion := &Suggestion{Schedule: r.Offer}
	switch {
	case r.Rule.Kind == dialect.Instant:
		at, ok := z.instantOf(r.Rule)
		if !ok {
			return nil
		}
		suggestion.Schedule = "@at " + at.Format(time.RFC3339)
	case r.Zone != "":
		suggestion.Timezone = z.name
	}
	got, err := compileIn(suggestion.Schedule, z, a.dst)
	if err != nil || !got.means(r.Rule) {
		return nil
	}
	return suggestion
}

// instantOf is the instant at which the clock of the zone shows the reading of the rule, if there is exactly one.
func (z *zone) instantOf(r *dialect.Rule) (time.Time, bool) {
	if r.Offset {
		return r.At, true
	}
	wall := r.At.Unix()
	var found []int64
	for _, p := range z.spans {
		if t := wall - int64(p.off); t >= p.start && t < p.end {
			found = append(found, t)
		}
	}
	if len(found) != 1 {
		return time.Time{}, false
	}
	return time.Unix(found[0], 0).In(z.loc), true
}
