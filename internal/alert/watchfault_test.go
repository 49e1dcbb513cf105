package alert

import (
	"context"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// timed is a store that calls itself unavailable when the time for a stream is over, as one on another machine does.
type timed struct{ store.Store }

type timedHistory struct{ store.History }

func (s timed) History() store.History { return timedHistory{s.Store.History()} }

func (h timedHistory) Stream(ctx context.Context, from, to int64, fn func([]domain.Execution) error) error {
	err := h.History.Stream(ctx, from, to, fn)
	if ctx.Err() != nil {
		return domain.Unavailable(ctx.Err(), "the history cannot be read")
	}
	return err
}

// A minute that cannot be read says nothing of what holds: nobody is told that it is over, and it is read again.
func TestAMinuteThatCannotBeReadIsNotOver(t *testing.T) {
	for name, r := range map[string]faulty.Rule{
		"fails": {Method: "History.Stream", Fault: faulty.FailBefore},
		"hangs": {Method: "History.Stream", Fault: faulty.HangBefore},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				long := domain.Condition{Kind: domain.WhenDuration, ThresholdMs: 5_000, WindowMs: 1_800_000}
				w.when(long, domain.ByJob)
				w.jobs(1, 1, payments)
				w.begin()
				w.put(1, func(e *domain.Execution) { e.StartedAt -= 9_000; e.ScheduledAt = e.StartedAt })
				w.wait(time.Minute)
				w.want("ops", opened)
				w.stop()
				inner := w.store
				inner.Add(r)
				w.store = faulty.New(timed{inner}, 1)
				w.begin()
				w.wait(10 * time.Minute)
				w.want("ops", opened)
				inner.Clear()
				w.wait(10 * time.Minute)
				w.want("ops", opened)
				w.wait(15 * time.Minute)
				w.want("ops", opened, isOver)
			})
		})
	}
}

// That messages of a channel that is gone cannot be ended delays nothing that people are told.
func TestMessagesThatCannotBeEndedDelayNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 1, payments)
		w.store.Add(faulty.Rule{Method: "AlertSettings.PendingByChannel", Fault: faulty.HangBefore})
		w.fail(1)
		w.begin()
		w.wait(15 * time.Second)
		w.want("ops", opened)
	})
}
