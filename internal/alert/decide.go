package alert

import "github.com/belfry-scheduler/belfry/internal/domain"

// How long groups stay after they have recovered, in milliseconds.
const (
	// quietMs is how long nothing may fail until a group is closed: a failure before opens it again.
	quietMs = 10 * 60_000
	// calmMs is how long a group that flaps must stay as it is until people are told how it is.
	calmMs = 15 * 60_000
	// flapsAt is how often a group has failed again when it flaps: people were told of it twice before.
	flapsAt = 2
	// lookMs is how often a group is looked at of which a silence keeps a message back.
	lookMs = 60_000
)

// Decision is what becomes of a group.
type Decision struct {
	State domain.GroupState
	Tell  domain.NotificationType // empty: nothing
	DueAt int64                   // when it is to be decided again if nothing changes; zero: never
	Past  bool                    // nobody is to be told of what has failed until now
	Owed  bool                    // what is pending is to be told all the same
}

// until makes a decision that a silence has led to at the latest when the silence ends.
func (d Decision) until(end int64, g *domain.Group, now int64) Decision {
	if g.Counts.Jobs > 0 && d.DueAt != 0 {
		d.DueAt = min(d.DueAt, max(end, now+1))
	}
	return d
}

// Decide says what becomes of a group at an instant. silenced: a silence or a maintenance window is about it.
// That keeps back what is bad, and not that it is over, of which people wait to be told.
func Decide(g *domain.Group, t domain.RuleTiming, now int64, silenced bool) Decision {
	switch g.State {
	case domain.GroupWaiting:
		return decideWaiting(g, t, now, silenced)
	case domain.GroupOpen, domain.GroupAcknowledged:
		return decideOpen(g, t, now, silenced)
	case domain.GroupFlapping:
		return decideFlapping(g, t, now, silenced)
	case domain.GroupRecovered:
		return decideRecovered(g, t, now, silenced)
	case domain.GroupClosed:
	}
	return Decision{State: domain.GroupClosed}
}

func decideWaiting(g *domain.Group, t domain.RuleTiming, now int64, silenced bool) Decision {
	switch {
	case now < g.DueAt:
		return Decision{State: g.State, DueAt: g.DueAt}
	case silenced && g.Counts.Jobs > 0:
		return Decision{State: g.State, DueAt: now + lookMs}
	case silenced, g.Counts.Jobs == 0 && g.Counts.Withdrawn >= g.Counts.AllJobs:
		return Decision{State: domain.GroupRecovered, DueAt: now + quietMs, Past: true}
	case g.Counts.Jobs == 0:
		return Decision{State: domain.GroupRecovered, Tell: domain.NoticeRecovered, DueAt: now + quietMs}
	}
	return Decision{State: domain.GroupOpen, Tell: domain.NoticeOpened, DueAt: after(now, t.RepeatMs)}
}

func decideOpen(g *domain.Group, t domain.RuleTiming, now int64, silenced bool) Decision {
	if g.Counts.Jobs == 0 {
		return over(g, t, now)
	}
	known := g.Told.Jobs
	repeatAt := after(g.Told.At, t.RepeatMs)
	if g.State == domain.GroupAcknowledged {
		known, repeatAt = max(known, g.Ack.Jobs), 0
	}
	updateAt := int64(0)
	if g.Counts.Jobs > known {
		updateAt = g.Told.At + t.UpdateMs
	}
	dueAt := sooner(updateAt, repeatAt)
	switch {
	case dueAt == 0 || now < dueAt:
		return Decision{State: g.State, DueAt: dueAt}
	case silenced:
		return Decision{State: g.State, DueAt: now + lookMs}
	}
	return Decision{State: domain.GroupOpen, Tell: domain.NoticeUpdated, DueAt: after(now, t.RepeatMs)}
}

