package dialect

import (
	"regexp"
	"strings"
)

// keyed matches a schedule after its key in YAML, JSON, Terraform, Python or Java: -
// cron: '0 9 * * *', schedule = "..", @Scheduled(cron = "..").
var keyed = regexp.MustCompile(`^(?:- +)?(?:@?[A-Za-z]\w*\()?["']?([A-Za-z][\w.-]*)["']?\s*[:=]\s*(.*?)[,;)]*$`)

// readAround reads a text with its key before it or a comment behind it.
func (w within) readAround(text string) (Reading, bool) {
	inner, why := text, ""
	if before, _, found := strings.Cut(inner, " #"); found {
		inner, why = strings.TrimSpace(before), "a schedule has no comment"
	}
	if m := keyed.FindStringSubmatch(inner); len(m) == 3 && isKey(m[1]) {
		inner, why = strings.TrimSpace(m[2]), "the key is not part of the schedule"
	}
	if inner == text || inner == "" {
		return Reading{}, false
	}
	r, ok := w.nativeOrForeign(strings.Trim(inner, "\"'`"))
	if !ok {
		return Reading{}, false
	}
	r.InField = false
	if r.Problem == "" {
		r.Problem, r.Why = "has more in it than the schedule", join(why, r.Why)
	}
	return r, true
}

// isKey reports whether the name is one that schedules have. A delay is not a schedule,
// because it counts from the end of a run.
func isKey(name string) bool {
	lower := strings.ToLower(name)
	for _, part := range []string{"cron", "sched", "rate", "calendar"} {
		if strings.Contains(lower, part) {
			return !strings.Contains(lower, "delay")
		}
	}
	return false
}

// offsetSign matches a zone of the C library with an offset. Its sign is the opposite of
// the usual one: UTC-2 is east of UTC.
var offsetSign = regexp.MustCompile(`^(?:<.*>|[A-Za-z]{3,6})[+-]0*[1-9]`)

// signReversed explains a zone of which nobody can know how its sign was meant.
func signReversed(zone string) (Reading, bool) {
	if !offsetSign.MatchString(zone) {
		return Reading{}, false
	}
	return explained(aZone, "after TZ= the C library reads the sign of an offset the other way round, UTC-2 as "+
		"+02:00, so it cannot be "+
		"known what is meant: name a place in the job's own field \"timezone\", such as Europe/Berlin")
}
