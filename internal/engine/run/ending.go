package run

import "github.com/belfry-scheduler/belfry/internal/domain"

// Ending is what follows an attempt.
type Ending struct {
	Status  domain.Status // final, or PENDING for a retry
	DelayMs int64         // before the retry
}

// DecideEnding applies the retry policy to an attempt that has ended. failures
// counts the attempts of the execution that failed, this one included.
func DecideEnding(p Plan, out *domain.Outcome, failures int) Ending {
	switch {
	case out.Verdict == domain.VerdictSuccess:
		return Ending{Status: domain.StatusSuccess}
	case out.Verdict == domain.VerdictFinal:
		return Ending{Status: domain.StatusFailed}
	case p.Once && out.MaybeSent:
		// A second request could be a second delivery.
		return Ending{Status: domain.StatusFailed}
	case failures > p.retry.MaxRetries:
		return Ending{Status: domain.StatusFailed}
	}
	return Ending{domain.StatusPending, p.retry.Delay(failures, out.RetryAfterMs)}
}

// EndStopped is what becomes of an execution whose job was paused or deleted, by its
// attempts so far and the reason.
func EndStopped(attempts []domain.Attempt, reason string) (domain.Status, string) {
	n := len(attempts)
	switch {
	case n == 0:
		return domain.StatusSkipped, reason
	case attempts[n-1].StartedAt == 0: // a crash hid whether it was sent
		return domain.StatusUnknown, LostOutcome + "; " + reason + " again"
	}
	return domain.StatusFailed, "no further attempt: " + reason + "; last error: " + attempts[n-1].Error
}

// LostOutcome is the error of an attempt that a crash has hidden.
const LostOutcome = "the server stopped while this request may have been under way"
