//go:build unix

package postgres_test

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/postgres"
	"github.com/belfry-scheduler/belfry/internal/store/postgres/postgrestest"
	"github.com/belfry-scheduler/belfry/internal/store/storetest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// key is the encryption key of the tests' databases: 32 bytes in base64.
const key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

func open(t testing.TB, url string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), postgres.Config{URL: url, EncryptionKeys: []string{key}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// madeNow gives the shards of a copied database the instants of one that was just made.
const madeNow = `
UPDATE shard SET horizon = c.now, watermark = c.now
  FROM (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) c`

// database returns a database that has the tables of Belfry.
func database(t testing.TB) (url string) {
	t.Helper()
	url = postgrestest.Shared(t).Prepared(t, func(url string) error {
		s, err := postgres.Open(t.Context(), postgres.Config{URL: url, EncryptionKeys: []string{key}})
		if err != nil {
			return err
		}
		return s.Close()
	})
	execute(t, url, madeNow)
	return url
}

func TestContractOfSeveralStores(t *testing.T) {
	t.Parallel()
	storetest.ExerciseTogether(t, func(t *testing.T) func() store.Store {
		url := database(t)
		return func() store.Store { return open(t, url) }
	})
}

// TestContractThroughPgBouncer shows that nothing depends on a session: in transaction mode each transaction may
// go to another one.
func TestContractThroughPgBouncer(t *testing.T) {
	t.Parallel()
	server := postgrestest.Shared(t)
	through := server.Bounced(t)
	t.Run("stores", func(t *testing.T) { // ends before PgBouncer does
		storetest.ExerciseTogether(t, func(t *testing.T) func() store.Store {
			url := through(database(t)) + "&default_query_exec_mode=cache_describe"
			return func() store.Store { return open(t, url) }
		})
	})
}

func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Exercise(t, func(t *testing.T) func() store.Store {
		url := database(t)
		return func() store.Store { return open(t, url) }
	})
}
