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