func decideFlapping(g *domain.Group, t domain.RuleTiming, now int64, silenced bool) Decision {
	calmAt := g.TurnedAt + calmMs
	switch {
	case now < calmAt:
		return Decision{State: g.State, DueAt: calmAt}
	case g.Counts.Jobs == 0:
		return over(g, t, now)
	case silenced:
		return Decision{State: g.State, DueAt: now + lookMs}
	}
	return Decision{State: domain.GroupOpen, Tell: domain.NoticeUpdated, DueAt: after(now, t.RepeatMs)}
}

func decideRecovered(g *domain.Group, t domain.RuleTiming, now int64, silenced bool) Decision {
	quietAt := g.RecoveredAt + quietMs
	switch {
	case g.Counts.Jobs == 0 && g.Counts.Failures > g.Told.Failures:
		return decideAgain(g, t, now, silenced)
	case g.Counts.Jobs == 0 && now < quietAt:
		return Decision{State: g.State, DueAt: quietAt}
	case g.Counts.Jobs == 0:
		return Decision{State: domain.GroupClosed}
	case g.Reopened+1 < flapsAt || silenced:
		return Decision{State: domain.GroupWaiting, DueAt: now + t.WaitMs}
	}
	return Decision{State: domain.GroupFlapping, Tell: domain.NoticeUpdated, DueAt: g.TurnedAt + calmMs}
}

// decideAgain is about a group that has recovered, has failed since, and was over at the next look.
func decideAgain(g *domain.Group, t domain.RuleTiming, now int64, silenced bool) Decision {
	quietAt := g.RecoveredAt + quietMs
	tellAt := min(g.Told.At+t.UpdateMs, quietAt) // before it is closed
	d := Decision{State: domain.GroupRecovered, DueAt: max(quietAt, now+1)}
	switch {
	case silenced, g.Counts.Withdrawn >= g.Counts.AllJobs:
		d.Past = true
	case now < tellAt:
		d.DueAt = tellAt
	default:
		d.Tell = domain.NoticeRecovered
	}
	return d
}

// over is what becomes of a group that people were told of when no alert of it is open. Jobs that have failed since
// are told with the end, also where nobody is told of the end alone.
func over(g *domain.Group, t domain.RuleTiming, now int64) Decision {
	d := Decision{State: domain.GroupRecovered, Tell: domain.NoticeRecovered, DueAt: now + quietMs}
	if t.NoRecovery && g.Counts.AllJobs <= g.Told.AllJobs {
		d.Tell, d.Past, d.Owed = "", true, g.Counts.Withdrawn < g.Counts.AllJobs
	}
	return d
}

// Apply makes a decision the state of its group.
func Apply(g *domain.Group, d Decision, now int64) {
	if g.State == domain.GroupRecovered && (d.State == domain.GroupWaiting || d.State == domain.GroupFlapping) {
		g.Reopened++
	}
	if g.State == domain.GroupAcknowledged && d.State != domain.GroupAcknowledged {
		g.Ack = domain.Acknowledgement{}
	}
	g.State, g.DueAt = d.State, d.DueAt
	if d.Tell != "" {
		g.Told = domain.GroupTold{Seq: g.Told.Seq + 1, At: now, Jobs: g.Counts.Jobs, AllJobs: g.Counts.AllJobs}
	}
	if d.Tell != "" || d.Past {
		g.Told.Failures = g.Counts.Failures
	}
}

// Acknowledge notes that somebody looks after a group, and reports whether it can be acknowledged: nobody waits
// for one that has recovered.
func Acknowledge(g *domain.Group, by domain.Author, note string, now int64) bool {
	if g.Counts.Jobs == 0 || g.State == domain.GroupClosed || g.State == domain.GroupRecovered {
		return false
	}
	g.State, g.DueAt = domain.GroupAcknowledged, 0
	g.Ack = domain.Acknowledgement{At: now, By: by, Note: note, Jobs: g.Counts.Jobs}
	return true
}

// after is the instant so long after another one; zero: never.
func after(at, ms int64) int64 {
	if ms == 0 {
		return 0
	}
	return at + ms
}

// sooner returns the first of two instants; zero: never.
func sooner(a, b int64) int64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
