package alert

import "github.com/belfry-scheduler/belfry/internal/domain"

// wording is how the messages of a condition are worded.
type wording struct {
	begins, goesOn, over string // before what it is about
	past                 string // "Over already: x ..."
	counted              string // what is counted
}

// often are the words of conditions about a share of executions.
var often = wording{"Failing often", "Still failing often", "Recovered", "had failed often", "failed execution"}

// wordings are those of the conditions; that of failures in a row is for the others.
var wordings = map[domain.ConditionKind]wording{
	domain.WhenFailures:    {"Failing", "Still failing", "Recovered", "had failed", "failed execution"},
	domain.WhenFailedOf:    often,
	domain.WhenSuccessRate: often,
	domain.WhenDuration:    {"Slow", "Still slow", "No longer slow", "was slow", "slow execution"},
	domain.WhenDrift:       {"Late", "Still late", "On time again", "was late", "late start"},
	domain.WhenMissed: {"Fires missed", "Fires still missed", "No more fires missed", "had missed fires",
		"missed fire"},
	domain.WhenSkipped: {"Fires skipped", "Fires still skipped", "No more fires skipped", "had skipped fires",
		"skipped fire"},
	domain.WhenNotRun: {"Not run", "Still not run", "Running again", "had not run", "missing execution"},
	domain.WhenServer: {"Belfry has a fault", "Belfry still has a fault", "Belfry works again", "had a fault", "fault"},
	domain.WhenUndeliverable: {"Messages are not delivered", "Messages are still not delivered",
		"Messages are delivered again", "had messages that were not delivered", "undelivered message"},
	domain.WhenLost: {"Fires lost", "Fires lost", "No more fires lost for a day", "had lost fires", "lost fire"},
}

// whenOf is the condition of a group.
func whenOf(g *domain.Group) domain.ConditionKind { return (&domain.Condition{Kind: g.When}).Which() }

func wordingOf(g *domain.Group) *wording {
	w, ok := wordings[g.When]
	if !ok {
		w = wordings[domain.WhenFailures]
	}
	return &w
}
