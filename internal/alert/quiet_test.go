package alert

import (
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// silence makes a silence from now on.
func (w *world) silence(id string, m domain.AlertMatcher, lasts time.Duration) {
	now := clock.NowMs(clock.System{})
	w.change(func(s *Settings) {
		s.Silences = append(s.Silences, domain.Silence{ID: id, Match: m, Reason: "new disks", From: now,
			To: now + lasts.Milliseconds()})
	})
}

// What a silence is about is decided by all alerts of a group, and not by those that its messages show.
func TestASilenceIsAboutAllAlertsOfAGroup(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 20, payments)
		w.silence("some", domain.AlertMatcher{Jobs: jobIDs(1, 19)}, 2*time.Hour)
		w.begin()
		w.fail(upTo(19)...)
		w.wait(30 * time.Minute)
		w.want("ops")
		if g := w.groups()[0]; g.State != domain.GroupWaiting || g.Quiet == nil || g.Quiet.ID != "some" ||
			g.Quiet.Kind != domain.QuietSilence || g.Quiet.Reason != "new disks" {
			t.Errorf("%+v, %+v", g, g.Quiet)
		}
		w.fail(20) // it is not among the samples
		w.wait(time.Minute)
		w.want("ops", opened)
		if g := w.groups()[0]; g.Quiet != nil {
			t.Errorf("%+v", g.Quiet)
		}
	})
}

func jobIDs(from, to int) (ids []domain.JobID) {
	for n := from; n <= to; n++ {
		ids = append(ids, jobID(n))
	}
	return ids
}

// Members that two silences cover are silenced until the first of them ends.
func TestASilenceEndsByItself(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 3, payments)
		w.silence("short", domain.AlertMatcher{Jobs: jobIDs(1, 1)}, 30*time.Minute+500*time.Millisecond)
		w.silence("long", domain.AlertMatcher{Jobs: jobIDs(2, 3)}, time.Hour)
		w.begin()
		w.fail(1, 2)
		w.wait(20 * time.Minute)
		w.succeed(2)
		w.wait(10 * time.Minute)
		w.want("ops")
		if q := w.groups()[0].Quiet; q == nil || q.ID != "short" {
			t.Errorf("%+v", q)
		}
		w.wait(2 * time.Second) // what still fails is told
		w.want("ops", opened)
		if c := w.box.of("ops")[0].Groups[0].Counts; c.Jobs != 1 || c.Failures != 2 {
			t.Errorf("%+v", c)
		}
	})
}

// What has ended during a silence is not told after it.
func TestWhatEndsDuringASilenceIsNotTold(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 1, payments)
		w.silence("s", domain.AlertMatcher{Host: "payments.example.com"}, time.Hour)
		w.begin()
		w.wait(59*time.Minute + 55*time.Second)
		w.fail(1)
		w.wait(3 * time.Second)
		w.succeed(1)
		w.wait(3 * time.Hour)
		w.want("ops")
		if g := w.groups(); len(g) != 1 || g[0].State != domain.GroupClosed {
			t.Errorf("%+v", g)
		}
		w.fail(1)
		w.wait(time.Minute)
		w.want("ops", opened)
	})
}

// A maintenance window acts as a silence does, each time that it comes.
func TestMaintenanceWindow(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) { // it begins on 2000-01-01 at 00:00 UTC
		w.change(func(s *Settings) {
			s.Windows = []domain.Maintenance{{ID: "nightly", Reason: "backup", Schedule: "0 0 2,6 * * *",
				Timezone: "UTC", DurationMs: 60 * 60_000, CreatedAt: 1}}
		})
		w.jobs(1, 1, payments)
		w.begin()
		for nth := 1; nth <= 2; nth++ {
			w.wait(2*time.Hour + time.Minute)
			w.fail(1)
			w.wait(58 * time.Minute)
			if n := len(w.box.of("ops")); n != 2*nth-2 {
				t.Errorf("window %d: %d messages within the window", nth, n)
			}
			if q := w.groups()[0].Quiet; q == nil || q.Kind != domain.QuietWindow || q.ID != "nightly" {
				t.Errorf("window %d: %+v", nth, q)
			}
			w.wait(2 * time.Minute)
			if n := len(w.box.of("ops")); n != 2*nth-1 {
				t.Errorf("window %d: %d messages after the window", nth, n)
			}
			w.succeed(1)
			w.wait(59 * time.Minute)
		}
		w.want("ops", opened, isOver, opened, isOver)
	})
}

// A group that people know of says that it is silenced as soon as that is so, and not longer.
func TestAGroupSaysThatItIsSilenced(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 1, payments)
		w.begin()
		w.fail(1)
		w.wait(time.Minute)
		w.silence("s", domain.AlertMatcher{}, time.Hour)
		w.wait(2 * time.Minute)
		if q := w.groups()[0].Quiet; q == nil || q.ID != "s" {
			t.Errorf("%+v", q)
		}
		w.wait(time.Hour)
		if q := w.groups()[0].Quiet; q != nil {
			t.Errorf("%+v", q)
		}
		w.want("ops", opened)
	})
}

