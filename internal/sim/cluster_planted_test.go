package sim

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// enoughOfCluster is within how many days of a cluster a planted fault has to show.
const enoughOfCluster = 48

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
		"a pause answered before its owner knows":     {plant{store: appliedAtOnce}, []string{"after a stop"}},
		"the runners of open runs ignored":            {plant{deaf: true}, []string{"dup-unexplained", "twice"}},
		"a lost lease taken for one that holds":       {plant{store: leasesHold}, []string{"owner"}},
		"a node of role api that takes shards":        {plant{greedy: true}, []string{"owner"}},
		"an old build that does not ask for protocol": {plant{store: oldProtocol}, []string{"owner"}},
		"fires planned by the clock of the database":  {plant{clock: ofDatabase}, []string{"early"}},
		"fires planned by the clock of a machine":     {plant{clock: ofMachine}, []string{"early"}},
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

// lostLeases says of a lease that it holds when another owner has it.
type lostLeases struct{ store.Shards }

func leasesHold(real store.Store) store.Store {
	s := breakable(real)
	s.shards = lostLeases{s.shards}
	return s
}

func (s lostLeases) Beat(ctx context.Context, beats []store.Beat, ahead int64) ([]store.Shard, error) {
	held, err := s.Shards.Beat(ctx, beats, ahead)
	if err != nil {
		return nil, err
	}
	rows, err := s.Peek(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range beats {
		if !slices.ContainsFunc(held, func(sh store.Shard) bool { return sh.Number == b.Number }) {
			sh := rows[b.Number]
			sh.Lease, sh.Clean = b.Lease, false
			held = append(held, sh)
		}
	}
	return held, nil
}

// oldNodes know nothing of protocols.
type oldNodes struct{ store.Nodes }

func oldProtocol(real store.Store) store.Store {
	s := breakable(real)
	s.nodes = oldNodes{s.nodes}
	return s
}

func (oldNodes) Protocol(context.Context) (int, error) { return 1, nil }

func ofDatabase(_, db clock.Clock) clock.Clock  { return db }
func ofMachine(wall, _ clock.Clock) clock.Clock { return wall }

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

// The days of a cluster are worth something: within a few of them everything happens that the script can do.
func TestFewDaysOfAClusterMeetEverything(t *testing.T) {
	t.Parallel()
	script := ""
	for seed := range uint64(24) {
		script += strings.Join(simulateCluster(t, seed+1, plant{}).script, "\n")
	}
	for _, what := range []string{
		"  kill", "  stop", "  start", "  freeze", "no way from node-1 to the store", "to the targets",
		"the clock of node-1 steps by",
		"the clock of the database steps by 1s", "the clock of the database steps by -1h10m",
		"the clock of the database is set right", "upgrade to protocol 3",
		"gets the build of the others", "has an old build again",
		"  create 1:", "  change", "  pause 0", "  pause for", "  resume", "  delete", "  trigger", "  down for",
		"Ledger.Record Fault:0", "Shards.Claim", "Shards.Release", "Nodes.Seen",
	} {
		if !strings.Contains(script, what) {
			t.Errorf("no day did this: %q", what)
		}
	}
}
