package domain

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/belfry-scheduler/belfry/internal/target"
)

// Limits of rules and silences.
const (
	MaxRuleChannels  = 20
	MaxMatcherJobs   = 50
	maxAlertName     = 100
	maxSilenceReason = 500
	maxWaitMs        = 10 * 60_000
	maxRepeatMs      = 30 * 24 * 60 * 60_000
)

// AlertMatcher selects jobs. A part that is zero selects every job; a job is selected by all parts.
type AlertMatcher struct {
	Jobs      []JobID `json:"jobs,omitempty"`
	Namespace string  `json:"namespace,omitempty"`
	Tag       string  `json:"tag,omitempty"`
	Host      string  `json:"host,omitempty"` // see [ParseHostFilter]
}

// Matches reports whether the matcher selects a job.
func (m *AlertMatcher) Matches(id JobID, s *Spec) bool {
	host, err := ParseHostFilter(m.Host)
	return err == nil && (m.Jobs == nil || slices.Contains(m.Jobs, id)) &&
		(m.Namespace == "" || m.Namespace == s.Namespace) && (m.Tag == "" || slices.Contains(s.Tags, m.Tag)) &&
		host.Matches(s.API)
}

// zero reports whether the matcher selects every job.
func (m *AlertMatcher) zero() bool {
	return m.Jobs == nil && m.Namespace == "" && m.Tag == "" && m.Host == ""
}

func (m *AlertMatcher) validate(fe *fieldErrors) {
	fe.requireAs(FieldRequired, m.Jobs == nil || len(m.Jobs) > 0, "match.jobs",
		"must have an id; leave it out for every job", nil)
	fe.requireAs(FieldLength, len(m.Jobs) <= MaxMatcherJobs, "match.jobs",
		"must be at most "+strconv.Itoa(MaxMatcherJobs)+" ids", len(m.Jobs))
	fe.requireAs(FieldFormat, m.Namespace == "" || ValidNamespace(m.Namespace), "match.namespace",
		"must be the name of a namespace", m.Namespace)
	if _, err := ParseHostFilter(m.Host); err != nil {
		fe.addAs(FieldFormat, "match.host", "must be a host as in a URL: api.example.com or api.example.com:8443",
			m.Host)
	}
}

// AlertRule says of which alerts people are told, where and how.
type AlertRule struct {
	ID        string       `json:"-"`
	Revision  int64        `json:"-"` // of the row
	Unread    string       `json:"-"` // why it cannot be read; then it is about no job
	Name      string       `json:"name,omitempty"`
	Limit     string       `json:"limit,omitempty"` // the only namespace that its author sees; empty: all
	Match     AlertMatcher `json:"match,omitzero"`
	When      Condition    `json:"when,omitzero"`
	Channels  []string     `json:"channels,omitempty"` // ids; none: those that are a default
	Level     Level        `json:"level"`
	By        GroupBy      `json:"by"`
	Disabled  bool         `json:"disabled,omitempty"`
	Timing    RuleTiming   `json:"timing"`
	CreatedAt int64        `json:"createdAt"`
	UpdatedAt int64        `json:"updatedAt"`
}

// RuleTiming says when messages are sent. All are milliseconds.
type RuleTiming struct {
	WaitMs     int64 `json:"waitMs"`               // from the first failure to the first message
	UpdateMs   int64 `json:"updateMs"`             // from a message to the next one that says it is worse
	RepeatMs   int64 `json:"repeatMs"`             // from a message to one that says it is still so; zero: none
	NoRecovery bool  `json:"noRecovery,omitempty"` // nobody is told that it is over
}

// DefaultTiming is that of rules that do not say: the first message comes soon, but not before a host that has
// just failed has failed for most of its jobs.
func DefaultTiming() RuleTiming {
	return RuleTiming{WaitMs: 10_000, UpdateMs: 5 * 60_000, RepeatMs: 4 * 60 * 60_000}
}

// DefaultRuleID is the id of the rule that holds while there is no other: each final failure is told to the
// channels that are a default.
const DefaultRuleID = "default"

// DefaultRule returns it.
func DefaultRule() AlertRule {
	return AlertRule{ID: DefaultRuleID, Name: "every final failure", Level: LevelCritical, By: ByHost,
		Timing: DefaultTiming()}
}

// Applies reports whether the rule is about the alerts of a job. Whether it is disabled is asked before.
func (r *AlertRule) Applies(id JobID, s *Spec) bool {
	return r.Unread == "" && (r.Limit == "" || r.Limit == s.Namespace) && r.Match.Matches(id, s)
}

// MayTell reports whether the rule may tell a channel: that of one namespace is told by rules about its jobs alone.
func (r *AlertRule) MayTell(c *Channel) bool {
	return c.Limit == "" || c.Limit == cmp.Or(r.Limit, r.Match.Namespace)
}

// Meets reports whether a run of failures is one that people are told of.
func (r *AlertRule) Meets(a *Alert) bool {
	return !a.Lost && r.When.Which() == WhenFailures && a.Count >= int64(r.When.Least())
}

// GroupKey returns what a job's alerts are grouped by.
func (r *AlertRule) GroupKey(id JobID, s *Spec) string {
	switch r.By {
	case ByHost:
		if host := target.Of(s.API); host != (target.Host{}) {
			return host.String()
		}
	case ByNamespace:
		return s.Namespace
	case ByJob:
	}
	return id.String()
}

// Validate returns a CodeInvalid error that names every wrong field, or nil.
func (r *AlertRule) Validate() error {
	var fe fieldErrors
	fe.text(printable(r.Name), r.Name, maxAlertName, "name", "must be at most 100 printable characters", r.Name)
	r.When.validate(&fe)
	fe.requireAs(FieldLength, len(r.Channels) <= MaxRuleChannels, "channels",
		"must be at most "+strconv.Itoa(MaxRuleChannels)+" ids", len(r.Channels))
	for i, id := range r.Channels {
		fe.requireAs(FieldFormat, ValidAlertID(id), "channels["+strconv.Itoa(i)+"]", "must be the id of a channel", id)
	}
	fe.choice("level", "must be INFO, WARNING or CRITICAL", string(r.Level), string(LevelInfo), string(LevelWarning),
		string(LevelCritical))
	fe.choice("groupBy", "must be HOST, NAMESPACE or JOB", string(r.By), string(ByHost), string(ByNamespace),
		string(ByJob))
	fe.within(r.Timing.WaitMs, 0, maxWaitMs, "waitMs", "")
	fe.within(r.Timing.UpdateMs, 0, maxRepeatMs, "updateMs", "")
	fe.within(r.Timing.RepeatMs, 0, maxRepeatMs, "repeatMs", "")
	r.Match.validate(&fe)
	if !r.When.OfJobs() {
		fe.requireAs(FieldContradiction, r.Match.zero(), "match", "does nothing where the kind is "+string(r.When.Kind),
			nil)
		fe.requireAs(FieldContradiction, r.Limit == "", "when.kind",
			"is about no namespace: it takes a key of all namespaces", r.When.Kind)
	}
	return fe.err()
}
