package bulk

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// TestDecideTask is the truth table of what is done next with an operation.
func TestDecideTask(t *testing.T) {
	for _, c := range []struct {
		state             domain.OperationState
		step, cancel, may bool
		want              task
	}{
		{domain.OperationMatching, false, false, true, taskMatch},
		{domain.OperationMatching, false, true, true, taskCancel},
		{domain.OperationMatching, false, false, false, taskRefuse},
		{domain.OperationMatching, false, true, false, taskCancel},
		{domain.OperationRunning, false, false, true, taskApply},
		{domain.OperationRunning, true, false, true, taskAccount},
		{domain.OperationRunning, true, true, true, taskAccount}, // what was made is counted first
		{domain.OperationRunning, true, false, false, taskAccount},
		{domain.OperationRunning, false, true, true, taskCancel},
		{domain.OperationRunning, false, true, false, taskCancel},
		{domain.OperationRunning, false, false, false, taskRefuse},
	} {
		o := domain.Operation{State: c.state}
		if c.step {
			o.Progress.StepAt = 7
		}
		if c.cancel {
			o.Cancelled.At = 8
		}
		if got := decideTask(&o, c.may); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// TestDecideOutcome is the truth table of what an answer of package edit means for a job.
func TestDecideOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		changed bool
		err     error
		want    outcome
		counted domain.OperationCounts
	}{
		"changed":       {true, nil, done, domain.OperationCounts{Done: 1}},
		"not changed":   {false, nil, unchanged, domain.OperationCounts{Unchanged: 1}},
		"gone":          {true, domain.NotFound("job", domain.JobID{}), skipped, domain.OperationCounts{Skipped: 1}},
		"invalid":       {true, domain.Invalid("tags", "are too many", 33), failed, domain.OperationCounts{Failed: 1}},
		"a fault":       {true, errors.New("a bug"), failed, domain.OperationCounts{Failed: 1}},
		"a key taken":   {true, store.Taken(map[int]domain.JobID{0: {}}), failed, domain.OperationCounts{Failed: 1}},
		"another first": {true, domain.Conflict("changed"), later, domain.OperationCounts{}},
		"not known":     {true, domain.Unavailable(nil, "disk"), unclear, domain.OperationCounts{}},
		"a stop":        {true, fmt.Errorf("x: %w", context.Canceled), unclear, domain.OperationCounts{}},
		"a timeout":     {true, context.DeadlineExceeded, unclear, domain.OperationCounts{}},
	} {
		got := decideOutcome(c.changed, c.err)
		var o domain.Operation
		dealt := got.count(&o, domain.JobID{1}, c.err)
		if got != c.want || o.Counts != c.counted || dealt != (c.counted != domain.OperationCounts{}) ||
			len(o.Errors) != int(c.counted.Failed) {
			t.Errorf("%s: %d, dealt with %t, counts %+v", name, got, dealt, o.Counts)
		}
	}
}

func TestNextTurn(t *testing.T) {
	id := func(n byte) domain.OperationID { return domain.OperationID{n} }
	open := []domain.Operation{{ID: id(5)}, {ID: id(3)}, {ID: id(1)}} // newest first
	for last, want := range map[byte]byte{0: 1, 1: 3, 2: 3, 3: 5, 5: 1, 9: 1} {
		if got := nextTurn(open, id(last)); got.ID != id(want) {
			t.Errorf("after %d: %d, want %d", last, got.ID[0], want)
		}
	}
}
