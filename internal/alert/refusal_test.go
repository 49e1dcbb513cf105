package alert

import (
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// A message that its receiver refuses is undeliverable at once, and the next one of its group is sent.
func TestRefusedMessagesAreNotSentAgain(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 1, payments)
		w.box.refuses["ops"] = &DeliveryError{Text: "400 Bad Request", Refused: true}
		w.begin()
		w.fail(1)
		w.wait(time.Hour)
		lost := w.messages(domain.NotificationUndeliverable)
		if len(lost) != 1 || lost[0].Delivery.Attempts != 1 || lost[0].Delivery.Error != "400 Bad Request" ||
			lost[0].Delivery.EndedAt == 0 {
			t.Fatalf("%+v", lost)
		}
		w.box.set(func() { delete(w.box.refuses, "ops") })
		w.succeed(1)
		w.wait(time.Minute)
		w.want("ops", isOver)
	})
}

// refusing makes a mailbox refuse what has a group of one of the jobs, as a receiver that cannot read a part of it.
// tries counts the messages that were tried.
func (w *world) refusing(tries *int, failure DeliveryError, jobs ...int) {
	w.box.judges = func(_ *domain.Channel, m *Message) error {
		*tries++
		for i := range m.Groups {
			for _, n := range jobs {
				if m.Groups[i].Key == jobID(n).String() {
					return &failure
				}
			}
		}
		return nil
	}
}

// A digest that is refused for one of its messages takes none of the others along: it is sent in parts, until the one
// that is refused is alone.
func TestARefusedDigestIsSentInParts(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.change(func(s *Settings) { s.Rules[0].By = domain.ByJob; s.Channels[0].PerMinute = 3 })
		w.jobs(1, 200, payments)
		tries := 0
		w.refusing(&tries, DeliveryError{Text: "400 Bad Request", Refused: true, Unfit: true}, 7, 150)
		w.begin()
		w.fail(upTo(200)...)
		w.wait(time.Minute)
		if pending := w.messages(domain.NotificationPending); len(pending) == 0 ||
			pending[0].Delivery.Error != "400 Bad Request" || pending[0].Delivery.Attempts != 1 {
			t.Errorf("%d wait", len(pending))
		}
		w.wait(20 * time.Minute)
		lost := w.messages(domain.NotificationUndeliverable)
		if len(lost) != 2 || len(w.messages(domain.NotificationDelivered)) != 198 {
			t.Fatalf("%d are undeliverable, %d delivered", len(lost), len(w.messages(domain.NotificationDelivered)))
		}
		for _, n := range lost {
			if key := n.About.Key; key != jobID(7).String() && key != jobID(150).String() {
				t.Errorf("%s is undeliverable", key)
			}
		}
		if tries > 40 {
			t.Errorf("%d messages were tried", tries)
		}
	})
}

// A program that is to be repaired refuses a digest for its size: what is small enough arrives.
func TestADigestThatIsTooLarge(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.change(func(s *Settings) { s.Rules[0].By = domain.ByJob; s.Channels[0].PerMinute = 3 })
		w.jobs(1, 100, payments)
		w.box.judges = func(_ *domain.Channel, m *Message) error {
			if len(m.Groups) > 30 {
				return &DeliveryError{Text: "413 Content Too Large", Unfit: true}
			}
			return nil
		}
		w.begin()
		w.fail(upTo(100)...)
		w.wait(10 * time.Minute)
		if n := len(w.messages(domain.NotificationDelivered)); n != 100 {
			t.Errorf("%d are delivered", n)
		}
	})
}

// Of a digest whose groups are sent one by one each has an outcome of its own.
func TestADigestOfPartsHasSeveralOutcomes(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.change(func(s *Settings) { s.Rules[0].By = domain.ByJob; s.Channels[0].PerMinute = 3 })
		w.jobs(1, 10, payments)
		first := true
		w.box.judges = func(_ *domain.Channel, m *Message) error {
			if len(m.Groups) < 10 || !first {
				return nil
			}
			first = false
			parts := make([]error, len(m.Groups))
			parts[3] = &DeliveryError{Text: "400 Bad Request", Refused: true}
			parts[9] = &DeliveryError{Text: "503 Service Unavailable"}
			return &DeliveryError{Text: "2 of 10 failed", Parts: parts}
		}
		w.begin()
		w.fail(upTo(10)...)
		w.wait(12 * time.Second)
		for state, want := range map[domain.NotificationState]int{
			domain.NotificationDelivered: 8, domain.NotificationUndeliverable: 1, domain.NotificationPending: 1,
		} {
			if n := len(w.messages(state)); n != want {
				t.Errorf("%d are %s, want %d", n, state, want)
			}
		}
		w.wait(time.Minute)
		if n := len(w.messages(domain.NotificationDelivered)); n != 9 {
			t.Errorf("%d are delivered", n)
		}
	})
}

// Messages say when a job is called next.
func TestMessagesSayTheNextFire(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 1, payments) // each minute
		w.begin()
		w.fail(1)
		w.wait(time.Minute)
		got := w.box.of("ops")
		if len(got) != 1 {
			t.Fatalf("%d messages", len(got))
		}
		s := got[0].Groups[0].Samples[0]
		if want := s.LastAt - s.LastAt%60_000 + 60_000; s.NextAt != want {
			t.Errorf("the next fire after %d is %d, want %d", s.LastAt, s.NextAt, want)
		}
	})
}
