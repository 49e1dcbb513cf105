package dialect

import (
	"strconv"
	"strings"
	"time"
)

const isInstant = "is an instant, not a schedule"

// readInstant reads an instant that stands alone: RFC 3339, a date and a time with or without a zone, or @ with seconds
// since 1970 (systemd).
func readInstant(text string) (Reading, bool) {
	if rest, ok := strings.CutPrefix(text, "@"); ok {
		if head, after, found := strings.Cut(rest, " "); found && strings.EqualFold(head, "at") {
			return readAfterAt(strings.TrimSpace(after))
		}
		return readEpoch(rest)
	}
	return instant(text, isInstant)
}

// readAfterAt reads what @at does not take itself.
func readAfterAt(text string) (Reading, bool) {
	if t, err := time.Parse(time.RFC3339, text); err == nil && t.Nanosecond() != 0 {
		return Reading{}, false // the fraction is what is wrong, and the caller says so
	}
	r, ok := instant(text, "")
	r.InField = true
	return r, ok
}

func readEpoch(digits string) (Reading, bool) {
	if !number9(digits) && len(digits) != 10 && len(digits) != 13 || strings.Trim(digits, "0123456789") != "" {
		return Reading{}, false
	}
	n, _ := strconv.ParseInt(digits, 10, 64)
	switch {
	case len(digits) == 13:
		return explained(isInstant, "Unix milliseconds cannot be told from seconds for sure: use @at "+
			"2026-01-02T15:04:05Z")
	case n < 100_000_000:
		return explained(isInstant, "so early an instant can hardly be meant: use @at 2026-01-02T15:04:05Z, or "+
			"@every 90s for a period")
	}
	return Reading{Problem: isInstant, Rule: &Rule{Kind: Instant, At: time.Unix(n, 0).UTC(), Offset: true}}, true
}

// instant reads a date and a time, with an offset, a zone or neither.
func instant(text, problem string) (Reading, bool) {
	r := Reading{Problem: problem}
	words := strings.Fields(text)
	if len(words) > 0 && isWeekday(words[0]) { // Fri 2026-01-02 03:04:05
		return Reading{}, false // the weekday is to be looked at: systemd's reader does
	}
	if n := len(words); n > 1 && looksLikeZone(words[n-1]) {
		r.Zone, words = words[n-1], words[:n-1]
	}
	clock := strings.ToUpper(strings.Join(words, "T"))
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(layout, clock); err == nil && r.Zone == "" && t.Nanosecond() == 0 {
			r.Rule = &Rule{Kind: Instant, At: t, Offset: true}
			return r, true
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, clock); err == nil && t.Nanosecond() == 0 {
			r.Rule = &Rule{Kind: Instant, At: t}
			r.Why = "without an offset it was read in the zone of the job"
			if r.Zone != "" {
				r.Why = "@at has the offset of the zone in it"
			}
			return r, true
		}
	}
	return Reading{}, false
}

// looksLikeZone recognises a name of a zone behind a time.
func looksLikeZone(s string) bool {
	if s == "UTC" || s == "GMT" || s == "CET" || s == "EST" {
		return true
	}
	return strings.Contains(s, "/") && s[0] >= 'A' && s[0] <= 'Z' && !strings.ContainsAny(s, "*:,.")
}

func isWeekday(s string) bool {
	_, ok := weekdayOf(s)
	return ok
}

// weekdayOf reads a name of a weekday, in full or of three letters, singular or plural.
func weekdayOf(s string) (int, bool) {
	lower := strings.ToLower(s)
	for d := range time.Saturday + 1 {
		full := strings.ToLower(d.String())
		if lower == full || lower == full+"s" || lower == full[:3] || len(lower) > 3 && len(lower) < 6 &&
			strings.HasPrefix(full, lower) {
			return int(d), true
		}
	}
	return 0, false
}
