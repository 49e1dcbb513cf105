package recovery

import (
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Unusable is a version that cannot be run: nothing of it is sent, and W
// does not wait for it. See ADR 17.
//
//	   since          certain              mended: a newer program, or an edit
//	─────┼────────────────┼────────────────────┼──────► scheduled at
//	     │ may have been  │ MISSED             │ as any job
//	     │ sent: uncertain│                    │
type Unusable struct {
	store.Aside
	Reason error
}

// UnknownFires is the record of the time in which a version that has ended
// could not be run. Which fires it had is not known: the record covers all of them.
func UnknownFires(a store.Aside, v *domain.Version, now int64, reason error) (domain.Execution, bool) {
	from, last := max(a.Since+1, v.EffectiveFrom, v.ActiveFrom()), v.EffectiveTo-1
	if last <= from {
		return domain.Execution{}, false
	}
	return domain.Execution{
		FireKey: domain.FireKey{JobID: v.JobID, ScheduledAt: last}, Version: v.Number,
		Status: domain.StatusMissed, CompletedAt: now,
		Error:  run.NotRunText(reason) + "; which fires it had until its next version is not known",
		Missed: &domain.MissedRange{From: from, Count: 1},
	}, true
}
