package check_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/sim/check"
)

// A duplicate in a cluster is explained by a takeover of its own shard between the two requests, and only if the
// first may not have been on record, or the second was on its way while its process stood still.
func TestDuplicatesAroundATakeover(t *testing.T) {
	const third, shards = base + 3_000, 64
	own := jobA.Shard(shards)
	for name, c := range map[string]struct {
		received int64 // of the second request; the first came at third+3
		takeover check.Takeover
		frozen   []check.Outage
		kind     domain.Guarantee
		want     check.Class
	}{
		"not on record": {third + 900, check.Takeover{Shard: own, Since: third, At: third + 800}, nil,
			domain.AtLeastOnce, check.DupExplained},
		"at most once": {third + 900, check.Takeover{Shard: own, Since: third, At: third + 800}, nil,
			domain.AtMostOnce, check.DupUnexplained},
		"another shard": {third + 900, check.Takeover{Shard: (own + 1) % shards, Since: third, At: third + 800}, nil,
			domain.AtLeastOnce, check.DupUnexplained},
		"on record": {third + 900, check.Takeover{Shard: own, Since: third + 100, At: third + 800}, nil,
			domain.AtLeastOnce, check.DupUnexplained},
		"after it": {third + 900, check.Takeover{Shard: own, Since: third - 900, At: third - 100}, nil,
			domain.AtLeastOnce, check.DupUnexplained},
		"before it": {third + 700, check.Takeover{Shard: own, Since: third, At: third + 800}, nil,
			domain.AtLeastOnce, check.DupUnexplained},
		"from a process that stood still": {third + 900,
			check.Takeover{Shard: own, Since: third - 900, At: third - 100},
			[]check.Outage{{From: third, To: third + 890}}, domain.AtLeastOnce, check.DupExplained},
		"that had gone on long before": {third + 900,
			check.Takeover{Shard: own, Since: third - 900, At: third - 100},
			[]check.Outage{{From: third, To: third + 890 - 1_100}}, domain.AtLeastOnce, check.DupUnexplained},
		"that had gone on before the takeover": {third + 900,
			check.Takeover{Shard: own, Since: third - 900, At: third - 10},
			[]check.Outage{{From: third, To: third - 20}}, domain.AtLeastOnce, check.DupUnexplained},
		"that stood still before the fire was due": {third + 900,
			check.Takeover{Shard: own, Since: third - 900, At: third - 100},
			[]check.Outage{{From: third - 100, To: third + 890}}, domain.AtLeastOnce, check.DupUnexplained},
	} {
		t.Run(name, func(t *testing.T) {
			run := sound()
			run.Shards, run.Takeovers, run.Frozen = shards, []check.Takeover{c.takeover}, c.frozen
			for i := range run.Jobs[0].Versions {
				run.Jobs[0].Versions[i].Spec.Type = c.kind
			}
			run.Sends = append(run.Sends, send(jobA, third, 1, c.received, 200, 1))
			wantCounts(t, run, one(c.want))
		})
	}
}

func wantCounts(t *testing.T, run *check.Run, want map[check.Class]int) {
	t.Helper()
	got, err := check.Judge(run)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.Counts); diff != "" {
		t.Errorf("classes (-want +got):\n%s%+v", diff, got.Findings)
	}
}

// Nothing that was due before a pause is sent after the answer to it, but for what a process that stood still had
// been about to send.
func TestRequestsAfterAnAnsweredPause(t *testing.T) {
	const third = base + 3_000
	for name, c := range map[string]struct {
		stop   check.Stop
		frozen []check.Outage
		bad    int
	}{
		"answered before": {check.Stop{JobID: jobA, From: third + 1, Answered: third - 3}, nil, 1},
		"just before":     {check.Stop{JobID: jobA, From: third + 1, Answered: third - 2}, nil, 0},
		"of another job":  {check.Stop{From: third + 1, Answered: third - 3}, nil, 0},
		"from then on":    {check.Stop{JobID: jobA, From: third, Answered: third - 3}, nil, 0},
		"frozen before it": {check.Stop{JobID: jobA, From: third + 1, Answered: third - 3},
			frozen(third-4, third+1), 0},
		"frozen for shorter": {check.Stop{JobID: jobA, From: third + 1, Answered: third - 3},
			frozen(third-20, third-10), 1},
	} {
		t.Run(name, func(t *testing.T) {
			run := sound()
			run.Stops, run.Frozen = []check.Stop{c.stop}, c.frozen
			want := one(check.OK)
			if c.bad > 0 {
				want[check.AfterStop] = c.bad
			}
			wantCounts(t, run, want)
		})
	}
}

func frozen(from, to int64) []check.Outage { return []check.Outage{{From: from, To: to}} }
