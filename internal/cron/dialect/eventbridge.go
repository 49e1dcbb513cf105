package dialect

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// call takes name(inner) apart, whatever the case of the name.
func call(text, name string) (inner string, ok bool) {
	head, rest, found := strings.Cut(text, "(")
	if !found || !strings.EqualFold(strings.TrimSpace(head), name) {
		return "", false
	}
	return strings.Trim(strings.TrimSuffix(strings.TrimSpace(rest), ")"), " \t\"'"), true
}

const eventBridgeNotation = "is EventBridge's notation"

// readEventBridge reads cron(..), rate(..) and at(..).
func readEventBridge(text string) (Reading, bool) {
	if inner, ok := call(text, "cron"); ok {
		words := strings.Fields(inner)
		r, err := eventBridge.offer(eventBridgeNotation, words)
		switch {
		case errors.Is(err, errBothDays):
			return explained(eventBridgeNotation, "EventBridge wants ? in one of the day fields; what is meant with "+
				"both cannot be known")
		case err != nil && len(words) == 6:
			return explained(eventBridgeNotation, "one of the six fields (minute hour day-of-month month day-of-week "+
				"year) has a value "+
				"that is not known there; weekdays are 1 for Sunday to 7 for Saturday, or SUN to SAT")
		case err != nil:
			return explained(eventBridgeNotation, "in cron(..) it wants six fields: minute hour day-of-month month "+
				"day-of-week year; here they stand without cron(..) and begin with the second")
		}
		return r, true
	}
	if inner, ok := call(text, "rate"); ok {
		return readRate(inner)
	}
	if inner, ok := call(text, "at"); ok {
		return readAtCall(inner)
	}
	return Reading{}, false
}

func readRate(inner string) (Reading, bool) {
	d, ok := span(inner)
	if !ok {
		return explained(eventBridgeNotation, "a period here is @every 5m, @every 2h, at most @every 87600h")
	}
	return periodOffer(eventBridgeNotation, d)
}

// readAtCall reads the reading of a clock; the zone is that of the schedule, UTC without one.
func readAtCall(inner string) (Reading, bool) {
	t, err := time.Parse("2006-01-02T15:04:05", inner)
	if err != nil || strings.ContainsAny(inner, ".,") {
		return explained(eventBridgeNotation, "an instant here is @at 2026-11-20T13:00:00Z")
	}
	return Reading{
		Problem: eventBridgeNotation, Rule: &Rule{Kind: Instant, At: t},
		Why: "at(..) is a time in the zone of the schedule, @at has its offset in it",
	}, true
}

// readBareEventBridge reads the six fields of EventBridge without cron(..). One of its
// day fields is ?, at a place where Belfry has the hour or the month.
func readBareEventBridge(text string) (Reading, bool) {
	words := strings.Fields(text)
	if len(words) != 6 || words[2] != "?" && words[4] != "?" {
		return Reading{}, false
	}
	r, err := eventBridge.offer("has the fields of EventBridge, which begin with the minute and end with the year",
		words)
	if err != nil {
		return Reading{}, false
	}
	r.InField = true
	r.Why = join("these look like EventBridge's six fields, minute first and year last, and here the second is first",
		r.Why)
	return r, true
}

// readYearLast reads five fields of a crontab with a year behind them.
func readYearLast(text string) (Reading, bool) {
	words := strings.Fields(text)
	if len(words) != 6 || len(words[5]) < 4 {
		return Reading{}, false
	}
	if year, err := strconv.Atoi(words[5][:4]); err != nil || year < 1970 || year > 2199 {
		return Reading{}, false
	}
	r, err := yearLast.offer("has a year in the sixth field", words)
	if err != nil {
		return Reading{}, false
	}
	r.InField = true
	r.Why = "a year comes seventh, and the second first"
	return r, true
}
