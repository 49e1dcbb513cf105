package sqlite

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
