package alert

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// Settings are what people want to be told, and where.
type Settings struct {
	Channels []domain.Channel
	Rules    []domain.AlertRule
	Silences []domain.Silence
	Windows  []domain.Maintenance
	Former   map[string]string // ids that channels had before: the id that each has now
}

// Config is what a teller is made of.
type Config struct {
	Store    store.Store
	Clock    clock.Clock
	Log      *slog.Logger
	Sender   Sender
	Settings func(context.Context) (Settings, error) // those that hold now
	Link     string                                  // to the page; empty: there is none
	Faults   func() []Fault                          // what is wrong with the servers now; nil: it is not known
	Metrics  *telemetry.Alerts                       // nil: nothing is counted
}

// Fault is what is wrong with the servers now.
type Fault struct {
	Subject string // "node n2"
	Text    string
}

// channelSubject names a channel where it is what an alert is about.
func channelSubject(id string) string { return "channel " + id }

// UndeliverableRuleID is the id of the rule by which people are told of channels that messages do not reach, while no
// other rule is about that.
const UndeliverableRuleID = "undeliverable"

// BuiltInRule returns the rule of an id that is there without being made.
func BuiltInRule(id string) (r domain.AlertRule, known bool) {
	switch r = domain.DefaultRule(); id {
	case domain.DefaultRuleID:
		return r, true
	case UndeliverableRuleID:
		r.ID, r.Name, r.By = UndeliverableRuleID, "undeliverable messages", domain.ByJob
		r.When = domain.Condition{Kind: domain.WhenUndeliverable}
		return r, true
	}
	return domain.AlertRule{}, false
}

// WithBuiltIn returns rules in the order of their ids with those among them that are there without being made. One that
// is stored under the id of such a rule takes its place, also if it is disabled. One that is about a single namespace
// does not: it would be the rule of everybody.
//
//	rules                                   default      undeliverable
//	none, or others                         built in     built in
//	one of this id                          that         that
//	one of this id about a namespace        built in     built in
//	another one of the kind UNDELIVERABLE   built in     none: that one tells of it
func WithBuiltIn(rules []domain.AlertRule) []domain.AlertRule {
	rules = slices.DeleteFunc(slices.Clone(rules), func(r domain.AlertRule) bool {
		_, everybodys := BuiltInRule(r.ID)
		return everybodys && r.Limit != ""
	})
	ofUndeliverable := func(r domain.AlertRule) bool { return r.When.Which() == domain.WhenUndeliverable }
	for _, id := range []string{domain.DefaultRuleID, UndeliverableRuleID} {
		at, stored := slices.BinarySearchFunc(rules, id, func(r domain.AlertRule, id string) int {
			return strings.Compare(r.ID, id)
		})
		if stored || id == UndeliverableRuleID && slices.ContainsFunc(rules, ofUndeliverable) {
			continue
		}
		r, _ := BuiltInRule(id)
		rules = slices.Insert(rules, at, r)
	}
	return rules
}

// active goes over the rules that are in force. Here alone it is decided that a rule which is disabled is as if it were
// not there: it finds nothing, and its groups are closed.
func (s *Settings) active() iter.Seq[*domain.AlertRule] {
	return func(yield func(*domain.AlertRule) bool) {
		for i := range s.Rules {
			if r := &s.Rules[i]; !r.Disabled && !yield(r) {
				return
			}
		}
	}
}

// rule returns a rule by its id, or nil: there is none, or it is disabled.
func (s *Settings) rule(id string) *domain.AlertRule {
	for r := range s.active() {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// ruleOf returns the rule of a group, or nil if it is gone, or about something else now.
func (s *Settings) ruleOf(g *domain.Group) *domain.AlertRule {
	r := s.rule(g.Rule)
	if r == nil || r.Unread == "" && r.When.Which() != whenOf(g) {
		return nil
	}
	return r
}

// channelsOf returns the ids of the channels that a rule tells. One that is disabled, or is not there, is among them:
// its messages wait, or say why they are not sent ([Orphaned]).
func (s *Settings) channelsOf(r *domain.AlertRule) (ids []string) {
	if len(r.Channels) == 0 {
		for i := range s.Channels {
			if c := &s.Channels[i]; c.Default && r.MayTell(c) {
				ids = append(ids, c.ID)
			}
		}
		return ids
	}
	for _, id := range r.Channels {
		c := s.channel(id)
		if c != nil {
			id = c.ID
		}
		if (c == nil || r.MayTell(c)) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// formerOf returns the ids that a channel had before.
func (s *Settings) formerOf(id string) (former []string) {
	for was, is := range s.Former {
		if is == id {
			former = append(former, was)
		}
	}
	slices.Sort(former)
	return former
}

// channel returns a channel by its id, or by one that it had before; nil: there is none.
func (s *Settings) channel(id string) *domain.Channel {
	if is, ok := s.Former[id]; ok {
		id = is
	}
	for i := range s.Channels {
		if s.Channels[i].ID == id {
			return &s.Channels[i]
		}
	}
	return nil
}

// unknownLabel stands in metrics for what has no label of its own.
const unknownLabel = "UNKNOWN"

// kindLabel is the label of the kind of a channel. nil: it is not there, so that its kind is not known.
func kindLabel(c *domain.Channel) string {
	if c == nil || c.Kind.Fields() == nil {
		return unknownLabel
	}
	return string(c.Kind)
}
