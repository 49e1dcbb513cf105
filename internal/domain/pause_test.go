package domain

import (
	"errors"
	"strings"
	"testing"
)

// TestPauseOfAVersion: what is said of a pause has its limits, and an active job has none.
func TestPauseOfAVersion(t *testing.T) {
	spec := DefaultSpec()
	spec.Schedule, spec.API, spec.Type = "0 * * * * *", "http://h.example/", AtLeastOnce
	long := strings.Repeat("ä", MaxPauseReason+1)
	for name, c := range map[string]struct {
		pause  Pause
		active bool
		field  string
		code   FieldCode
	}{
		"nothing":                   {},
		"nothing, active":           {active: true},
		"a reason":                  {pause: Pause{Reason: strings.Repeat("ä", MaxPauseReason)}},
		"an end":                    {pause: Pause{Until: MaxInstantMs}},
		"a long reason":             {Pause{Reason: long}, false, "pausedReason", FieldLength},
		"a control character":       {Pause{Reason: "a\nb"}, false, "pausedReason", FieldFormat},
		"an end after all time":     {Pause{Until: MaxInstantMs + 1}, false, "pausedUntil", FieldRange},
		"an end before all time":    {Pause{Until: -1}, false, "pausedUntil", FieldRange},
		"a reason of an active job": {Pause{Reason: "x"}, true, "pausedReason", FieldContradiction},
		"an end of an active job":   {Pause{Until: 5}, true, "pausedUntil", FieldContradiction},
	} {
		v := Version{Spec: spec, Active: c.active, Pause: c.pause, EffectiveTo: Forever}
		err := v.Validate()
		e, ok := errors.AsType[*Error](err)
		if c.field == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if !ok || len(e.Fields) != 1 || e.Fields[0].Field != c.field || e.Fields[0].Code != c.code {
			t.Errorf("%s: %+v", name, err)
		}
	}
}
