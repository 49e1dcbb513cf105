package run

import (
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Snapshot returns the fire as a record that has not ended. Call with Job.Mu
// held. An attempt that ended is RUNNING until its result is durable.
func (r *Run) Snapshot() domain.Execution {
	x := domain.Execution{FireKey: r.Key(), Version: int(r.Ver.Number), Status: domain.StatusPending,
		StartedAt: r.StartedAt}
	switch {
	case r.State == StateCalling, r.State == StateEnded, r.State == StateElsewhere && r.Marked:
		x.Status = domain.StatusRunning
	case r.State == StateAwaitRetry, r.State == StateElsewhere:
		x.NextAttemptAt = r.RetryAt
	}
	if n := len(r.Attempts); n > 0 {
		x.Attempts = slices.Clone(r.Attempts)
		x.HTTPStatus, x.Error = r.Attempts[n-1].HTTPStatus, r.Attempts[n-1].Error
		x.RetryCount = n
		if x.Status == domain.StatusPending {
			x.RetryCount = n - 1
		}
	}
	return x
}
