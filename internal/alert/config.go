package alert

import (
	"context"
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

// WithDefault returns rules in the order of their ids with the default rule among them, unless one of them takes its
// place. One that is about a single namespace does not: it would be the rule of everybody.
func WithDefault(rules []domain.AlertRule) []domain.AlertRule {
	at, found := slices.BinarySearchFunc(rules, domain.DefaultRuleID, func(r domain.AlertRule, id string) int {
		return strings.Compare(r.ID, id)
	})
	if !found {
		return slices.Insert(slices.Clone(rules), at, domain.DefaultRule())
	}
	if rules[at].Limit != "" {
		rules = slices.Clone(rules)
		rules[at] = domain.DefaultRule()
	}
	return rules
}

// UndeliverableRuleID is the id of the rule by which people are told of channels that messages do not reach, while no
// other rule is about that.
const UndeliverableRuleID = "undeliverable"

// WithUndeliverable returns rules with that rule behind them, unless it is not needed.
func WithUndeliverable(rules []domain.AlertRule) []domain.AlertRule {
	for i := range rules {
		if r := &rules[i]; r.ID == UndeliverableRuleID || r.When.Which() == domain.WhenUndeliverable {
			return rules
		}
	}
	r := domain.DefaultRule()
	r.ID, r.Name, r.By = UndeliverableRuleID, "undeliverable messages", domain.ByJob
	r.When = domain.Condition{Kind: domain.WhenUndeliverable}
	return append(slices.Clip(rules), r)
}

// rule returns a rule by its id, or nil: there is none, or it is disabled.
func (s *Settings) rule(id string) *domain.AlertRule {
	rules := s.Rules
	for i := range rules {
		if rules[i].ID == id && !rules[i].Disabled {
			return &rules[i]
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
