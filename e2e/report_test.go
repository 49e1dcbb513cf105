package e2e

import (
	"fmt"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/sim/check"
)

// report logs the outcome of a torture: what was expected and what came, and how long the
// server took to go on.
func (m *torturedServer) report(run *check.Run, result *check.Report) {
	t := m.t
	kills := max(1, m.counts[killFault.name]+m.counts["frozen, then killed"])
	t.Logf("faults: %v", m.counts)
	t.Logf("%d jobs, %d client calls, %d triggers", len(m.jobs), m.edits, len(m.triggers))
	t.Logf("%d fires expected, %d requests received; classes %v", result.Expected, len(run.Sends), result.Counts)
	t.Logf("duplicates: %d, %.1f a kill; latest first request %d ms after its instant; longest gap between "+
		"requests %d ms",
		result.Counts[check.DupExplained], float64(result.Counts[check.DupExplained])/float64(kills), latest(run),
		longestGap(run))
	t.Logf("from start to the first late request: %s", spread(m.firstLate(run)))
}

// latest returns how late the latest first request was, in milliseconds.
func latest(run *check.Run) int64 {
	first := make(map[domain.ExecutionID]int64)
	for _, s := range run.Sends {
		if _, ok := first[s.ExecutionID]; !ok && s.ScheduledAt >= run.From && s.ScheduledAt < run.Until {
			first[s.ExecutionID] = s.ReceivedAt - s.ScheduledAt
		}
	}
	var late int64
	for _, ms := range first {
		late = max(late, ms)
	}
	return late
}

// longestGap returns the longest time without a request, in milliseconds.
func longestGap(run *check.Run) (gap int64) {
	var at []int64
	for _, s := range run.Sends {
		at = append(at, s.ReceivedAt)
	}
	slices.Sort(at)
	for i := 1; i < len(at); i++ {
		gap = max(gap, at[i]-at[i-1])
	}
	return gap
}

// firstLate returns, for each start of the server, how long after the start of
// the process its first request came that had been due before it, in
// milliseconds.
func (m *torturedServer) firstLate(run *check.Run) (took []int64) {
	for _, start := range m.starts {
		first := int64(-1)
		for _, s := range run.Sends {
			if s.ScheduledAt < start && s.ReceivedAt >= start && (first < 0 || s.ReceivedAt < first) {
				first = s.ReceivedAt
			}
		}
		if first >= 0 {
			took = append(took, first-start)
		}
	}
	slices.Sort(took)
	return took
}

func spread(ms []int64) string {
	if len(ms) == 0 {
		return "there was none"
	}
	return fmt.Sprintf("min %d, median %d, max %d ms (%d starts)", ms[0], ms[len(ms)/2], ms[len(ms)-1], len(ms))
}
