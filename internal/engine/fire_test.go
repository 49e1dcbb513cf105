package engine

import (
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Every fire of an every-second job goes out at its instant, to the
// millisecond, and is on record.
func TestFiresOnEachSecond(t *testing.T) {
	t.Parallel()
	bubble(t, func(w *world) {
		w.edge(300 * time.Millisecond)
		id := w.create(spec("?v=1"))
		w.pass(30 * time.Second)
		calls := w.targets.of(id)
		if len(calls) != 30 {
			t.Fatalf("%d calls in 30 s", len(calls))
		}
		for i, s := range calls {
			if s.wall != s.Key.ScheduledAt || s.Attempt != 1 || s.ExecutionID != s.Key.ID() {
				t.Errorf("call %d: scheduled %d, sent %d, attempt %d", i, s.Key.ScheduledAt, s.wall, s.Attempt)
			}
			if i > 0 && s.Key.ScheduledAt != calls[i-1].Key.ScheduledAt+1000 {
				t.Errorf("a gap before %d", s.Key.ScheduledAt)
			}
		}
		w.check(w.now() - 100)
		if got := w.statuses(id); got[domain.StatusSuccess] != 30 || len(got) != 1 {
			t.Errorf("on record: %v", got)
		}
		if lag := w.now() - w.eng.watermark.Load(); lag > 2500 {
			t.Errorf("the watermark is %d ms behind", lag)
		}
	})
}
