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
	// Offer is the same for Belfry, to be compared with Rule first. It is empty for an instant, which the caller
	// renders
	// from Rule, and where there is none: then Rule is nil and Why says why.
	Offer string
	// Zone is the zone that the text names; empty: that of the job.
	Zone string
	// Rule is what the text means where it comes from.
	Rule *Rule
	// Why is what should be known besides.
	Why string
	// InField: the mistake is that of a field, and its place is known better to the reader of fields.
	InField bool
}

// Kind tells the kinds of rules apart.
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

// periodOffer is a reading of a period, offered as @every.
func periodOffer(problem string, d time.Duration) (Reading, bool) {
	if d <= 0 {
		return explained(problem, "a period must be positive")
	}
	why := "it counts from the creation of the job, the first fire is one period later"
	if d%(24*time.Hour) == 0 {
		why = join("a day is 24h of real time here, @daily follows the clock", why)
	}
	return Reading{Problem: problem, Offer: "@every " + spanText(d), Rule: &Rule{Kind: Period, Period: d},
		Why: why}, true
}

// spanText renders whole seconds in h, m and s; what is finer is left to fail the comparison.
func spanText(d time.Duration) string {
	var b strings.Builder
	for _, unit := range []struct {
		size time.Duration
		name byte
	}{{time.Hour, 'h'}, {time.Minute, 'm'}, {time.Second, 's'}} {
		if n := d / unit.size; n > 0 {
			b.WriteString(itoa(int(n)))
			b.WriteByte(unit.name)
			d %= unit.size
		}
	}
	return b.String()
}

// Read recognises a foreign text. It is for texts that Belfry refuses: some are legal in both notations.
func Read(text string) (Reading, bool) { return within(0).read(text) }

// within is the number of texts that contain a text: it is in quotes, behind a zone, a line of a file.
type within int

// deepest bounds the work, since each text is read once more for what is in it. A quoted file of a line that is quoted
// behind its zone has four.
const deepest = 4

// read is Read for what is within other texts.
func (w within) read(text string) (Reading, bool) {
	if len(text) > MaxText || w > deepest {
		return Reading{}, false
	}
	trimmed := strings.Trim(text, " \t\r\n")
	if trimmed == "" {
		return Reading{}, false
	}
	for _, read := range []func(string) (Reading, bool){
		w.readLines, w.readZonePrefix, w.readAround, readUnlike, readEventBridge, readMacro, readEvery, readISO,
		readInstant, readBareEventBridge,
		readYearLast, w.readCrontabLine, readQuartz, readEnglish, readSystemd,
	} {
		if r, ok := read(trimmed); ok {
			return r, true
		}
	}
	return w.readPasted(text)
}
