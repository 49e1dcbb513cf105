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

// TestActiveFrom: from when on a version is not paused, and with it from when on and before when it fires.
func TestActiveFrom(t *testing.T) {
	for name, c := range map[string]struct {
		w        Window
		active   int64
		fires    bool
		from, to int64
	}{
		"active":                        {Window{From: 100, To: 900, Active: true}, 0, true, 100, 900},
		"active, with a start":          {Window{From: 100, To: 900, Active: true, StartAt: 300}, 0, true, 300, 900},
		"active, with an end":           {Window{From: 100, To: 900, Active: true, EndAt: 300}, 0, true, 100, 300},
		"paused":                        {Window{From: 100, To: 900}, Forever, false, 100, 100},
		"paused, with a start":          {Window{From: 100, To: 900, StartAt: 300}, Forever, false, 300, 300},
		"paused until":                  {Window{From: 100, To: 900, Until: 500}, 500, true, 500, 900},
		"paused until before it began":  {Window{From: 100, To: 900, Until: 50}, 50, true, 100, 900},
		"paused until before its start": {Window{From: 100, To: 900, Until: 200, StartAt: 300}, 200, true, 300, 900},
		"paused until after its start":  {Window{From: 100, To: 900, Until: 400, StartAt: 300}, 400, true, 400, 900},
		"paused until after its end":    {Window{From: 100, To: 900, Until: 400, EndAt: 300}, 400, true, 400, 300},
	} {
		v := Version{EffectiveFrom: c.w.From, EffectiveTo: c.w.To, Active: c.w.Active, Pause: Pause{Until: c.w.Until},
			Spec: Spec{StartAt: c.w.StartAt, EndAt: c.w.EndAt}}
		if v.Window() != c.w {
			t.Errorf("%s: the window of the version is %+v", name, v.Window())
		}
		if from, to := c.w.Span(); v.ActiveFrom() != c.active || v.Fires() != c.fires || from != c.from || to != c.to {
			t.Errorf("%s: active from %d, fires: %t, from %d to %d", name, v.ActiveFrom(), v.Fires(), from, to)
		}
	}
}

// TestDecidePauseEnd: what becomes of a document that says until when its job is paused.
func TestDecidePauseEnd(t *testing.T) {
	const now = 1_000
	for name, c := range map[string]struct {
		active        bool
		until, before int64
		said, kept    PauseEnd // now, and in a document that is kept
	}{
		"nothing is said":             {false, 0, 0, PauseHolds, PauseHolds},
		"the end is taken away":       {false, 0, 500, PauseHolds, PauseHolds},
		"later":                       {false, now + 1, 0, PauseHolds, PauseHolds},
		"now":                         {false, now, 0, PauseIsPast, PauseIsOver},
		"past":                        {false, 1, 0, PauseIsPast, PauseIsOver},
		"past, instead of a later":    {false, 1, now + 9, PauseIsPast, PauseIsOver},
		"past, as it is already":      {false, 500, 500, PauseHolds, PauseHolds},
		"past, of an active job":      {true, 500, 0, PauseHolds, PauseIsOver}, // held: see Pause.Validate
		"later, of an active job":     {true, now + 1, 0, PauseHolds, PauseHolds},
		"past, as it is, but active":  {true, 500, 500, PauseHolds, PauseHolds},
		"before all time, as is told": {false, -1, 0, PauseHolds, PauseHolds},
	} {
		said := DecidePauseEnd(c.active, c.until, c.before, now, false)
		if kept := DecidePauseEnd(c.active, c.until, c.before, now, true); said != c.said || kept != c.kept {
			t.Errorf("%s: %d, kept %d", name, said, kept)
		}
	}
}
