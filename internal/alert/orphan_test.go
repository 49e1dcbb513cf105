package alert

import (
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
		{"ops", disabled, 3_599_999, false}, {"ops", disabled, 3_600_000, true},
		{"env", nil, 60_000, false}, {"env-3f", nil, 3_599_999, false}, {"env-3f", nil, 3_600_000, true},
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
		if got := ended(); len(got) != 1 || got[0] != "gone: the channel was deleted" {
			t.Errorf("after three minutes %q", got)
		}
		w.wait(time.Hour)
		if got := ended(); len(got) != 2 || len(w.messages(domain.NotificationPending)) != 0 {
			t.Errorf("after an hour %q", got)
		}
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
