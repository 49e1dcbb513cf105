package sim

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// enough is within how many seeds a planted fault has to show.
const enough = 8

// Each way to break a promise is reported, and by the right name.
func TestPlantedFaultsAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		plant plant
		want  string // begins what is reported
	}{
		"a fact acknowledged and dropped":     {plant{store: ledgerThat(dropsFacts)}, "lost"},
		"a trigger acknowledged and dropped":  {plant{store: ledgerThat(dropsTriggers)}, "lost"},
		"a success made of a failure":         {plant{store: ledgerThat(liesAboutFailures)}, "fabricated"},
		"W beaten too far":                    {plant{store: shardThat(beatsTooFar)}, "lost"},
		"a crash taken for a stop":            {plant{store: shardThat(dropsCrashes)}, "twice"},
		"an edit stored a second late":        {plant{store: editsLate}, "edit"},
		"an edit acknowledged and not stored": {plant{store: editsDropped}, "edit"},
		"pauses that nobody ends":             {plant{store: endsNoPauses}, "stuck"},
		"a request sent twice":                {plant{executor: sendsTwice}, "dup-unexplained"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var reported []string
			for seed := range uint64(enough) {
				reported = append(reported, simulate(t, seed+1, inMemory, c.plant).faults...)
				if slices.ContainsFunc(reported, func(s string) bool { return strings.HasPrefix(s, c.want) }) {
					return
				}
			}
			t.Errorf("%d seeds did not report %q, but %q", enough, c.want, reported[:min(len(reported), 5)])
		})
	}
}

// brokenStore is a store with a role or two replaced.
type brokenStore struct {
	store.Store
	jobs   store.Jobs
	ledger store.Ledger
	shards store.Shards
	nodes  store.Nodes
}

func (s brokenStore) Nodes() store.Nodes   { return s.nodes }
func (s brokenStore) Jobs() store.Jobs     { return s.jobs }
func (s brokenStore) Ledger() store.Ledger { return s.ledger }
func (s brokenStore) Shards() store.Shards { return s.shards }

func breakable(s store.Store) brokenStore {
	return brokenStore{s, s.Jobs(), s.Ledger(), s.Shards(), s.Nodes()}
}

// brokenLedger changes what is recorded, and says that all is well. Changes
// decide by the key, so that a repeat of a call meets the same one.
type brokenLedger struct {
	store.Ledger
	change func(b *store.Batch)
}

func ledgerThat(change func(b *store.Batch)) func(store.Store) store.Store {
	return func(real store.Store) store.Store {
		s := breakable(real)
		s.ledger = brokenLedger{s.ledger, change}
		return s
	}
}

func (l brokenLedger) Record(ctx context.Context, b store.Batch) error {
	b = store.Batch{Facts: slices.Clone(b.Facts), Open: slices.Clone(b.Open)}
	l.change(&b)
	return l.Ledger.Record(ctx, b)
}

func dropsFacts(b *store.Batch) {
	b.Facts = slices.DeleteFunc(b.Facts, func(x domain.Execution) bool {
		return x.Nonce == 0 &&
			x.ScheduledAt/1000%17 == 3
	})
}

func dropsTriggers(b *store.Batch) {
	b.Facts = slices.DeleteFunc(b.Facts, func(x domain.Execution) bool { return x.Nonce != 0 })
	b.Open = slices.DeleteFunc(b.Open, func(r domain.OpenRun) bool { return r.Nonce != 0 })
}

func liesAboutFailures(b *store.Batch) {
	for i := range b.Facts {
		if b.Facts[i].Status == domain.StatusFailed {
			b.Facts[i].Status = domain.StatusSuccess
		}
	}
}

// brokenShards changes the W that an owner commits, or the shard that it reads at a
// start.
type brokenShards struct {
	store.Shards
	beat  func(w int64) int64
	claim func(sh *store.Shard)
}

func shardThat(change func(*brokenShards)) func(store.Store) store.Store {
	return func(real store.Store) store.Store {
		s := breakable(real)
		broken := brokenShards{s.shards, func(w int64) int64 { return w }, func(*store.Shard) {}}
		change(&broken)
		s.shards = broken
		return s
	}
}

func (s brokenShards) Beat(ctx context.Context, beats []store.Beat, ahead int64) ([]store.Shard, error) {
	beats = slices.Clone(beats)
	for i := range beats {
		beats[i].Watermark = s.beat(beats[i].Watermark)
	}
	return s.Shards.Beat(ctx, beats, ahead)
}

func (s brokenShards) Claim(ctx context.Context, node int64, claims []store.Claim) ([]store.Shard, error) {
	claimed, err := s.Shards.Claim(ctx, node, claims)
	for i := range claimed {
		s.claim(&claimed[i])
	}
	return claimed, err
}

func beatsTooFar(s *brokenShards) { s.beat = func(int64) int64 { return domain.Forever } }

func dropsCrashes(s *brokenShards) { s.claim = func(sh *store.Shard) { sh.Clean = true } }

// brokenJobs changes edits on their way to the disk.
type brokenJobs struct {
	store.Jobs
	late int64 // milliseconds
	drop bool
}

func editsLate(real store.Store) store.Store {
	s := breakable(real)
	s.jobs = brokenJobs{Jobs: s.jobs, late: 1_000}
	return s
}

func editsDropped(real store.Store) store.Store {
	s := breakable(real)
	s.jobs = brokenJobs{Jobs: s.jobs, drop: true}
	return s
}

func (j brokenJobs) Update(ctx context.Context, next domain.Version) error {
	if j.drop {
		return nil
	}
	next.EffectiveFrom += j.late
	return j.Jobs.Update(ctx, next)
}

// twice sends each eleventh request again.
type twice struct {
	engine.Executor
	calls atomic.Int64
}

func sendsTwice(real engine.Executor) engine.Executor { return &twice{Executor: real} }

func (x *twice) Do(call *domain.Call, out *domain.Outcome) {
	x.Executor.Do(call, out)
	if x.calls.Add(1)%11 == 0 {
		x.Executor.Do(call, out)
	}
}
