package domain

import (
	"strings"
	"testing"
)

func TestConditionRefusesWhatDoesNothing(t *testing.T) {
	for _, c := range []struct {
		when  Condition
		wrong string // the field; empty: none
	}{
		{Condition{}, ""},
		{Condition{Kind: WhenFailures, Count: 3}, ""},
		{Condition{Kind: WhenFailedOf, Count: 3, Of: 10}, ""},
		{Condition{Kind: WhenSuccessRate, Percent: 95, WindowMs: 600_000, Count: 20}, ""},
		{Condition{Kind: WhenDuration, ThresholdMs: 5_000}, ""},
		{Condition{Kind: WhenDrift, ThresholdMs: 5_000, WindowMs: 60_000, Count: 5}, ""},
		{Condition{Kind: WhenMissed}, ""},
		{Condition{Kind: WhenSkipped, Count: 10}, ""},
		{Condition{Kind: WhenLost}, ""},
		{Condition{Kind: "SLOW"}, "when.kind"},
		{Condition{Count: 1_001}, "when.count"},
		{Condition{Of: 10}, "when.of"},
		{Condition{WindowMs: 60_000}, "when.windowMs"},
		{Condition{Kind: WhenFailedOf, Of: 10}, "when.count"},
		{Condition{Kind: WhenFailedOf, Count: 3}, "when.of"},
		{Condition{Kind: WhenFailedOf, Count: 11, Of: 10}, "when.count"},
		{Condition{Kind: WhenFailedOf, Count: 3, Of: 101}, "when.of"},
		{Condition{Kind: WhenSuccessRate}, "when.percent"},
		{Condition{Kind: WhenSuccessRate, Percent: 101}, "when.percent"},
		{Condition{Kind: WhenSuccessRate, Percent: 50, ThresholdMs: 1}, "when.thresholdMs"},
		{Condition{Kind: WhenSuccessRate, Percent: 50, WindowMs: 59_999}, "when.windowMs"},
		{Condition{Kind: WhenDuration}, "when.thresholdMs"},
		{Condition{Kind: WhenDrift, ThresholdMs: 1, Percent: 5}, "when.percent"},
		{Condition{Kind: WhenMissed, WindowMs: 3_600_001}, "when.windowMs"},
		{Condition{Kind: WhenLost, Count: 1}, "when.count"},
		{Condition{Kind: WhenNotRun, ThresholdMs: 60_000}, ""},
		{Condition{Kind: WhenNotRun}, "when.thresholdMs"},
		{Condition{Kind: WhenNotRun, ThresholdMs: 59_999}, "when.thresholdMs"},
		{Condition{Kind: WhenNotRun, ThresholdMs: 60_000, WindowMs: 60_000}, "when.windowMs"},
	} {
		var fe fieldErrors
		c.when.validate(&fe)
		err := fe.err()
		named := err != nil && strings.HasPrefix(err.Error(), c.wrong+": ")
		if c.wrong == "" && err != nil || c.wrong != "" && !named {
			t.Errorf("%+v: %v, want %q", c.when, err, c.wrong)
		}
	}
	if len(conditionFields) != len(ConditionKinds) {
		t.Error("a kind has no fields, or is not listed")
	}
	if c := (Condition{}); c.Which() != WhenFailures || c.Least() != 1 || c.Window() != 3_600_000 {
		t.Errorf("%s, %d, %d", c.Which(), c.Least(), c.Window())
	}
}
