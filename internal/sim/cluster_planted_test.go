package sim

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// enoughOfCluster is within how many days of a cluster a planted fault has to show.
const enoughOfCluster = 24

// Each rule of the protocol of several nodes that can be broken from outside is missed when it is.
func TestPlantedFaultsOfAClusterAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		plant plant
		want  []string // one of them is in what is reported
	}{
		"a fact acknowledged and dropped": {plant{store: ledgerThat(dropsFacts)}, []string{"lost"}},
		"a request sent twice":            {plant{executor: sendsTwice}, []string{"dup-unexplained", "twice"}},
		"a lost owner taken for one that released": {plant{store: shardThat(dropsCrashes)},
			[]string{"twice", "dup-unexplained", "fabricated"}},
		"a pause answered before its owner knows": {plant{store: appliedAtOnce}, []string{"after a stop"}},
		"the runners of open runs ignored":        {plant{deaf: true}, []string{"dup-unexplained", "twice"}},
		"a call in flight released without a row": {plant{store: ledgerThat(dropsCalls)},
			[]string{"lost", "dup-unexplained", "twice"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var reported []string
			for seed := range uint64(enoughOfCluster) {
				reported = append(reported, simulateCluster(t, seed+1, c.plant).faults...)
				if slices.ContainsFunc(reported, func(s string) bool {
					return slices.ContainsFunc(c.want, func(want string) bool { return strings.Contains(s, want) })
				}) {
					t.Logf("found in day %d", seed+1)
					return
				}
			}
			t.Errorf("%d days did not report %q, but %q", enoughOfCluster, c.want, reported[:min(len(reported), 5)])
		})
	}
}

// dropsCalls drops the open runs of calls in flight.
func dropsCalls(b *store.Batch) {
	b.Open = slices.DeleteFunc(b.Open, func(r domain.OpenRun) bool {
		return r.Nonce == 0 && r.InFlight && len(r.Attempts) == 0 && r.Crashes == 0
	})
}

// applied says of each edit that the owner has loaded it.
type applied struct{ store.Shards }

func appliedAtOnce(real store.Store) store.Store {
	s := breakable(real)
	s.shards = applied{s.shards}
	return s
}

func (s applied) Peek(ctx context.Context) ([]store.Shard, error) {
	rows, err := s.Shards.Peek(ctx)
	for i := range rows {
		rows[i].Applied = rows[i].Revision
	}
	return rows, err
}
