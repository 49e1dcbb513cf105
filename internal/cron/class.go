package cron

// Class returns a number that is equal for two jobs only if the schedule has the same fires for both after
// the later of their anchors: the values that H chooses, or the phase of @every. A schedule whose fires do
// not depend on the job has one class.
func (s *Schedule) Class(b Binding) uint64 {
	if s.kind == kindEvery {
		phase := s.period.origin(b.Anchor) % int64(s.period)
		return uint64((phase + int64(s.period)) % int64(s.period)) //nolint:gosec // not negative
	}
	var class uint64
	space := uint64(1)
	for _, h := range s.pattern.hashed {
		if space > 1<<57 { // the picks do not fit: each job is for itself
			return b.Seed
		}
		class += space * h.pick(b.Seed)
		space *= h.choices()
	}
	return class
}
