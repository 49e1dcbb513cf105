package engine

import (
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/engine/recovery"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// resend hands over what is to be sent again, or late.
func (o *owner) resend(found *recovery.Result) {
	var due []*run.Run
	now := o.now()
	for _, r := range found.Resend {
		if !r.Job.TakeOver(r) {
			continue
		}
		if r.RetryAt <= now {
			due = append(due, r)
		} else {
			r.SetState(run.StateAwaitRetry)
			r.Lane = run.LaneLive
			awaitRetry(o.runner, r)
		}
	}
	o.runner.dispatch(due)
	if len(found.Late) > 0 {
		o.background.Go(func() { o.runner.addLate(found.Late) })
	}
}

func (o *owner) now() int64 { return clock.NowMs(o.clock) }
