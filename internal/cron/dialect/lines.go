package dialect

import (
	"regexp"
	"strings"
)

// zoneLine is the zone of a schedule in YAML or JSON.
var zoneLine = regexp.MustCompile(`^(?:- +)?["']?(?i:time_?zone)["']?\s*[:=]\s*["']?([\w/+-]+)["']?,?$`)

// readLines reads the content of a file: several lines, of Jenkins or of a crontab, with
// comments and a zone.
func (w within) readLines(text string) (Reading, bool) {
	if !strings.ContainsAny(text, "\r\n") {
		return Reading{}, false
	}
	const problem = "has several lines"
	var lines []string
	zone, ofLibrary := "", false
	for line := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == '\n' || c == '\r' }) {
		line = strings.TrimSpace(line)
		if z, posix := zoneIn(line); z != "" {
			zone, ofLibrary = z, posix
		} else if !isNoSchedule(line) {
			lines = append(lines, line)
		}
	}
	if len(lines) != 1 {
		return explained(problem, "a job has one schedule: make a job for each line")
	}
	if r, ok := signReversed(zone); ok && ofLibrary {
		return r, true
	}
	if zone != "" {
		return w.inZone(zone, lines[0])
	}
	r, ok := w.nativeOrForeign(lines[0])
	if !ok {
		return explained(problem, "a schedule is one line")
	}
	r.InField = false
	if r.Problem == "" {
		r.Problem, r.Why = problem, "a schedule is one line, without comments"
	}
	return r, true
}

// zoneIn is the zone that a line sets; ofLibrary: for the C library, in a crontab.
func zoneIn(line string) (zone string, ofLibrary bool) {
	if zoneLine.MatchString(line) {
		return zoneLine.ReplaceAllString(line, "$1"), false
	}
	name, value, assigns := strings.Cut(line, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !assigns || name != "TZ" && name != "CRON_TZ" || strings.Contains(value, " ") {
		return "", false
	}
	return strings.Trim(value, `"'`), true
}

// isNoSchedule reports whether a line is not the schedule: it is empty, a comment,
// another setting (PATH=/bin), or only a key of YAML.
func isNoSchedule(line string) bool {
	name, _, assigns := strings.Cut(line, "=")
	setting := assigns && strings.Trim(strings.TrimSpace(name), "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
	return line == "" || line[0] == '#' || strings.HasSuffix(line, ":") || setting && name != "TZ" && name != "CRON_TZ"
}
