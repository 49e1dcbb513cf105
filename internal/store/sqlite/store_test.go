package sqlite

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/storetest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(victimEnv); path != "" {
		victimMain(path)
	}
	slog.SetDefault(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m)
}

// database implements storetest.Database.
func database(t *testing.T) func() store.Store {
	path := filepath.Join(t.TempDir(), "data", "jobs.db")
	return func() store.Store { return openStore(t, path) }
}

// openStore opens a store that is closed at the end of the test, unless the
// test closes it itself.
func openStore(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestContract(t *testing.T) { storetest.Exercise(t, database) }

const (
	second = int64(1_000)
	minute = 60 * second
	hour   = 60 * minute
)

// noon is 2026-03-10T12:00:00Z.
var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC).UnixMilli()

func jobID(n int) domain.JobID {
	return domain.JobID{0: 1, 6: 0x70, 8: 0x80, 14: byte(n >> 8), 15: byte(n)}
}

// version returns version 1 of job n, every second from noon on.
func version(n int) domain.Version {
	spec := domain.DefaultSpec()
	spec.Schedule, spec.API, spec.Type = "* * * * * *", "http://127.0.0.1:4444/ok", domain.AtLeastOnce
	return domain.Version{
		JobID: jobID(n), Number: 1, EffectiveFrom: noon, EffectiveTo: domain.Forever, CreatedAt: noon,
		Active: true, Spec: spec,
	}
}

func success(n int, at int64) domain.Execution {
	return domain.Execution{
		FireKey: domain.FireKey{JobID: jobID(n), ScheduledAt: at}, Version: 1, Status: domain.StatusSuccess,
		StartedAt: at + 1, CompletedAt: at + 21, HTTPStatus: 200,
	}
}

func failure(n int, at int64) domain.Execution {
	e := success(n, at)
	e.Status, e.HTTPStatus, e.Error = domain.StatusFailed, 500, "500: broken"
	return e
}

func openRun(n int, at int64) domain.OpenRun {
	return domain.OpenRun{FireKey: domain.FireKey{JobID: jobID(n), ScheduledAt: at}, Version: 1,
		NextAt: at + second, CreatedAt: at}
}

func create(t *testing.T, s *Store, versions ...domain.Version) {
	t.Helper()
	if err := s.Jobs().Create(t.Context(), versions); err != nil {
		t.Fatal(err)
	}
}

func record(t *testing.T, s *Store, facts ...domain.Execution) {
	t.Helper()
	if err := s.Ledger().Record(t.Context(), store.Batch{Facts: facts}); err != nil {
		t.Fatal(err)
	}
}

func begin(t *testing.T, s *Store, runs ...domain.OpenRun) {
	t.Helper()
	if err := s.Ledger().Record(t.Context(), store.Batch{Open: runs}); err != nil {
		t.Fatal(err)
	}
}

func allOpenRuns(t *testing.T, s *Store) (found []domain.OpenRun) {
	t.Helper()
	err := s.Ledger().OpenRuns(t.Context(), store.ShardSet{}, func(r domain.OpenRun) error {
		found = append(found, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func recent(t *testing.T, s *Store) []domain.Execution {
	t.Helper()
	found, err := store.Recent(t.Context(), s.History(), store.Page{Limit: 1_000})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func totalOf(t *testing.T, s *Store, status domain.Status) int64 {
	t.Helper()
	sum, err := s.History().Totals(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return sum.ByStatus[status]
}

func allAlerts(t *testing.T, s *Store) []domain.Alert {
	t.Helper()
	found, err := s.Alerts().List(t.Context(), store.AlertPage{Limit: 1_000})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
