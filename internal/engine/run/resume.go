package run

import (
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// ResumeVerdict is what an open run becomes after a restart.
type ResumeVerdict struct {
	Status domain.Status // PENDING: it is sent (again); otherwise the end
	Reason string
}

// DecideResume decides about an open run of the last owner. InFlight says that
// a request of it may have been under way.
func DecideResume(run *domain.OpenRun, once bool, stopReason string) ResumeVerdict {
	switch {
	case run.InFlight && (once || stopReason != ""):
		reason := LostOutcome
		if stopReason != "" {
			reason += "; " + stopReason + " again"
		}
		return ResumeVerdict{domain.StatusUnknown, reason}
	case stopReason != "":
		status, reason := EndStopped(run.Attempts, stopReason)
		return ResumeVerdict{status, reason}
	case run.InFlight && run.Crashes+1 >= poisonAt:
		return ResumeVerdict{domain.StatusFailed, "poison: the server stopped three times in a row while this " +
			"request was under way"}
	}
	return ResumeVerdict{Status: domain.StatusPending}
}

// poisonAt is how many crashes in a row with the request in flight end an execution.
const poisonAt = 3

// endOf is what becomes of an open run whose version cannot be run and has
// ended.
func endOf(run *domain.OpenRun, reason string) (domain.Status, string) {
	switch n := len(run.Attempts); {
	case run.InFlight:
		return domain.StatusUnknown, LostOutcome + "; " + reason
	case n == 0:
		return domain.StatusMissed, reason
	default:
		return domain.StatusFailed, "no further attempt: " + reason + "; last error: " + run.Attempts[n-1].Error
	}
}

// NotRunText says why a version was not run.
func NotRunText(reason error) string { return "the job could not be run: " + domain.FaultText(reason) }

// EndBroken returns the record of an open run that cannot be sent again.
func EndBroken(run *domain.OpenRun, now int64, reason error) domain.Execution {
	status, text := endOf(run, NotRunText(reason))
	x := domain.Execution{FireKey: run.FireKey, Version: run.Version, Status: status, CompletedAt: now, Error: text}
	if n := len(run.Attempts); n > 0 {
		x.StartedAt, x.HTTPStatus = run.Attempts[0].StartedAt, run.Attempts[n-1].HTTPStatus
		x.RetryCount, x.Attempts = n-1, run.Attempts
	}
	return x
}
