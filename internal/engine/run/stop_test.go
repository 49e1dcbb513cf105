package run

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// That a shard was lost is for good, and is no reason that a record shows.
func TestLose(t *testing.T) {
	t.Parallel()
	j := NewJob(domain.JobID{1}, 1, 0)
	if j.Lost() {
		t.Error("a new job is lost")
	}
	j.StopBefore(5_000, StoppedByPause)
	j.Lose()
	j.StopBefore(9_000, StoppedByDelete)
	if !j.Lost() || j.StopReason(1) != "" || j.StoppedUntil() != 0 {
		t.Errorf("lost %v, reason %q, until %d", j.Lost(), j.StopReason(1), j.StoppedUntil())
	}
}
