package domain

import (
	"strconv"
	"strings"
)

// ConditionKind is what the record has to say of a job until people are told.
type ConditionKind string

// The kinds. An execution that fails is one that is FAILED or UNKNOWN in the end.
const (
	WhenFailures    ConditionKind = "FAILURES"       // so many in a row have failed
	WhenFailedOf    ConditionKind = "FAILED_OF_LAST" // so many of the last ones have failed
	WhenSuccessRate ConditionKind = "SUCCESS_RATE"   // of those in a window, fewer percent have succeeded
	WhenDuration    ConditionKind = "DURATION"       // so many in a window have taken longer
	WhenDrift       ConditionKind = "DRIFT"          // so many in a window were started later than that
	WhenMissed      ConditionKind = "MISSED"         // so many fires in a window are MISSED by the misfire policy
	WhenSkipped     ConditionKind = "SKIPPED"        // so many fires in a window are SKIPPED by the overlap policy
	WhenLost        ConditionKind = "LOST"           // an audit has found fires without a record
	WhenNotRun      ConditionKind = "NOT_RUN"        // a fire was due longer ago, and none was sent since

	// These are about no job.

	WhenServer        ConditionKind = "SERVER"        // a check of the servers fails for longer
	WhenUndeliverable ConditionKind = "UNDELIVERABLE" // the last message to a channel could not be delivered
)

// ConditionKinds are all of them.
var ConditionKinds = []ConditionKind{
	WhenFailures, WhenFailedOf, WhenSuccessRate, WhenDuration, WhenDrift, WhenMissed, WhenSkipped, WhenLost,
	WhenNotRun, WhenServer, WhenUndeliverable,
}

// Condition says when people are told of a job. The fields that its kind does not have are zero.
type Condition struct {
	Kind        ConditionKind `json:"kind,omitempty"`        // empty: FAILURES
	Count       int           `json:"count,omitempty"`       // how many; zero: one
	Of          int           `json:"of,omitempty"`          // of how many of the last ones
	Percent     int           `json:"percent,omitempty"`     // of those in the window
	ThresholdMs int64         `json:"thresholdMs,omitempty"` // what is longer than that counts
	WindowMs    int64         `json:"windowMs,omitempty"`    // until now; zero: an hour
}

// Limits of conditions.
const (
	MaxConditionOf    = 100         // of the last executions
	MaxConditionMs    = 60 * 60_000 // of a window
	maxConditionCount = 1_000
	maxThresholdMs    = 24 * 60 * 60_000
	minConditionMs    = 60_000
)

// conditionFields are the fields of each kind that must or may be there.
var conditionFields = map[ConditionKind]struct{ of, percent, threshold, window, count bool }{
	WhenFailures:    {count: true},
	WhenFailedOf:    {count: true, of: true},
	WhenSuccessRate: {percent: true, window: true, count: true},
	WhenDuration:    {threshold: true, window: true, count: true},
	WhenDrift:       {threshold: true, window: true, count: true},
	WhenMissed:      {window: true, count: true},
	WhenSkipped:     {window: true, count: true},
	WhenLost:        {},
	WhenNotRun:      {threshold: true},

	WhenServer:        {threshold: true},
	WhenUndeliverable: {},
}

// Which returns the kind.
func (c *Condition) Which() ConditionKind {
	if c.Kind == "" {
		return WhenFailures
	}
	return c.Kind
}

// Known reports whether there is such a kind.
func (c *Condition) Known() bool {
	_, known := conditionFields[c.Which()]
	return known
}

// OfJobs reports whether it is about jobs. What is not is a group of each check, server or channel.
func (c *Condition) OfJobs() bool { return c.Kind != WhenServer && c.Kind != WhenUndeliverable }

// Least returns how many executions it takes.
func (c *Condition) Least() int { return max(c.Count, 1) }

// Window returns how long before now it is about, in milliseconds.
func (c *Condition) Window() int64 {
	if c.WindowMs == 0 {
		return MaxConditionMs
	}
	return c.WindowMs
}

// validate refuses a field that the kind does not have: it would do nothing.
func (c *Condition) validate(fe *fieldErrors) {
	kind := c.Which()
	has, known := conditionFields[kind]
	if !known {
		words := make([]string, len(ConditionKinds))
		for i, k := range ConditionKinds {
			words[i] = string(k)
		}
		fe.choice("when.kind", "must be one of "+strings.Join(words, ", "), string(kind), words...)
		return
	}
	part := func(field string, has, required bool, v, lo, hi int64) {
		switch {
		case !has && v != 0:
			fe.addAs(FieldContradiction, "when."+field, "does nothing where the kind is "+string(kind), v)
		case has && (required || v != 0):
			fe.within(v, lo, hi, "when."+field, "")
			if v == 0 {
				fe.addAs(FieldRequired, "when.kind", "takes when."+field, string(kind))
			}
		}
	}
	part("count", has.count, kind == WhenFailedOf, int64(c.Count), 1, maxConditionCount)
	part("of", has.of, true, int64(c.Of), 1, MaxConditionOf)
	part("percent", has.percent, true, int64(c.Percent), 1, 100)
	threshold := int64(1)
	if kind == WhenNotRun {
		threshold = minConditionMs // a call that is under way for less has no row
	}
	part("thresholdMs", has.threshold, true, c.ThresholdMs, threshold, maxThresholdMs)
	part("windowMs", has.window, false, c.WindowMs, minConditionMs, MaxConditionMs)
	if has.of && c.Of >= 1 && c.Count > c.Of {
		fe.addAs(FieldContradiction, "when.count", "must be at most when.of, which is "+strconv.Itoa(c.Of), c.Count)
	}
}
