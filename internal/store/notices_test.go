package store

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Groups that a step closes are written before those that it opens, and these in one order.
func TestNoticeStepInOrder(t *testing.T) {
	group := func(rule, key string, state domain.GroupState) domain.Group {
		return domain.Group{Rule: rule, Key: key, State: state}
	}
	s := NoticeStep{Groups: []domain.Group{
		group("b", "x", domain.GroupOpen), group("a", "z", domain.GroupWaiting), group("b", "w", domain.GroupClosed),
		group("a", "y", domain.GroupRecovered), group("a", "y", domain.GroupClosed),
	}}
	got := ""
	for _, g := range s.InOrder() {
		got += " " + g.Rule + g.Key + string(g.State[:1])
	}
	if want := " ayC bwC ayR azW bxO"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
