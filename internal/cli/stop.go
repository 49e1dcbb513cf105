package cli

import (
	"context"
	"time"

	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

const (
	// stopMargin is how long a stop may take after the grace time of calls. If the
	// store works, the steps after the calls take milliseconds; if it hangs, they
	// would take longer, and the next start recovers what they do not complete.
	stopMargin = 5 * time.Second
	// tellGrace bounds the last message of a process, whose output may be stuck.
	tellGrace = time.Second
)

// watchStop ends the process if a stop takes longer than the limit, for whatever reason.
// The returned function ends the watch.
func (s *shell) watchStop(stopping <-chan struct{}, limit time.Duration, log *telemetry.Log) func() {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		select {
		case <-stopping:
		case <-ctx.Done():
			return
		}
		timer := time.NewTimer(limit)
		defer timer.Stop()
		select {
		case <-timer.C:
			log.Error("the stop hangs: the process exits, and the next start recovers the rest", "limit", limit)
			_ = log.Close() // there is no way left to report its error
			s.exit(exitFailure)
		case <-ctx.Done():
		}
	}()
	return cancel
}

// within runs fn and returns after the limit although fn still runs.
func within(limit time.Duration, fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
