package sqlite

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// freeze makes every file of a database immutable, or mutable again, but for the
// -shm files: they are memory, and Linux ends a process by SIGBUS that writes to
// memory of an immutable file.
func freeze(t *testing.T, s *Store, flag string) {
	t.Helper()
	folder := filepath.Dir(s.cfg.Path)
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	days, err := filepath.Glob(filepath.Join(folder, "history", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(files, days...) {
		if info, err := os.Stat(f); err != nil || info.IsDir() || strings.HasSuffix(f, "-shm") {
			continue
		}
		if out, err := exec.Command("chattr", flag, f).CombinedOutput(); err != nil {
			t.Skipf("files cannot be made immutable here: %v: %s", err, out)
		}
	}
}

// A database that nobody may write for a while is written again as soon as
// that is over. SQLite opens a file that it may not write for reading only,
// without a word, and keeps it so for as long as a connection is open: those
// that were opened meanwhile must not stay.
func TestReadOnlyForAWhile(t *testing.T) {
	s := newStore(t)
	create(t, s, version(1))
	record(t, s, success(1, noon))
	shards, err := claimShard(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	work := map[string]func() error{
		"a beat": func() error {
			_, err := s.Shards().Beat(t.Context(), []store.Beat{{Clock: nowMs(), Lease: shards[0].Lease}}, 3000)
			return err
		},
		"a fact": func() error {
			return s.Ledger().Record(t.Context(), store.Batch{Facts: []domain.Execution{success(1, noon+second)}})
		},
	}
	t.Cleanup(func() { freeze(t, s, "-i") })
	for name, write := range work {
		freeze(t, s, "+i")
		for range 3 { // the first try breaks the connection, the next ones open others
			if err := write(); err == nil {
				t.Skip("immutable files can be written here through open descriptors")
			}
			if _, err := s.Jobs().List(t.Context(), store.JobQuery{Limit: 9}); err != nil {
				t.Logf("a read while the files are sealed: %v", err)
			}
			if _, err := store.Recent(t.Context(), s.History(), store.Page{Limit: 9}); err != nil {
				t.Logf("a read while the files are sealed: %v", err)
			}
		}
		freeze(t, s, "-i")
		var err error
		for range 3 { // one try may meet a connection that was opened before
			if err = write(); err == nil {
				break
			}
		}
		if err != nil {
			t.Errorf("%s after the files may be written again: %v", name, err)
		}
	}
}

// When the writer's connection is replaced, every reading one is too: those
// that wait to be lent at once, one that is lent when it comes back. One that
// is opened afterwards stays.
func TestBrokenWriterRenewsReaders(t *testing.T) {
	s := newStore(t)
	s.background.running.Wait() // it reads too
	read := func(fn func(c *conn)) {
		t.Helper()
		if err := s.db.read(t.Context(), func(c *conn) error { fn(c); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	write := func(run func(c *conn) error) error {
		return s.db.write(t.Context(), 1, func(c *conn) (tally, error) { return tally{}, run(c) })
	}
	var first, inUse, later *conn
	read(func(c *conn) { first = c })
	var writing *conn
	if err := write(func(c *conn) error { writing, c.broken = c, true; return nil }); err != nil {
		t.Fatal(err)
	}
	read(func(c *conn) {
		if inUse = c; inUse != first {
			t.Error("nothing has been replaced yet, and the connection is another")
		}
		if err := write(func(c *conn) error {
			if c == writing {
				t.Error("the broken connection writes on")
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	read(func(c *conn) { later = c })
	if later == inUse {
		t.Error("a connection from before the fault was lent again")
	}
	read(func(c *conn) {
		if c != later {
			t.Error("a connection from after the fault was replaced")
		}
	})
}

// An operation that fails because the file may not be written does not fail its
// group, but the next one gets another connection.
func TestReadOnlyErrorOfAnOperationBreaksTheConnection(t *testing.T) {
	s := newStore(t)
	var writing *conn
	err := s.db.write(t.Context(), 1, func(c *conn) (tally, error) {
		writing = c
		if err := c.exec("PRAGMA query_only = ON"); err != nil {
			return tally{}, err
		}
		return tally{}, c.exec("DELETE FROM lost_fire") // SQLITE_READONLY
	})
	if sqlite.ErrCode(err).ToPrimary() != sqlite.ResultReadOnly {
		t.Fatalf("error %v, want that of a read-only database", err)
	}
	if err := s.db.write(t.Context(), 1, func(c *conn) (tally, error) {
		if c == writing {
			t.Error("the same connection writes on")
		}
		return tally{}, c.exec("DELETE FROM lost_fire")
	}); err != nil {
		t.Error(err)
	}
}
