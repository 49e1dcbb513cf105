package executor

import "time"

// phase is how far an exchange has come. A timeout names it.
type phase int

const (
	phaseConnect phase = iota
	phaseHandshake
	phaseSend
	phaseWait // no byte of the response yet
	phaseHeader
	phaseBody
	phaseDone
)

// progress is how far an exchange has come, and until when it may go on.
type progress struct {
	phase    phase
	begun    time.Time
	deadline time.Time
}

func (p *progress) start(now time.Time, timeout time.Duration) {
	p.phase, p.begun, p.deadline = phaseConnect, now, now.Add(timeout)
}

// remaining returns how much time there is.
func (p *progress) remaining(now time.Time) time.Duration { return p.deadline.Sub(now) }
