package engine

import (
	"strings"
	"testing"
	"time"
)

// A commit that does not return, while beats do, stops the sending within the
// horizon, and health says so. Once it returns, what was due meanwhile goes out late.
func TestStalledRecorderStopsSending(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		id := w.create(spec(""))
		w.pass(5 * time.Second)
		w.gate.failAll(fault{delay: time.Minute}, opRecord)
		began := time.Now()
		w.pass(20 * time.Second)
		health := w.eng.Health()
		if health.Ready || !strings.Contains(health.Checks[0].Detail, "nothing has been recorded for 1") {
			t.Errorf("health while nothing is recorded: %+v", health)
		}
		for _, s := range w.targets.of(id) {
			// The first result comes up to a second after the store hangs.
			if late := s.at.Sub(began); late > 2*time.Second+horizon {
				t.Errorf("%v was sent %s after the store began to hang", s.Key, late)
			}
		}
		w.pass(40 * time.Second)
		w.gate.fail(nil)
		w.pass(20 * time.Second)
		if h := w.eng.Health(); !h.Ready {
			t.Errorf("health afterwards: %+v", h)
		}
		w.check(w.now() - 2000)
	})
}

// A commit that takes less than the horizon delays no fire.
func TestSlowCommitDoesNotStopSending(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		id := w.create(spec(""))
		w.pass(5 * time.Second)
		w.gate.failAll(fault{delay: 1800 * time.Millisecond}, opRecord)
		w.pass(30 * time.Second)
		if h := w.eng.Health(); !h.Ready {
			t.Errorf("health: %+v", h)
		}
		w.gate.fail(nil)
		w.pass(3 * time.Second)
		for _, s := range w.targets.of(id) {
			if late := s.wall - s.Key.ScheduledAt; late > 100 {
				t.Errorf("%v was sent %d ms late", s.Key, late)
			}
		}
	})
}
