//go:build unix

package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/store/postgres"
	"github.com/belfry-scheduler/belfry/internal/store/postgres/postgrestest"
)

// otherKey is a key that the databases of the tests are not sealed with.
const otherKey = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="

// execute runs statements beside the store.
func execute(t testing.TB, url, script string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	if _, err := c.Exec(t.Context(), script); err != nil {
		t.Fatal(err)
	}
}

func wantRefused(t *testing.T, cfg postgres.Config, part string) {
	t.Helper()
	s, err := postgres.Open(t.Context(), cfg)
	if err == nil {
		_ = s.Close()
		t.Fatalf("opened, want an error about %q", part)
	}
	if !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "\n") {
		t.Errorf("refused with %q, want one line about %q", err, part)
	}
}

func TestProcessesThatStartAtOnceMakeTheTablesOnce(t *testing.T) {
	t.Parallel()
	url := postgrestest.Shared(t).Database(t)
	const processes = 5
	errs := make(chan error, processes)
	for range processes {
		go func() {
			s, err := postgres.Open(t.Context(), postgres.Config{URL: url, EncryptionKeys: []string{key}})
			if err == nil {
				err = s.Close()
			}
			errs <- err
		}()
	}
	for range processes {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	server := postgrestest.Shared(t)
	keys := []string{key}
	url := database(t)
	wantRefused(t, postgres.Config{URL: url}, "openssl rand -base64 32")
	wantRefused(t, postgres.Config{URL: url, EncryptionKeys: []string{otherKey}}, "another BELFRY_ENCRYPTION_KEY")
	open(t, url)

	foreign := server.Database(t)
	execute(t, foreign, "CREATE TABLE customers (id int)")
	wantRefused(t, postgres.Config{URL: foreign, EncryptionKeys: keys}, "1 tables or views that are not of Belfry")

	newer := server.Database(t)
	open(t, newer)
	execute(t, newer, "INSERT INTO belfry_migration (number, name) VALUES (99, 'of tomorrow')")
	wantRefused(t, postgres.Config{URL: newer, EncryptionKeys: keys}, "newer Belfry: its schema is number 99")

	careless := server.Database(t)
	open(t, careless)
	execute(t, careless, `DO $$ BEGIN
EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$`)
	wantRefused(t, postgres.Config{URL: careless, EncryptionKeys: keys}, "synchronous_commit is off")
}

// TestPasswordsAreNotTold: neither a string that is none nor one that does not lead to a server shows its
// password.
func TestPasswordsAreNotTold(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"postgres://belfry:s3cret@127.0.0.1:1/belfry?connect_timeout=1", "postgres://belfry:s3cret@:port/x",
		"postgres://belfry:s3cret@db.test/belfry?sslmode=disable", "host=127.0.0.1 port=1 password=s3cret",
		"password=s3cret nonsense",
	} {
		_, err := postgres.Open(t.Context(), postgres.Config{URL: url, EncryptionKeys: []string{key}})
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: error %v", url, err)
		}
		for ; err != nil; err = errors.Unwrap(err) {
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s: the cause is %v", url, err)
			}
		}
	}
}

func TestAnotherMachineNeedsEncryption(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"disable", "allow", "prefer"} {
		wantRefused(t, postgres.Config{URL: "postgres://belfry@db.test/belfry?sslmode=" + mode,
			EncryptionKeys: []string{key}}, "sslmode=verify-full")
	}
}

// TestKeyIsReplaced: with a new key before the old one, a process opens what the old one has sealed. From then
// on the old key alone does not do.
func TestKeyIsReplaced(t *testing.T) {
	t.Parallel()
	url := database(t)
	s, err := postgres.Open(t.Context(), postgres.Config{URL: url, EncryptionKeys: []string{otherKey, key}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, postgres.Config{URL: url, EncryptionKeys: []string{key}}, "another BELFRY_ENCRYPTION_KEY")
}
