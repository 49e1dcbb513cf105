package alert

import (
	"cmp"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// maxSamples is how many alerts of a group its messages show.
const maxSamples = 5

// Fold applies the state of an alert to the group of its job, of which m is what was counted so far; nil: nothing.
// It returns what is counted from now on, and whether that changes anything. An alert that was counted like that
// already, or of which something later is known, changes nothing: so the same state may be applied again.
func Fold(g *domain.Group, m *domain.Member, c *domain.AlertChange, sample domain.GroupSample) (domain.Member, bool) {
	next := domain.Member{
		Rule: g.Rule, Group: g.ID, AlertKey: c.Key(), Count: c.Count, LastAt: c.LastAt, RecoveredAt: c.RecoveredAt,
	}
	switch {
	case m == nil:
		g.Counts.AllJobs++
		g.Counts.Failures += c.Count
	case m.AlertKey == next.AlertKey:
		if next = later(m, c); next == *m {
			return *m, false
		}
		g.Counts.Failures += next.Count - m.Count
	case !c.Open() && (m.Open() || c.LastAt <= m.LastAt): // of an alert before the one that is known
		return *m, false
	default:
		g.Counts.Failures += c.Count
	}
	if m != nil && m.Withdrawn && !next.Withdrawn {
		g.Counts.Withdrawn--
	}
	was := m != nil && m.Open()
	switch {
	case next.Open() && !was:
		g.Counts.Jobs++
	case !next.Open() && was:
		g.Counts.Jobs--
	}
	g.FirstAt, g.LastAt = earliest(g.FirstAt, c.FirstAt), max(g.LastAt, c.LastAt)
	turn(g, cmp.Or(next.RecoveredAt, c.LastAt))
	show(g, sample)
	return next, true
}

// later is what is known of an alert when one more of its states is read. One that has ended does not open again,
// unless it was withdrawn and its job has failed since.
func later(m *domain.Member, c *domain.AlertChange) domain.Member {
	next := *m
	next.Count, next.LastAt = max(m.Count, c.Count), max(m.LastAt, c.LastAt)
	switch {
	case m.Withdrawn && c.Count > m.Count:
		next.RecoveredAt, next.Withdrawn = c.RecoveredAt, false
	case m.Open():
		next.RecoveredAt = c.RecoveredAt
	}
	return next
}

// Withdraw ends the alert of a job that was paused or deleted.
func Withdraw(g *domain.Group, m *domain.Member, now int64) {
	if !m.Open() {
		return
	}
	m.RecoveredAt, m.Withdrawn = now, true
	g.Counts.Jobs--
	g.Counts.Withdrawn++
	g.Samples = slices.DeleteFunc(g.Samples, func(s domain.GroupSample) bool { return s.JobID == m.JobID })
	turn(g, now)
}

// turn notes when a group has opened or recovered.
func turn(g *domain.Group, at int64) {
	switch open := g.Counts.Jobs > 0; {
	case open && g.RecoveredAt != 0, open && g.TurnedAt == 0:
		g.RecoveredAt, g.TurnedAt = 0, at
	case !open && g.RecoveredAt == 0:
		g.RecoveredAt, g.TurnedAt = at, at
	case !open:
		g.RecoveredAt = max(g.RecoveredAt, at)
	}
}

func earliest(a, b int64) int64 {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// show keeps the alerts that failed first, with their latest state: what failed first is nearest to the cause.
func show(g *domain.Group, sample domain.GroupSample) {
	at := slices.IndexFunc(g.Samples, func(s domain.GroupSample) bool { return s.JobID == sample.JobID })
	switch {
	case at >= 0:
		g.Samples = slices.Clone(g.Samples)
		g.Samples[at] = sample
	case len(g.Samples) < maxSamples:
		g.Samples = append(slices.Clone(g.Samples), sample)
	}
}
