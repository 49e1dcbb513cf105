package dialect

import "strings"

// others are the macros of other schedulers, each with an equivalent text for Belfry and
// the same meaning in fields from the second on.
var others = map[string][2]string{
	"@minutely": {"* * * * *", "0 * * * * *"}, "@every_minute": {"* * * * *", "0 * * * * *"},
	"@secondly": {"* * * * * *", "* * * * * *"}, "@every_second": {"* * * * * *", "* * * * * *"},
	"@quarterly": {"0 0 1 */3 *", "0 0 0 1 1,4,7,10 *"}, "@semiannually": {"0 0 1 1,7 *", "0 0 0 1 1/6 *"},
	"@noon": {"0 12 * * *", "0 0 12 * * *"},
}

// readMacro reads names with @ that Belfry does not have, and those that it has before a command.
func readMacro(text string) (Reading, bool) {
	if text[0] != '@' {
		return Reading{}, false
	}
	words := strings.Fields(text)
	name := strings.ToLower(words[0])
	const problem = "is not a named schedule"
	switch {
	case name == "@reboot":
		return explained(problem, "Belfry runs jobs by the clock, not at a start; use @yearly, @monthly, @weekly, "+
			"@daily, @hourly, "+
			"@every 5m or @at 2026-01-02T15:04:05Z")
	case name == "@once" || name == "@continuous":
		return explained(problem, "use @at 2026-01-02T15:04:05Z for a single fire")
	case len(words) == 1 && others[name][0] != "":
		rule, _ := six.evaluate(strings.Fields(others[name][1]))
		return Reading{Problem: problem, Offer: others[name][0], Rule: rule}, true
	case len(words) > 1 && named[name] != "":
		if r, ok := readEnglish(strings.TrimPrefix(text, "@")); ok {
			return r, true
		}
		if r, ok := native(name); ok && isCommand(words[1:]) {
			r.Problem, r.Why = withCommand, noCommand
			return r, true
		}
		if len(words) == 2 && strings.ContainsAny(words[1], ":mM") && clockForm.MatchString(strings.ToLower(words[1])) {
			return explained("is a named schedule with a time",
				"a named schedule takes no time: use fields, such as 0 0 5 1 * * for 05:00 "+
					"on the first day of each month, or 0 0 5 * * MON")
		}
	}
	return Reading{}, false
}
