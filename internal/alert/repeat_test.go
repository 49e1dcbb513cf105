package alert

import (
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Alertmanager gets what is open each minute, also after a restart and while somebody looks after it, until it is over.
func TestOpenGroupsAreRepeated(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.change(func(s *Settings) {
			s.Channels = append(s.Channels, domain.Channel{ID: "am", Kind: domain.ChannelAlertmanager, Default: true})
		})
		w.jobs(1, 2, payments)
		w.begin()
		w.wait(5 * time.Minute)
		w.want("am") // nothing is open
		w.fail(1)
		w.wait(15 * time.Second)
		w.want("am", opened)
		w.wait(10 * time.Minute)
		if n := len(w.box.of("am")); n < 10 || n > 12 {
			t.Fatalf("%d messages in 10 minutes", n)
		}
		w.want("ops", opened)
		w.stop()
		w.wait(time.Minute)
		n := len(w.box.of("am"))
		w.begin()
		w.wait(3 * time.Minute)
		if got := w.box.of("am"); len(got) < n+2 || got[len(got)-1].Groups[0].Counts.Jobs != 1 {
			t.Fatalf("%d messages after a restart, %d before", len(got), n)
		}
		w.box.set(func() { w.box.refuses["am"] = &DeliveryError{Text: "503"} })
		w.wait(3 * time.Minute)
		w.box.set(func() { delete(w.box.refuses, "am") })
		w.succeed(1)
		w.wait(30 * time.Second)
		got := w.box.types("am")
		if got[len(got)-1] != isOver {
			t.Fatalf("%v", got)
		}
		w.wait(time.Hour)
		if later := w.box.types("am"); len(later) != len(got) {
			t.Errorf("what is over is repeated: %v", later[len(got):])
		}
		if lost := w.messages(domain.NotificationUndeliverable); len(lost) != 0 {
			t.Errorf("%+v", lost)
		}
	})
}
