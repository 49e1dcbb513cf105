package domain

// MaxPauseReason is how many characters the reason of a pause has at most.
const MaxPauseReason = 200

// Pause is what is said of a job that is paused. The zero value: nothing.
type Pause struct {
	Reason string `json:"reason,omitempty"`
	Until  int64  `json:"until,omitempty"` // when the job is active again, Unix milliseconds; zero: once somebody resumes it
}

// PauseEnd is what becomes of a document that says until when its job is paused.
type PauseEnd uint8

// What may become of it.
const (
	PauseHolds  PauseEnd = iota // the job is as it says
	PauseIsOver                 // the job is active
	PauseIsPast                 // it is refused
)

// DecidePauseEnd decides about a document by its members isActive and pausedUntil, the end of the pause that its job
// has (before; zero: none, or there is no job), and now, in Unix milliseconds. Whoever says now that a job is paused
// until an instant that is past means another one, and is told. A document that is kept elsewhere and sent again was
// right when it was written: what it was to say holds, and by now that is an active job. So is that of a job which
// somebody has resumed already, where the document does not say itself whether it is active. An end that the job has
// already is nobody's mistake: the pause has just ended, and the change is about something else.
func DecidePauseEnd(active bool, until, before, now int64, kept bool) PauseEnd {
	switch {
	case until <= 0, until > now, until == before:
		return PauseHolds
	case kept:
		return PauseIsOver
	case active: // [Pause.Validate] refuses it
		return PauseHolds
	}
	return PauseIsPast
}

// check checks what is said of a pause, of a job that is active or not.
func (p *Pause) check(active bool, fe *fieldErrors) {
	fe.text(printable(p.Reason), p.Reason, MaxPauseReason, "pausedReason",
		"must be at most 200 characters without control characters", p.Reason)
	fe.within(p.Until, 0, MaxInstantMs, "pausedUntil", " (Unix milliseconds)")
	if active {
		const rule = "must be absent: the job is active"
		fe.requireAs(FieldContradiction, p.Reason == "", "pausedReason", rule, p.Reason)
		fe.requireAs(FieldContradiction, p.Until == 0, "pausedUntil", rule, p.Until)
	}
}

// Validate returns a CodeInvalid error that names what is wrong with the pause of a job that is active or not, or nil.
func (p *Pause) Validate(active bool) error {
	var fe fieldErrors
	p.check(active, &fe)
	return fe.err()
}
