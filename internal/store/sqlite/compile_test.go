package sqlite

import (
	"sync/atomic"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// compiled counts what the connections of a store compile: SQLite asks an
// authorizer for leave then, and at no other time.
type compiled struct{ n atomic.Int64 }

func (c *compiled) Authorize(sqlite.Action) sqlite.AuthResult {
	c.n.Add(1)
	return sqlite.AuthResultOK
}

func (c *compiled) watch(t *testing.T, s *Store) {
	t.Helper()
	set := func(conn *conn) error { return conn.SetAuthorizer(c) }
	for _, d := range s.days.all() {
		if err := s.days.read(t.Context(), d, set); err != nil {
			t.Fatal(err)
		}
		if err := dayWriter(t, s, d.start()).SetAuthorizer(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.db.read(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	if err := s.db.write(t.Context(), 1, func(c *conn) (tally, error) { return tally{}, set(c) }); err != nil {
		t.Fatal(err)
	}
}

// Statements are compiled at the first call, not at each: that would cost more
// than what they do.
func TestStatementsAreCompiledOnce(t *testing.T) {
	s := newStore(t)
	keyed := version(1)
	keyed.Spec.Key = "a"
	create(t, s, keyed)
	fresh := keyed
	record(t, s, success(1, noon), failure(1, noon+minute), missed(1, noon+2*minute, noon+9*minute, 8),
		success(1, noon+dayMs))
	begin(t, s, openRun(1, noon+dayMs+minute))
	at := noon + 2*dayMs
	history, page := s.History(), store.Page{Limit: 5, Before: success(1, noon+5*minute).FireKey}
	calls := map[string]func() error{
		"ByJob": func() error {
			_, err := history.ByJob(t.Context(), jobID(1),
				store.Page{Limit: 9})
			return err
		},
		"ByJob, below": func() error { _, err := history.ByJob(t.Context(), jobID(1), page); return err },
		"Recent":       func() error { _, err := store.Recent(t.Context(), history, page); return err },
		"Failed":       func() error { _, err := store.Failed(t.Context(), history, domain.JobID{}, page); return err },
		"Failed of":    func() error { _, err := store.Failed(t.Context(), history, jobID(1), page); return err },
		"Execution":    func() error { _, err := history.Execution(t.Context(), success(1, noon).ID()); return err },
		"Totals":       func() error { _, err := history.Totals(t.Context(), noon); return err },
		"Stream": func() error {
			return history.Stream(t.Context(), 0, at, func([]domain.Execution) error { return nil })
		},
		"Facts": func() error {
			return s.Ledger().Facts(t.Context(), store.ShardSet{}, 0, at, func(store.FactRange) error { return nil })
		},
		"Ranges": func() error {
			return s.Ledger().Ranges(t.Context(), store.ShardSet{}, 0, func(store.FactRange) error { return nil })
		},
		"OpenRuns": func() error {
			return s.Ledger().OpenRuns(t.Context(), store.ShardSet{}, func(domain.OpenRun) error { return nil })
		},
		"Record": func() error {
			at += minute
			return s.Ledger().Record(t.Context(), store.Batch{
				Facts: []domain.Execution{success(1, at), failure(2, at), failure(3, at)},
				Open:  []domain.OpenRun{openRun(1, at+1)},
			})
		},
		"Record, recovered": func() error {
			at += minute
			return s.Ledger().Record(t.Context(),
				store.Batch{Facts: []domain.Execution{failure(4, at), success(2, at), success(3, at)}})
		},
		"Jobs.Get": func() error { _, err := s.Jobs().Get(t.Context(), jobID(1)); return err },
		"Jobs.List": func() error {
			_, err := s.Jobs().List(t.Context(),
				store.JobQuery{Limit: 5, Text: "x"})
			return err
		},
		"Jobs.List of a key": func() error {
			_, err := s.Jobs().List(t.Context(), store.JobQuery{Limit: 1, Namespace: "default", Key: "a"})
			return err
		},
		"Jobs.Create": func() error {
			fresh.JobID[15]++
			fresh.Spec.Key += "x"
			return s.Jobs().Create(t.Context(), []domain.Version{fresh})
		},
		"Jobs.Update": func() error {
			keyed.Number, keyed.EffectiveFrom = keyed.Number+1, keyed.EffectiveFrom+1
			return s.Jobs().Update(t.Context(), keyed)
		},
		"Jobs.Versions": func() error {
			_, err := s.Jobs().Versions(t.Context(), jobID(1),
				store.WholeVersions)
			return err
		},
		"Jobs.Timeline": func() error {
			return s.Jobs().Timeline(t.Context(), store.ShardSet{}, noon, store.WholeVersions,
				func(domain.Version) error { return nil })
		},
		"Jobs.Timeline, timings": func() error {
			return s.Jobs().Timeline(t.Context(), store.ShardSet{}, noon, store.TimingOnly,
				func(domain.Version) error { return nil })
		},
		"Alerts.List": func() error {
			_, err := s.Alerts().List(t.Context(), store.AlertPage{Limit: 5, BeforeAt: at})
			return err
		},
		"Shards.Beat": func() error { _, err := claimShard(t.Context(), s); return err },
	}
	record(t, s, success(1, at)) // the file of the day that Record writes into
	var count compiled
	count.watch(t, s)
	for name, call := range calls {
		for _, again := range []bool{false, false, true} {
			before := count.n.Load()
			if err := call(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if n := count.n.Load() - before; again && n > 0 {
				t.Errorf("%s compiles at the third call: %d actions", name, n)
			}
		}
	}
	if count.n.Load() == 0 {
		t.Error("nothing was compiled: the connections are not watched")
	}
}
