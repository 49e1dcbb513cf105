package dialect

import "strings"

const noCommand = `Belfry calls an address, the job's "api", and runs no command`

// readCrontabLine reads five fields that are followed by a command, possibly with a user
// between the two, or by a zone.
func (w within) readCrontabLine(text string) (Reading, bool) {
	words := strings.Fields(text)
	if n := len(words); n > 5 && looksLikeZone(words[n-1]) {
		if r, ok := native(strings.Join(words[:n-1], " ")); ok {
			return w.inZone(words[n-1], r.Offer)
		}
	}
	if len(words) > 6 && isCommand(words[6:]) {
		if _, err := six.evaluate(words[:6]); err == nil {
			return explained(withCommand, join(noCommand, "of six fields the first is the second here"))
		}
	}
	if len(words) < 6 || !isCommand(words[5:]) {
		return Reading{}, false
	}
	rule, err := crontab.evaluate(words[:5])
	if err != nil {
		return Reading{}, false
	}
	why := noCommand
	if restricts(words[2]) && restricts(words[4]) && (words[2][0] == '*' || words[4][0] == '*') {
		why = join(why, "the cron of Linux asks for both day fields where one begins with *, Belfry for either")
	}
	return Reading{Problem: withCommand, Offer: strings.Join(words[:5], " "), Rule: rule, Why: why}, true
}

const withCommand = "has a command behind the fields"

func restricts(field string) bool { return strings.Trim(field, "*?") != "" }

// isCommand reports whether the words are a command and not further fields: a path, a
// quoted or assigned word, or a name with arguments. A name that begins like a month or a
// weekday (MONDAY) is not a command.
func isCommand(words []string) bool {
	first := words[0]
	if strings.ContainsAny(first[:1], "/.~$\"'[{(&") || strings.Contains(first[1:], "./") {
		return true
	}
	letters := strings.ToUpper(strings.Trim(first, "0123456789*,-/?#()"))
	if strings.Trim(letters, "HLW") == "" || len(words) == 1 && !strings.Contains(first, ".") {
		return false
	}
	for _, names := range [][]string{weekdayNames, monthNames} {
		for _, name := range names {
			if strings.HasPrefix(letters, name) {
				return false
			}
		}
	}
	return letters[0] >= 'A' && letters[0] <= 'Z'
}
