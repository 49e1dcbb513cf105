package domain

import "time"

// Acting is a silence or a maintenance window at an instant at which it acts.
type Acting struct {
	Quiet
	limit string
	match *AlertMatcher
}

// Covers reports whether people are not told of the alerts of a job.
func (a *Acting) Covers(id JobID, spec *Spec) bool {
	return (a.limit == "" || a.limit == spec.Namespace) && a.match.Matches(id, spec)
}

// CoversAll reports whether they are told of no alert at all.
func (a *Acting) CoversAll() bool { return a.limit == "" && a.match.zero() }

// Silence is a time in which people are not told of some alerts. It ends by itself.
type Silence struct {
	ID        string       `json:"-"`
	Revision  int64        `json:"-"`
	Limit     string       `json:"limit,omitempty"` // as of an [AlertRule]
	Match     AlertMatcher `json:"match,omitzero"`
	Reason    string       `json:"reason"`
	By        Author       `json:"by"`
	CreatedAt int64        `json:"createdAt"`
	From      int64        `json:"from"`
	To        int64        `json:"to"`
	Unread    string       `json:"-"` // why it cannot be read
}

// maxSilenceMs bounds a silence: whoever wants to be told of nothing for longer disables a rule.
const maxSilenceMs = 366 * 24 * 60 * 60_000

// At returns the silence as it acts at an instant; false: it does not.
func (s *Silence) At(at int64) (Acting, bool) {
	return Acting{Quiet{QuietSilence, s.ID, s.Reason, s.By, s.To}, s.Limit, &s.Match}, at >= s.From && at < s.To
}

// Validate returns a CodeInvalid error that names every wrong field, or nil.
func (s *Silence) Validate() error {
	var fe fieldErrors
	fe.text(printable(s.Reason) && s.Reason != "", s.Reason, maxSilenceReason, "reason",
		"must be 1 to 500 printable characters", s.Reason)
	switch {
	case s.To <= s.From:
		fe.addAs(FieldRange, "endsAt", "must be after startsAt", time.UnixMilli(s.To).UTC())
	case s.To-s.From > maxSilenceMs:
		fe.addAs(FieldRange, "endsAt", "must be within 366 days of startsAt", time.UnixMilli(s.To).UTC())
	}
	s.Match.validate(&fe)
	return fe.err()
}
