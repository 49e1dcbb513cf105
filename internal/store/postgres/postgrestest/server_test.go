//go:build unix

package postgrestest_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/store/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

func run(t *testing.T, url, script string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(t.Context()) }()
	if _, err := c.Exec(t.Context(), script); err != nil {
		t.Fatal(err)
	}
}

func number(t *testing.T, url, query string) (n int) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(t.Context()) }()
	if err := c.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDatabasesAreApart(t *testing.T) {
	s := postgrestest.Shared(t)
	one, two := s.Database(t), s.Database(t)
	run(t, one, "CREATE TABLE x AS SELECT 1")
	if n := number(t, two, "SELECT count(*) FROM pg_tables WHERE tablename = 'x'"); n != 0 {
		t.Error("a table of one database is in another")
	}
}

func TestServerComesBackWithItsData(t *testing.T) {
	s, err := postgrestest.Start(postgrestest.Options{})
	postgrestest.Need(t, err)
	url := s.URL("postgres")
	run(t, url, "CREATE TABLE x (n int); INSERT INTO x VALUES (7)")
	if err := s.End(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	if err := s.Launch(); err != nil {
		t.Fatal(err)
	}
	if n := number(t, url, "SELECT n FROM x"); n != 7 {
		t.Errorf("read %d", n)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.Folder()); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}

// A fork has what was committed before it, not what came after, and is another timeline.
func TestForkLosesTheLastCommits(t *testing.T) {
	s, err := postgrestest.Start(postgrestest.Options{})
	postgrestest.Need(t, err)
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	url := s.URL("postgres")
	run(t, url, "CREATE TABLE x (n int); INSERT INTO x VALUES (7)")
	for fork := range 2 {
		promote, err := s.Fork()
		if err != nil {
			t.Fatal(err)
		}
		run(t, url, "INSERT INTO x VALUES (8)")
		if err := promote(); err != nil {
			t.Fatal(err)
		}
		if n := number(t, url, "SELECT sum(n) FROM x"); n != 7 {
			t.Errorf("fork %d: read %d", fork, n)
		}
		run(t, url, "UPDATE x SET n = 7") // it takes writes
		if n := number(t, url, "SELECT timeline_id FROM pg_control_checkpoint()"); n != fork+2 {
			t.Errorf("fork %d: timeline %d", fork, n)
		}
	}
}
