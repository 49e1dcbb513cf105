package alert

import (
	"fmt"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Finding is what a condition says of the executions of a job.
type Finding struct {
	Met         bool
	Count       int64  // fires that count
	Text        string // for people
	First, Last *domain.Execution
}

// Judge says whether a condition holds for a job, from its latest executions, newest first.
func Judge(c *domain.Condition, newest []domain.Execution, now int64) (f Finding) {
	ofLast := c.Which() == domain.WhenFailedOf
	looked := int64(0)
	for i := range newest {
		e := &newest[i]
		n, asked := Counts(c, e)
		if !asked || !ofLast && e.ScheduledAt < now-c.Window() {
			continue
		}
		if ofLast && looked == int64(c.Of) {
			break
		}
		if looked++; n == 0 {
			continue
		}
		if f.Count, f.First = f.Count+n, e; f.Last == nil {
			f.Last = e
		}
	}
	f.Met = f.Count >= int64(c.Least())
	if c.Which() == domain.WhenSuccessRate {
		f.Met = looked >= int64(c.Least()) && (looked-f.Count)*100 < int64(c.Percent)*looked
	}
	if f.Last != nil {
		f.Text = findingText(c, f.Count, looked, f.Last)
	}
	return f
}

// Counts returns for how many fires an execution counts, and whether the condition looks at it at all.
func Counts(c *domain.Condition, e *domain.Execution) (n int64, asked bool) {
	over := func(ms int64) int64 {
		if ms > c.ThresholdMs {
			return 1
		}
		return 0
	}
	switch c.Which() {
	case domain.WhenFailedOf, domain.WhenSuccessRate:
		if e.Status.Alerts() {
			return 1, true
		}
		return 0, e.Status == domain.StatusSuccess
	case domain.WhenDuration:
		if e.StartedAt != 0 && (e.Status == domain.StatusSuccess || e.Status == domain.StatusFailed) {
			return over(e.Duration()), true
		}
	case domain.WhenDrift:
		if e.StartedAt != 0 && e.Status.Final() {
			return over(e.StartedAt - e.ScheduledAt), true
		}
	case domain.WhenMissed:
		if e.Status == domain.StatusMissed {
			return e.Fires(), true
		}
	case domain.WhenSkipped:
		if e.Status == domain.StatusSkipped {
			return e.Fires(), true
		}
	case domain.WhenFailures, domain.WhenLost, domain.WhenNotRun, domain.WhenServer,
		domain.WhenUndeliverable: // they follow from something else
	}
	return 0, false
}

// mayHave reports whether one of the executions that a point has counted may count.
func mayHave(c *domain.Condition, p *domain.Point) bool {
	switch c.Which() {
	case domain.WhenDuration:
		return p.DurationMax > c.ThresholdMs
	case domain.WhenDrift:
		return p.DriftMax > c.ThresholdMs
	case domain.WhenMissed:
		return p.Missed > 0
	case domain.WhenSkipped:
		return p.Skipped > 0
	case domain.WhenFailures, domain.WhenFailedOf, domain.WhenSuccessRate, domain.WhenLost, domain.WhenNotRun,
		domain.WhenServer, domain.WhenUndeliverable:
	}
	return false
}

// findingText says what was found: n fires that count, of so many that were looked at, the last one of them.
func findingText(c *domain.Condition, n, looked int64, last *domain.Execution) string {
	text := ""
	switch c.Which() {
	case domain.WhenFailedOf:
		text = fmt.Sprintf("%d of the last %s failed", n, count(looked, "execution"))
	case domain.WhenSuccessRate:
		text = fmt.Sprintf("%d of %s in %s failed, more than %d %% allow", n, count(looked, "execution"),
			span(c.Window()), c.Percent)
	case domain.WhenDuration:
		took := last.Duration()
		text = fmt.Sprintf("took %s, longer than %s", span(took), span(c.ThresholdMs)) + times(n, c.Window())
	case domain.WhenDrift:
		late := last.StartedAt - last.ScheduledAt
		text = fmt.Sprintf("started %s late, later than %s", span(late), span(c.ThresholdMs)) + times(n, c.Window())
	case domain.WhenMissed:
		text = fmt.Sprintf("%s missed in %s", count(n, "fire"), span(c.Window()))
	case domain.WhenSkipped:
		text = fmt.Sprintf("%s skipped in %s", count(n, "fire"), span(c.Window()))
	case domain.WhenFailures, domain.WhenLost, domain.WhenNotRun, domain.WhenServer, domain.WhenUndeliverable:
	}
	if last.Error != "" {
		text += ": " + last.Error
	}
	return text
}

func times(n, windowMs int64) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(", %s in %s", count(n, "time"), span(windowMs))
}

func span(ms int64) string { return (time.Duration(ms) * time.Millisecond).String() }
