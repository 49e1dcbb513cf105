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
