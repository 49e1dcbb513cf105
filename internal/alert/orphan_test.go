package alert

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

func TestOrphaned(t *testing.T) {
	const made = int64(1_000_000)
	there, disabled := &domain.Channel{}, &domain.Channel{Disabled: true}
	for _, c := range []struct {
		id      string
		channel *domain.Channel
		after   int64
		ends    bool
	}{
		{"ops", there, 48 * 60 * 60_000, false},
		{"ops", nil, 59_999, false}, {"ops", nil, 60_000, true},
		{"ops", disabled, dayMs - 1, false}, {"ops", disabled, dayMs, true},
		{"env", nil, 60_000, false}, {"env-3f", nil, dayMs - 1, false}, {"env-3f", nil, dayMs, true},
		{"envoy", nil, 60_000, true},
	} {
		if why := Orphaned(c.id, c.channel, made, made+c.after); (why != "") != c.ends {
			t.Errorf("%+v: %q", c, why)
		}
	}
}

// A message whose channel is gone or disabled ends with the reason, and that of another channel is delivered.
func TestMessagesOfAChannelThatIsGone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.change(func(s *Settings) {
			s.Channels = append(s.Channels, domain.Channel{ID: "gone", Default: true},
				domain.Channel{ID: "off", Default: true})
		})
		refusal := &DeliveryError{Text: "503"}
		w.box.set(func() { w.box.refuses["gone"], w.box.refuses["off"] = refusal, refusal })
		w.jobs(1, 1, payments)
		w.begin()
		w.fail(1)
		w.wait(30 * time.Second)
		w.want("ops", opened)
		w.change(func(s *Settings) {
			s.Channels = []domain.Channel{s.Channels[0], {ID: "off", Revision: 2, Default: true, Disabled: true}}
		})
		ended := func() (reasons []string) {
			for _, n := range w.messages(domain.NotificationUndeliverable) {
				reasons = append(reasons, n.Channel+": "+n.Delivery.Error)
			}
			return reasons
		}
		w.wait(3 * time.Minute)
		if got := ended(); len(got) != 1 || got[0] != "gone: there is no such channel: it was deleted" {
			t.Errorf("after three minutes %q", got)
		}
		w.change(func(s *Settings) { s.Rules = slices.Clone(s.Rules); s.Rules[0].Timing.RepeatMs = 0 })
		w.wait(23 * time.Hour)
		if got := ended(); len(got) != 1 {
			t.Errorf("after less than a day %q", got)
		}
		w.wait(time.Hour)
		if got := ended(); len(got) != 2 || got[0] != "off: the channel is disabled" && got[1] !=
			"off: the channel is disabled" || len(w.messages(domain.NotificationPending)) != 0 {
			t.Errorf("after a day %q", got)
		}
	})
}

// What fails while a channel is disabled, or is not in the settings of the server that tells people, waits for it: a
// day at most, and one message of a group.
func TestMessagesWaitForADisabledChannel(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		off := domain.Channel{ID: "off", Default: true, Disabled: true}
		w.change(func(s *Settings) {
			s.Rules[0].By = domain.ByJob
			named := domain.DefaultRule()
			named.ID, named.Channels = "named", []string{"env-1", "gone", "env-1"}
			s.Channels, s.Rules = append(s.Channels, off), append(s.Rules, named)
		})
		w.jobs(1, 2, payments)
		w.begin()
		w.fail(1, 2)
		w.wait(time.Minute)
		w.fail(1)
		w.succeed(2)
		w.wait(3 * time.Hour)
		w.want("off")
		waiting := map[string]int{}
		for _, n := range w.messages(domain.NotificationPending) {
			waiting[n.Channel]++
		}
		if !maps.Equal(waiting, map[string]int{"off": 2, "env-1": 1}) {
			t.Errorf("%v wait", waiting)
		}
		lost := w.messages(domain.NotificationUndeliverable)
		if len(lost) == 0 || lost[0].Channel != "gone" {
			t.Errorf("%+v", lost)
		}
		w.change(func(s *Settings) {
			off.Disabled, off.Revision = false, 2
			s.Channels = []domain.Channel{s.Channels[0], off, {ID: "env-1"}}
		})
		w.wait(time.Minute)
		w.want("off", opened, isOver)
		w.want("env-1", opened)
	})
}

// Messages that wait under an id that a channel had before hide none that is due.
func TestMessagesUnderAFormerIDHideNone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.change(func(s *Settings) { s.Rules[0].By, s.Channels[0].PerMinute = domain.ByJob, 600 })
		w.box.set(func() { w.box.refuses["ops"] = &DeliveryError{Text: "busy", AskedMs: 20 * 60 * 60_000} })
		w.jobs(1, pendingAtOnce+1, payments)
		w.begin()
		w.fail(upTo(pendingAtOnce)...)
		w.wait(time.Minute)
		w.change(func(s *Settings) {
			s.Channels = []domain.Channel{{ID: "ops-2", Default: true, PerMinute: 600}}
			s.Former = map[string]string{"ops": "ops-2"}
		})
		w.fail(pendingAtOnce + 1)
		w.wait(time.Minute)
		w.want("ops-2", opened)
	})
}

// What waits for a channel under an id that it had before is sent to it, once.
func TestFormerIDOfAChannel(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 1, payments)
		w.box.set(func() { w.box.refuses["ops"] = &DeliveryError{Text: "503"} })
		w.begin()
		w.fail(1)
		w.wait(30 * time.Second)
		w.stop()
		w.change(func(s *Settings) {
			s.Channels[0].ID, s.Former = "ops-1a2b", map[string]string{"ops": "ops-1a2b"}
		})
		w.begin()
		w.wait(time.Hour)
		w.want("ops-1a2b", opened)
		if n := len(w.messages(domain.NotificationPending)); n != 0 {
			t.Errorf("%d messages wait", n)
		}
	})
}

// Many messages that wait for another attempt do not hide one that is due.
func TestPendingMessagesHideNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.change(func(s *Settings) { s.Rules[0].By, s.Channels[0].PerMinute = domain.ByJob, 600 })
		refusal := &DeliveryError{Text: "busy", AskedMs: 20 * 60 * 60_000}
		w.box.set(func() { w.box.refuses["ops"] = refusal })
		w.jobs(1, pendingAtOnce+1, payments)
		w.begin()
		w.fail(upTo(pendingAtOnce)...)
		w.wait(time.Minute)
		if n := len(w.messages(domain.NotificationPending)); n != pendingAtOnce {
			t.Fatalf("%d messages wait", n)
		}
		w.box.set(func() { delete(w.box.refuses, "ops") })
		w.fail(pendingAtOnce + 1)
		w.wait(time.Minute)
		w.want("ops", opened)
	})
}

// A channel whose secrets cannot be read says so in its messages, which wait.
func TestChannelThatCannotBeRead(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.change(func(s *Settings) { s.Channels[0].Unread = "the secrets of CHANNEL ops need another key" })
		w.jobs(1, 1, payments)
		w.begin()
		w.fail(1)
		w.wait(time.Minute)
		if n := w.messages(domain.NotificationPending); len(n) != 1 ||
			n[0].Delivery.Error != "the secrets of CHANNEL ops need another key" {
			t.Errorf("%+v", n)
		}
		w.change(func(s *Settings) { s.Channels[0].Unread, s.Channels[0].Revision = "", 2 })
		w.wait(time.Hour)
		w.want("ops", opened)
	})
}
