package alert

import (
	"reflect"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// A rule takes the place of one that is there without being made by its id, unless it is about one namespace: then it
// has no effect. Whoever has a rule of their own about undeliverable messages, also a disabled one, is not told twice.
func TestWithBuiltIn(t *testing.T) {
	rule := func(id, limit string, kind domain.ConditionKind) domain.AlertRule {
		return domain.AlertRule{ID: id, Limit: limit, Name: "stored", When: domain.Condition{Kind: kind}}
	}
	off := rule("mine", "", domain.WhenUndeliverable)
	off.Disabled = true
	for name, c := range map[string]struct {
		stored []domain.AlertRule
		want   string // ids; those that are built in have a +
	}{
		"none": {nil, "+default +undeliverable"},
		"others": {
			[]domain.AlertRule{rule("a", "", ""), rule("z", "x", "")}, "a +default +undeliverable z"},
		"in the place of default": {
			[]domain.AlertRule{rule("a", "", ""), rule("default", "", "")}, "a default +undeliverable"},
		"default of a namespace": {
			[]domain.AlertRule{rule("default", "billing", ""), rule("z", "", "")}, "+default +undeliverable z"},
		"another of undeliverable": {
			[]domain.AlertRule{rule("mine", "", domain.WhenUndeliverable)}, "+default mine"},
		"that is disabled": {[]domain.AlertRule{off}, "+default mine"},
		"in the place of undeliverable": {
			[]domain.AlertRule{rule("undeliverable", "", domain.WhenLost)}, "+default undeliverable"},
		"undeliverable of a namespace": {
			[]domain.AlertRule{rule("undeliverable", "billing", "")}, "+default +undeliverable"},
		"and another": {[]domain.AlertRule{rule("mine", "", domain.WhenUndeliverable),
			rule("undeliverable", "billing", "")}, "+default mine"},
	} {
		before, got := slices.Clone(c.stored), ""
		for _, r := range WithBuiltIn(c.stored) {
			if is, known := BuiltInRule(r.ID); known && reflect.DeepEqual(r, is) {
				got += " +" + r.ID
			} else {
				got += " " + r.ID
			}
			if _, known := BuiltInRule(r.ID); known && r.Limit != "" {
				t.Errorf("%s: %+v", name, r)
			}
		}
		if got != " "+c.want {
			t.Errorf("%s:%s, want %s", name, got, c.want)
		}
		if !reflect.DeepEqual(before, c.stored) {
			t.Errorf("%s: it has changed what it was given", name)
		}
	}
}

// A rule that names no channels tells those that are a default; one that names some tells all of them, under the ids
// that they have now. A channel of one namespace is told by rules about its jobs alone.
func TestChannelsOfARule(t *testing.T) {
	s := Settings{
		Channels: []domain.Channel{
			{ID: "all", Default: true}, {ID: "off", Default: true, Disabled: true}, {ID: "named"},
			{ID: "billing", Default: true, Limit: "billing"},
		},
		Former: map[string]string{"env": "named"},
	}
	limited, matching := domain.AlertRule{Limit: "billing"}, domain.AlertRule{}
	matching.Match.Namespace = "billing"
	both := matching
	both.Limit = "shipping"
	for name, c := range map[string]struct {
		rule domain.AlertRule
		want []string
	}{
		"no channels":       {domain.AlertRule{}, []string{"all", "off"}},
		"of a namespace":    {limited, []string{"all", "off", "billing"}},
		"about a namespace": {matching, []string{"all", "off", "billing"}},
		"about none":        {both, []string{"all", "off"}},
		"named":             {domain.AlertRule{Channels: []string{"off", "named"}}, []string{"off", "named"}},
		"twice":             {domain.AlertRule{Channels: []string{"env", "named"}}, []string{"named"}},
		"not there":         {domain.AlertRule{Channels: []string{"gone", "env-1"}}, []string{"gone", "env-1"}},
		"of another":        {domain.AlertRule{Channels: []string{"billing"}}, nil},
	} {
		if got := s.channelsOf(&c.rule); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
