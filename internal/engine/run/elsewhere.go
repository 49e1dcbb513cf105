package run

import "github.com/belfry-scheduler/belfry/internal/domain"

// Elsewhere is a run of a job that another process carries out, as its open run says, or this one
// from before it lost the job. It counts as running.
type Elsewhere struct {
	*Run
	Runner int64 // as in domain.OpenRun
}

// NewElsewhere makes the run of an open run that is carried out elsewhere, and enters it into its job,
// which nobody else knows yet.
func NewElsewhere(j *Job, v *Version, open *domain.OpenRun) Elsewhere {
	r := &Run{Job: j, Ver: v, At: open.ScheduledAt, Nonce: open.Nonce, State: StateElsewhere, OpenOnRecord: true}
	r.ReadOpen(open)
	j.Enter(r)
	return Elsewhere{r, open.Runner}
}

// ReadOpen notes what the open run says of a run that is carried out elsewhere. Call with Job.Mu held.
func (r *Run) ReadOpen(open *domain.OpenRun) {
	r.Attempts, r.Crashes, r.Marked, r.RetryAt = open.Attempts, open.Crashes, open.InFlight, open.NextAt
	if len(r.Attempts) > 0 {
		r.StartedAt = r.Attempts[0].StartedAt
	}
}

// CarryOn makes a run that was carried out elsewhere one of this process, as it was taken over, at the
// instant now. enters reports whether it is to be queued, or waits for its retry, as its state says:
// otherwise it waits for its job to be free. Not ok: the job was lost meanwhile.
func (j *Job) CarryOn(r, as *Run, now int64) (enters, ok bool) {
	j.Mu.Lock()
	defer j.Mu.Unlock()
	if r.State != StateElsewhere || j.Lost() {
		return false, false
	}
	r.Attempts, r.Crashes, r.StartedAt, r.RetryAt, r.Marked = as.Attempts, as.Crashes, as.StartedAt, as.RetryAt, false
	r.Lane = LaneLate
	j.Busy--
	j.Leave(r)
	enters = j.takeOver(r)
	if enters && r.RetryAt > now {
		r.SetState(StateAwaitRetry)
		r.Lane = LaneLive
	} else {
		r.SetState(StateQueued)
	}
	return enters, true
}

// Finding says what becomes of a run that was carried out elsewhere.
type Finding uint8

// The findings of a look at an open run.
const (
	FoundRunning Finding = iota // its process may be at it
	FoundEnded                  // it is on record
	FoundLost                   // nobody carries it out any more
)

// Look is what decides about a run that is carried out elsewhere.
type Look struct {
	Open  bool // its open run is there, and there is no result
	Self  bool // the open run is this process's
	Here  bool // this process carries it out
	Named bool // the open run is some process's
	Alive bool // that process may carry it out
	Until int64
	Now   int64
}

// DecideElsewhere decides about a run that was carried out elsewhere when its owner looked last. loss
// is that of FoundLost.
func DecideElsewhere(l Look) (f Finding, loss Loss) {
	switch {
	case !l.Open:
		return FoundEnded, 0
	case !l.Named:
		return FoundLost, LossGivenUp
	case l.Self && l.Here:
		return FoundRunning, 0
	case l.Self: // a takeover that failed has left it
		return FoundLost, LossGivenUp
	case !l.Alive:
		return FoundLost, LossCrash
	case l.Until != 0 && l.Now > l.Until:
		return FoundLost, LossSilence
	}
	return FoundRunning, 0
}
