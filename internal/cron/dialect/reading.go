package dialect

import (
	"strings"
	"time"
)

// MaxText is the longest text that is looked at: a line of a crontab with a long command is in it.
const MaxText = 2048

// Reading is what a foreign text was found to be.
type Reading struct {
	// Problem completes "the text ..": "is EventBridge's notation".
	Problem string
	// Offer is an equivalent text for Belfry, which the caller compares with Rule before
	// it shows it. It is empty for an instant, which the caller formats from Rule. It is
	// also empty if there is no equivalent: then Rule is nil and Why has the reason.
	Offer string
	// Zone is the zone that the text names; empty: that of the job.
	Zone string
	// Rule is what the text means where it comes from.
	Rule *Rule
	// Why is a further explanation, or the reason why there is no equivalent.
	Why string
	// InField reports whether the mistake is in one field; then the reader of fields
	// knows its position better.
	InField bool
}

// Kind is the kind of a rule.
type Kind uint8

// The kinds of rules.
const (
	Fields  Kind = iota // readings of the clock, by sets
	Period              // a period without a fixed beginning
	Instant             // once
)

// Rule is when a foreign text fires. Sets have bit v for value v.
type Rule struct {
	Kind Kind

	Second, Minute, Hour, Month uint64
	Years                       map[int]bool                        // nil: every year
	OnDay                       func(day, length, weekday int) bool // weekday 0 is Sunday
	Hashed                      []Hash

	Period time.Duration

	At     time.Time // Instant: a reading of the clock in Zone, written as if in UTC; or the instant itself
	Offset bool      // At is the instant itself
}

// Hash is an H: one value, or with a step each step-th value, of lo..hi.
type Hash struct {
	Field        byte // one of the letters of order: s m h D M W
	Lo, Hi, Step int
}

// InYear reports whether the rule has the year.
func (r *Rule) InYear(year int) bool { return r.Years == nil || r.Years[year] }

// explained is a reading without an offer.
func explained(problem, why string) (Reading, bool) {
	return Reading{Problem: problem, Why: why}, true
}

// join makes one text of several, without the empty ones.
func join(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "; ")
}

const aZone = "a zone is not part of the schedule"
