package dialect

import "strings"

// readLines reads what stands in a file: several lines, of Jenkins or of a crontab, with comments and a zone.
func (w within) readLines(text string) (Reading, bool) {
	if !strings.ContainsAny(text, "\r\n") {
		return Reading{}, false
	}
	const problem = "has several lines"
	var lines []string
	zone := ""
	for line := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == '\n' || c == '\r' }) {
		line = strings.TrimSpace(line)
		name, value, assigns := strings.Cut(line, "=")
		switch name = strings.TrimSpace(name); {
		case line == "" || line[0] == '#' || strings.HasSuffix(line, ":"): // schedule:
		case assigns && (name == "TZ" || name == "CRON_TZ") && !strings.Contains(strings.TrimSpace(value), " "):
			zone = strings.Trim(value, ` "'`)
		case assigns && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == "":
		default:
			lines = append(lines, line)
		}
	}
	if len(lines) != 1 {
		return explained(problem, "a job has one schedule: make a job for each line")
	}
	if r, ok := signReversed(zone); ok {
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
