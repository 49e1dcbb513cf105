package run

import (
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// ResumeVerdict is what an open run becomes after a restart.
type ResumeVerdict struct {
	Status domain.Status // PENDING: it is sent (again); otherwise the end
	Reason string
}

// Loss says how the process that carried out an open run came to do so no more.
type Loss uint8

// The ways in which a run loses its process. Only a process that has ended may have been ended by
// the request.
const (
	LossCrash   Loss = iota // it has ended, or nobody knows which one it was
	LossGivenUp             // it has given the run up
	LossSilence             // it is there, and has not ended the run in time
)

// text is the error of an attempt whose outcome was lost so.
func (l Loss) text() string {
	if l == LossSilence {
		return "the server that sent this request has not recorded its outcome in time"
	}
	return LostOutcome
}

// DecideResume decides about an open run that was lost. InFlight says that
// a request of it may have been under way.
func DecideResume(run *domain.OpenRun, loss Loss, once bool, stopReason string) ResumeVerdict {
	switch {
	case run.InFlight && (once || stopReason != ""):
		reason := loss.text()
		if stopReason != "" {
			reason += "; " + stopReason + " again"
		}
		return ResumeVerdict{domain.StatusUnknown, reason}
	case stopReason != "":
		status, reason := EndStopped(run.Attempts, stopReason)
		return ResumeVerdict{status, reason}
	case run.InFlight && loss == LossCrash && run.Crashes+1 >= poisonAt:
		return ResumeVerdict{domain.StatusFailed, "poison: the server stopped three times in a row while this " +
			"request was under way"}
	}
	return ResumeVerdict{Status: domain.StatusPending}
}

// poisonAt is how many crashes in a row with the request in flight end an execution.
const poisonAt = 3

// Resume makes the run of an open run that was lost, at the instant now: where it is to be sent, at
// its RetryAt, and how it ends otherwise.
func Resume(j *Job, v *Version, open *domain.OpenRun, loss Loss, now int64) (*Run, ResumeVerdict) {
	r := &Run{
		Job: j, Ver: v, At: open.ScheduledAt, Nonce: open.Nonce, Lane: LaneLate,
		Attempts: open.Attempts, Crashes: open.Crashes, OpenOnRecord: true, RetryAt: max(open.NextAt, open.ScheduledAt),
	}
	if n := len(r.Attempts); n > 0 {
		r.StartedAt = r.Attempts[0].StartedAt
	}
	if open.InFlight {
		r.Attempts = append(slices.Clip(r.Attempts), domain.Attempt{Number: len(r.Attempts) + 1, CompletedAt: now,
			Error: loss.text()})
		if loss == LossCrash {
			r.Crashes++
		}
	}
	return r, DecideResume(open, loss, v.Plan.Value().Once, j.StopReason(open.ScheduledAt))
}

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
