package cron

import (
	"errors"
	"strconv"
	"strings"
)

// macros are the named schedules; each is nothing but the fields beside it.
var macros = map[string]string{
	"@yearly":   "0 0 0 1 1 *",
	"@annually": "0 0 0 1 1 *",
	"@monthly":  "0 0 0 1 * *",
	"@weekly":   "0 0 0 * * 0",
	"@daily":    "0 0 0 * * *",
	"@midnight": "0 0 0 * * *",
	"@hourly":   "0 0 * * * *",
}

// foreign recognises habits of other schedulers and says how to write the same thing here. nil: nothing foreign.
func foreign(text string, col int) error {
	lower := strings.ToLower(text)
	head, rest, _ := strings.Cut(lower, "(")
	inner := strings.TrimSuffix(strings.TrimSpace(rest), ")")
	switch {
	case strings.HasPrefix(lower, "tz=") || strings.HasPrefix(lower, "cron_tz="):
		zone, _, _ := strings.Cut(text[strings.IndexByte(text, '=')+1:], " ")
		return fail("schedule", col, text, `give the zone in the job's own field: "timezone": "`+clip(zone)+`"`,
			"a zone is not part of the schedule")
	case head == "cron" && rest != "":
		return fail("schedule", col, text,
			"write the fields without cron(..) and a second before them: 0 "+clip(strings.ToUpper(inner))+
				" (numbers of weekdays are one less here: 1 is Monday)", "is EventBridge's notation")
	case head == "rate" && rest != "":
		return fail("schedule", col, text, "use "+rateHint(inner), "is EventBridge's notation")
	case head == "at" && rest != "":
		return fail("schedule", col, text, "use @at "+clip(strings.ToUpper(inner))+"Z (or another offset)",
			"is EventBridge's notation")
	case strings.HasPrefix(lower, "every "):
		return fail("schedule", col, text, "use "+rateHint(lower[len("every "):]), "is not a schedule")
	case isISODuration(lower):
		return fail("schedule", col, text, "use @every with h, m and s, such as @every 1h30m",
			"an ISO 8601 duration is not a schedule")
	}
	return nil
}

func isISODuration(lower string) bool {
	return strings.HasPrefix(lower, "pt") || len(lower) > 1 && lower[0] == 'p' && isDigit(lower[1]) ||
		lower[0] == 'r' && strings.Contains(lower, "/p")
}

// rateHint translates "5 minutes" to @every.
func rateHint(text string) string {
	words := strings.Fields(text)
	if len(words) == 2 && isNumber(words[0]) && len(words[0]) <= 4 {
		switch strings.TrimSuffix(words[1], "s") {
		case "second":
			return "@every " + words[0] + "s"
		case "minute":
			return "@every " + words[0] + "m"
		case "hour":
			return "@every " + words[0] + "h"
		case "day":
			days, _ := strconv.Atoi(words[0])
			return "@every " + itoa(24*days) + "h, or @daily"
		}
	}
	return "@every with a duration, such as @every 5m"
}

// unknownMacro answers for "@" words that are none of ours.
func unknownMacro(name string, col int) error {
	hint := "use @yearly, @monthly, @weekly, @daily, @hourly, @every 5m or @at 2026-01-02T15:04:05Z"
	if strings.EqualFold(name, "@reboot") {
		hint = "Belfry runs jobs by the clock, not at a start; " + hint
	}
	return fail("schedule", col, name, hint, "is not a named schedule")
}

// explain adds to an error in a field what another scheduler's user most likely meant.
func explain(err error, words []word) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	last := words[len(words)-1]
	if len(words) == 6 && isYear(last.text) {
		e.Hint = "a year comes seventh, and the second first: 0 " + strings.Join(wordTexts(words), " ")
	}
	if e.Field == "hour" && len(words) == 5 && strings.Contains(words[2].text+words[3].text, "?") {
		e.Hint += "; five fields begin with the minute"
	}
	return e
}

// isYear recognises what can only have been meant as a year or years.
func isYear(s string) bool {
	return len(s) >= 4 && isNumber(s[:4]) && s[:4] >= "1970" && s[:4] <= "2199"
}

func wordTexts(words []word) []string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.text
	}
	return texts
}
