package domain

import "errors"

// Maintenance is a maintenance window: a time that comes again by a schedule, in which people are not told of some
// alerts. It begins at each instant of the schedule and lasts as long by the clock of the machine, also when the clocks
// of its zone are changed meanwhile.
type Maintenance struct {
	ID         string       `json:"-"`
	Revision   int64        `json:"-"`
	Limit      string       `json:"limit,omitempty"` // as of an [AlertRule]
	Match      AlertMatcher `json:"match,omitzero"`
	Reason     string       `json:"reason"`
	By         Author       `json:"by"`
	CreatedAt  int64        `json:"createdAt"`
	UpdatedAt  int64        `json:"updatedAt"`
	Schedule   string       `json:"schedule"`
	Timezone   string       `json:"timezone,omitempty"`
	DurationMs int64        `json:"durationMs"`
	Disabled   bool         `json:"disabled,omitempty"`
	Unread     string       `json:"-"` // why it cannot be read
}

const (
	minWindowMs = 1_000
	maxWindowMs = 7 * 24 * 60 * 60_000
	// maxJoined is how many windows that follow each other without a gap are looked through for their end.
	maxJoined = 1_000
)

// In reports whether an instant is within the window, and until when. What begins before another one ends is one
// window. H in a schedule is that of no job.
func (w *Maintenance) In(at int64) (until int64, in bool) {
	schedule, err := ParseSchedule(w.Schedule, w.Timezone, DST{})
	if err != nil || w.Disabled {
		return 0, false // it was valid when it was made: people are told rather than not
	}
	bind := Bind(JobID{}, w.CreatedAt)
	begins, found := schedule.Next(floorDiv(at-w.DurationMs, 1000), bind)
	for n := 0; found && begins*1000 <= max(at, until) && n < maxJoined; n++ {
		until = begins*1000 + w.DurationMs
		begins, found = schedule.Next(begins, bind)
	}
	return until, until > at
}

// Next returns when the window begins next after an instant, and whether it does.
func (w *Maintenance) Next(after int64) (at int64, found bool) {
	schedule, err := ParseSchedule(w.Schedule, w.Timezone, DST{})
	if err != nil || w.Disabled {
		return 0, false
	}
	begins, found := schedule.Next(floorDiv(after, 1000), Bind(JobID{}, w.CreatedAt))
	return begins * 1000, found
}

// At returns the window as it acts at an instant; false: it does not.
func (w *Maintenance) At(at int64) (Acting, bool) {
	until, in := w.In(at)
	return Acting{Quiet{QuietWindow, w.ID, w.Reason, w.By, until}, w.Limit, &w.Match}, in
}

// Validate returns a CodeInvalid error that names every wrong field, or nil.
func (w *Maintenance) Validate() error {
	var fe fieldErrors
	fe.text(printable(w.Reason) && w.Reason != "", w.Reason, maxSilenceReason, "reason",
		"must be 1 to 500 printable characters", w.Reason)
	fe.within(w.DurationMs, minWindowMs, maxWindowMs, "durationMs", "")
	if _, err := ParseSchedule(w.Schedule, w.Timezone, DST{}); err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			fe = append(fe, e.Fields...)
		}
	}
	w.Match.validate(&fe)
	return fe.err()
}
