package check

import (
	"fmt"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// doubled looks at each pair of consecutive requests. The second is a retry if the
// first failed and the attempt number is higher.
func (r *Run) doubled(v *Version, sends []Send) (found []Finding) {
	for i := 1; i < len(sends); i++ {
		a, b := sends[i-1], sends[i]
		add := func(class Class, detail string) {
			found = append(found, Finding{class, b.JobID, b.ScheduledAt, detail})
		}
		switch {
		case b.Attempt > a.Attempt && a.Status/100 != 2:
			// A retry.
		case v.Spec.Type == domain.AtMostOnce: // nothing explains it
			add(DupUnexplained, "ATMOST_ONCE: "+twice(a, b))
		case r.outageBetween(a.ReceivedAt, b.ReceivedAt), a.Took >= v.Spec.TimeoutMs && v.Spec.TimeoutMs > 0,
			r.takenOver(a, b), r.Explains != nil && r.Explains(a, b):
			add(DupExplained, "")
		default:
			add(DupUnexplained, twice(a, b))
		}
	}
	return found
}

func twice(a, b Send) string {
	return fmt.Sprintf("attempt %d at %d, answered %d, then attempt %d at %d", a.Attempt, a.ReceivedAt, a.Status,
		b.Attempt, b.ReceivedAt)
}

func (r *Run) outageBetween(a, b int64) bool {
	return slices.ContainsFunc(r.Outages, func(o Outage) bool {
		return o.From >= a-r.Slack && o.From <= b+r.Slack
	})
}

// takenOver reports whether the shard of a fire was taken over between two requests, and either the first may
// not have been on record, or the second was on its way when its process stood still.
func (r *Run) takenOver(a, b Send) bool {
	return r.Shards > 0 && slices.ContainsFunc(r.Takeovers, func(t Takeover) bool {
		if t.Shard != a.JobID.Shard(r.Shards) {
			return false
		}
		unrecorded := t.Since-r.Slack <= a.ReceivedAt && a.ReceivedAt <= t.At+r.Slack &&
			b.ReceivedAt >= t.At-r.Slack
		return unrecorded || a.ReceivedAt >= t.At-r.Slack && r.wasFrozen(b, t.At)
	})
}

// wasFrozen reports whether a request may have been on its way when its process was frozen, which has run again only
// after the instant.
func (r *Run) wasFrozen(s Send, after int64) bool {
	return slices.ContainsFunc(r.Frozen, func(o Outage) bool {
		return s.ScheduledAt <= o.From+r.Slack && after <= o.To+r.Slack &&
			o.To-r.Slack <= s.ReceivedAt && s.ReceivedAt <= o.To+r.LateAfter
	})
}

// stopped finds requests that came after the answer to a pause or a deletion. A process that stood still may have
// been about to send.
func (r *Run) stopped() (found []Finding) {
	stops := make(map[domain.JobID][]Stop)
	for _, s := range r.Stops {
		stops[s.JobID] = append(stops[s.JobID], s)
	}
	for _, s := range r.Sends {
		for _, stop := range stops[s.JobID] {
			if s.ScheduledAt < stop.From && s.ReceivedAt > stop.Answered+r.Slack && !r.wasFrozen(s, stop.Answered) {
				found = append(found, Finding{AfterStop, s.JobID, s.ScheduledAt, fmt.Sprintf(
					"received at %d, stopped from %d on, which was answered at %d", s.ReceivedAt, stop.From,
					stop.Answered)})
			}
		}
	}
	return found
}
