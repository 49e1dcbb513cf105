package engine

import "github.com/belfry-scheduler/belfry/internal/domain"

// resumeAs is what an open run becomes after a restart.
type resumeAs struct {
	status domain.Status // PENDING: it is sent (again); otherwise the end
	reason string
}

// decideResume decides about an open run of the last owner. InFlight says that
// a request of it may have been under way.
func decideResume(run *domain.OpenRun, once bool, stopReason string) resumeAs {
	switch {
	case run.InFlight && (once || stopReason != ""):
		reason := lostOutcome
		if stopReason != "" {
			reason += "; " + stopReason + " again"
		}
		return resumeAs{domain.StatusUnknown, reason}
	case stopReason != "" && len(run.Attempts) == 0:
		return resumeAs{domain.StatusSkipped, stopReason}
	case stopReason != "":
		last := run.Attempts[len(run.Attempts)-1]
		if last.StartedAt == 0 { // a crash hid it: see turnAway
			return resumeAs{domain.StatusUnknown, lostOutcome + "; " + stopReason + " again"}
		}
		return resumeAs{domain.StatusFailed, "no further attempt: " + stopReason + "; last error: " + last.Error}
	case run.InFlight && run.Crashes+1 >= poisonAt:
		return resumeAs{domain.StatusFailed, "poison: the server stopped three times in a row while this request was under way"}
	}
	return resumeAs{status: domain.StatusPending}
}
