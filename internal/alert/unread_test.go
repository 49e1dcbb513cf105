package alert

import (
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// unreadable makes the only rule one that cannot be read.
func (w *world) unreadable() {
	w.change(func(s *Settings) {
		s.Rules = []domain.AlertRule{{ID: s.Rules[0].ID, Unread: "it is newer", Timing: domain.DefaultTiming()}}
	})
}

// Who was told that a job fails is told that it does not any more, also while its rule cannot be read. Of other jobs
// nobody is told by it.
func TestARuleThatCannotBeReadHidesNoRecovery(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.change(func(s *Settings) {
			s.Channels = append(s.Channels, domain.Channel{ID: "mine"})
			s.Rules[0].Channels = []string{"mine"}
		})
		w.jobs(1, 2, payments)
		w.begin()
		w.fail(1)
		w.wait(time.Minute)
		w.want("mine", opened)
		w.unreadable()
		w.fail(2)
		w.wait(26 * time.Hour)
		w.want("mine", opened, updated, updated, updated, updated, updated, updated)
		w.succeed(1)
		w.wait(time.Hour)
		w.want("mine", opened, updated, updated, updated, updated, updated, updated, isOver)
		w.want("ops")
		if g := w.groups(); len(g) != 1 || g[0].State != domain.GroupClosed {
			t.Errorf("%+v", g)
		}
	})
}

// What only the rule could find ends after an hour, and says that it is not known whether it is over. Nobody is told
// that if the rule can be read again before.
func TestWhatAnUnreadableRuleHasFoundEnds(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		slow := domain.Condition{Kind: domain.WhenDuration, ThresholdMs: 5_000, WindowMs: 60 * 60_000}
		w.when(slow, domain.ByJob)
		w.jobs(1, 1, payments)
		w.begin()
		w.slow(1)
		w.wait(time.Minute)
		w.want("ops", opened)
		w.unreadable()
		w.wait(20 * time.Minute)
		w.when(slow, domain.ByJob)
		w.wait(10 * time.Minute)
		w.want("ops", opened)
		w.slow(1)
		w.wait(time.Minute)
		w.unreadable()
		w.wait(50 * time.Minute)
		w.want("ops", opened)
		w.wait(30 * time.Minute)
		w.want("ops", opened, isOver)
		got := w.box.of("ops")
		if text := got[len(got)-1].Text(); !strings.Contains(text, "cannot be read any more") {
			t.Error(text)
		}
		w.wait(time.Hour)
		if g := w.groups(); len(g) != 1 || g[0].State != domain.GroupClosed {
			t.Errorf("%+v", g)
		}
	})
}

// Nobody is told of a group by a rule that cannot be read before anybody was: it is not known whom.
func TestAnUnreadableRuleOpensNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 1, payments)
		w.begin()
		w.fail(1)
		w.wait(2 * time.Second)
		w.unreadable()
		w.wait(time.Minute)
		w.want("ops")
		w.change(func(s *Settings) { s.Rules = []domain.AlertRule{domain.DefaultRule()} })
		w.wait(2 * time.Minute)
		w.want("ops", opened)
	})
}
