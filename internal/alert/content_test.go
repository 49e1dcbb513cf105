package alert

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// A digest says of each group whether it fails or is over.
func TestDigestText(t *testing.T) {
	job := func(n int, g domain.Group) domain.Group {
		g.Counts.AllJobs, g.Counts.Failures = 1, 2
		g.Samples = []domain.GroupSample{{JobID: jobID(n), Name: string(rune('a' + n)), Error: "500"}}
		return g
	}
	m := Message{Type: domain.NoticeDigest, Groups: []domain.Group{
		job(0, domain.Group{State: domain.GroupOpen}),
		job(1, domain.Group{State: domain.GroupRecovered, RecoveredAt: 60_000, Told: domain.GroupTold{Seq: 2}}),
		job(2, domain.Group{State: domain.GroupRecovered, RecoveredAt: 60_000, Told: domain.GroupTold{Seq: 1}}),
		job(3, domain.Group{State: domain.GroupFlapping}),
	}}
	const want = `Failing: job a
2 failed executions since 1970-01-01 00:00:00 UTC.
- job a: 500
Recovered: job b
2 failed executions since 1970-01-01 00:00:00 UTC, over since 1970-01-01 00:01:00 UTC.
- job b: 500
Over already: job c had failed
2 failed executions since 1970-01-01 00:00:00 UTC, over since 1970-01-01 00:01:00 UTC.
- job c: 500
Unstable: job d fails and recovers in turn
2 failed executions since 1970-01-01 00:00:00 UTC.
- job d: 500`
	if got := m.Text(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
