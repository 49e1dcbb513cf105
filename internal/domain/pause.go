package domain

// MaxPauseReason is how many characters the reason of a pause has at most.
const MaxPauseReason = 200

// Pause is what is said of a job that is paused. The zero value: nothing.
type Pause struct {
	Reason string `json:"reason,omitempty"`
	Until  int64  `json:"until,omitempty"` // when the job is active again, Unix milliseconds; zero: once somebody resumes it
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