// A failure that nobody was told of when it was over is told then, also where nobody is told of the end alone; and
// what a channel has not got yet is not withdrawn.
func TestNoRecoveryLosesNoFailure(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.change(func(s *Settings) { s.Rules[0].Timing.NoRecovery = true })
		w.jobs(1, 2, payments)
		w.box.refuses["ops"] = &DeliveryError{Text: "503"}
		w.begin()
		w.fail(1)
		w.wait(20 * time.Second)
		w.succeed(1)
		w.wait(10 * time.Second)
		w.box.set(func() { delete(w.box.refuses, "ops") })
		w.wait(10 * time.Minute)
		w.want("ops", opened)
		w.wait(time.Hour)
		w.fail(1)
		w.wait(20 * time.Second)
		w.fail(2)
		w.wait(time.Second)
		w.succeed(1, 2)
		w.wait(time.Hour)
		w.want("ops", opened, opened, isOver)
		w.fail(1)
		w.wait(20 * time.Second)
		w.succeed(1)
		w.wait(time.Hour)
		w.want("ops", opened, opened, isOver, opened)
	})
}

// Two groups that have counted the same alert, as two processes of a build before have made them, both end.
func TestTwoGroupsOfOneAlertEnd(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 2, payments)
		w.begin()
		w.fail(1)
		w.wait(15 * time.Second)
		w.stop()
		twin := w.groups()[0]
		other := domain.AlertKey{JobID: jobID(2), OpenedAt: 1}
		twin.ID, twin.Revision = domain.NewGroupID(twin.Rule, twin.Key, other, twin.FirstAt+1), 0
		twin.Key += " (2)"                           // as the change of the tables has made it
		twin.Counts.AllJobs, twin.Counts.Jobs = 2, 2 // of which job 1 is a member of the first one
		m := domain.Member{Rule: twin.Rule, Group: twin.ID, AlertKey: other, Count: 1, LastAt: 1}
		step := store.NoticeStep{Groups: []domain.Group{twin}, Members: []domain.Member{m}}
		if err := w.store.Notices().Advance(t.Context(), step); err != nil {
			t.Fatal(err)
		}
		w.begin()
		w.wait(time.Minute)
		for _, g := range w.groups() {
			if g.Counts.Jobs != 1 {
				t.Errorf("%s has %+v", g.ID, g.Counts)
			}
		}
		w.fail(2)
		w.wait(time.Second)
		w.succeed(1, 2)
		w.wait(time.Hour)
		for _, g := range w.groups() {
			if g.State != domain.GroupClosed {
				t.Errorf("%s is %s, %+v", g.ID, g.State, g.Counts)
			}
		}
	})
}

// An id that a group of before has does not stop those who decide.
func TestATakenIDStopsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 2, payments)
		w.fail(1)
		changes, err := w.store.Notices().Changed(t.Context(), 10)
		if err != nil || len(changes) != 1 {
			t.Fatal(changes, err)
		}
		c := &changes[0]
		key := "https://payments.example.com:443"
		taken := domain.Group{ID: domain.NewGroupID(domain.DefaultRuleID, key, c.Key(), c.LastAt),
			Rule: domain.DefaultRuleID, Key: key, State: domain.GroupClosed}
		if err := w.store.Notices().Advance(t.Context(), store.NoticeStep{Groups: []domain.Group{taken}}); err != nil {
			t.Fatal(err)
		}
		w.begin()
		w.wait(time.Minute)
		w.want("ops", opened)
	})
}

// A group that stays as it is is not written.
func TestWhatDoesNotChangeIsNotWritten(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 1, payments)
		w.begin()
		w.fail(1)
		w.wait(time.Minute)
		before := w.store.Count("Notices.Advance").Calls
		w.wait(30 * time.Minute)
		if now := w.store.Count("Notices.Advance").Calls; now != before {
			t.Errorf("%d steps were stored while nothing happened", now-before)
		}
	})
}

// A message that is sent again by hand is tried for a day from then on.
func TestAResendIsTriedForADay(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.change(func(s *Settings) { s.Rules[0].Timing.RepeatMs = 0 })
		w.jobs(1, 1, payments)
		w.box.refuses["ops"] = &DeliveryError{Text: "503"}
		w.begin()
		w.fail(1)
		w.wait(25 * time.Hour)
		again := w.messages(domain.NotificationUndeliverable)[0]
		now := clock.NowMs(clock.System{})
		again.State, again.NextAt, again.Delivery = domain.NotificationPending, now, domain.Delivery{From: now}
		if err := w.store.Notices().Mark(t.Context(), again); err != nil {
			t.Fatal(err)
		}
		w.wait(23 * time.Hour)
		if n := w.messages(domain.NotificationPending); len(n) != 1 || n[0].Delivery.Attempts < 20 {
			t.Errorf("%+v", n)
		}
		w.wait(2 * time.Hour)
		if n := w.messages(domain.NotificationUndeliverable); len(n) != 1 {
			t.Errorf("%d messages are undeliverable", len(n))
		}
	})
}
