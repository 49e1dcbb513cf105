package alert

import (
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// A rule takes the place of the default rule by its id, unless it is about one namespace: then it has no effect.
func TestWithDefault(t *testing.T) {
	rule := func(id, limit string) domain.AlertRule {
		return domain.AlertRule{ID: id, Limit: limit, Name: "stored"}
	}
	for name, c := range map[string]struct {
		stored []domain.AlertRule
		names  map[string]string
	}{
		"none": {nil, map[string]string{"default": "every final failure"}},
		"others": {[]domain.AlertRule{rule("a", ""), rule("z", "x")},
			map[string]string{"default": "every final failure"}},
		"in its place": {[]domain.AlertRule{rule("a", ""), rule("default", "")},
			map[string]string{"default": "stored"}},
		"of a namespace": {[]domain.AlertRule{rule("a", ""), rule("default", "billing"), rule("z", "")},
			map[string]string{"default": "every final failure"}},
	} {
		got, last := WithDefault(c.stored), ""
		found := 0
		for i := range got {
			if want, ok := c.names[got[i].ID]; ok {
				found++
				if got[i].Name != want || got[i].Limit != "" {
					t.Errorf("%s: %+v", name, got[i])
				}
			}
			if got[i].ID <= last {
				t.Errorf("%s: %s follows %s", name, got[i].ID, last)
			}
			last = got[i].ID
		}
		if found != 1 || len(c.stored) > 1 && c.stored[1].Name != "stored" {
			t.Errorf("%s: %d", name, found)
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
