package alert

import (
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
