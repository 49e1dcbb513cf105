package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Plain facts in great number have a statement of their own. They come back as
// they were, alone, many, and where one among them is not plain.
func TestPlainFactsComeBack(t *testing.T) {
	const at = 1_773_144_000_000
	facts := make([]domain.Execution, 3*rowsPerStatement+5)
	ids := domain.NewJobIDs(at, len(facts))
	for i := range facts {
		n := int64(i)
		facts[i] = domain.Execution{
			FireKey: domain.FireKey{JobID: ids[i], ScheduledAt: at + 1000*(n/50)}, Version: 1 + i%3,
			Status:    domain.StatusSuccess,
			StartedAt: at + 1000*(n/50) + n%7, CompletedAt: at + 1000*(n/50) + n%7 + n%90, HTTPStatus: 200 + i%5,
		}
	}
	odd := &facts[rowsPerStatement+3] // in the second statement
	odd.Nonce, odd.Status, odd.HTTPStatus, odd.Error = 7, domain.StatusFailed, 500, "no"
	s := openStore(t, filepath.Join(t.TempDir(), "jobs.db"))
	for range 2 { // a repeat changes nothing
		if err := s.Ledger().Record(t.Context(), store.Batch{Facts: facts}); err != nil {
			t.Fatal(err)
		}
	}
	got := make(map[domain.FireKey]domain.Execution)
	err := s.alerts.readDay(t.Context(), dayOf(at), func(c *conn) error {
		return c.query("SELECT "+executionColumns+" FROM execution", func(s *sqlite.Stmt) error {
			e := columnsExecution(s)
			got[e.FireKey] = e
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[domain.FireKey]domain.Execution)
	for _, e := range facts {
		want[e.FireKey] = e
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
