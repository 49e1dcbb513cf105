package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite/files"
)

// wantRefused checks that a store does not open, and that the error is one
// line that a person can act on.
func wantRefused(t *testing.T, path string, words ...string) {
	t.Helper()
	s, err := Open(t.Context(), Config{Path: path})
	if err == nil {
		_ = s.Close()
		t.Fatal("it opened")
	}
	if domain.ErrorCode(err) != domain.CodeUnavailable {
		t.Errorf("error %v has code %s, want %s", err, domain.ErrorCode(err), domain.CodeUnavailable)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not say %q", err, word)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q is more than one line", err)
	}
}

// sql runs statements on a file that no store has open.
func sql(t *testing.T, path string, statements ...string) {
	t.Helper()
	c, err := openConn(path, writer, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if err := c.exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func closeStore(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOneProcessOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	s := openStore(t, path)
	wantRefused(t, path, path, fmt.Sprintf("process %d", os.Getpid()), path+".lock")
	if err := os.WriteFile(path+".lock", []byte("?"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, path, "another process")
	closeStore(t, s)
	closeStore(t, s) // a second Close does nothing
	openStore(t, path)
}

func TestOpenRefuses(t *testing.T) {
	t.Run("a newer jobs database", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "jobs.db")
		closeStore(t, openStore(t, path))
		sql(t, path, "PRAGMA user_version = 99")
		wantRefused(t, path, path, "newer Belfry", "99")
	})
	t.Run("a newer history file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "jobs.db")
		s := openStore(t, path)
		record(t, s, success(1, noon))
		closeStore(t, s)
		sql(t, s.days.path(dayOf(noon)), "PRAGMA user_version = 99")
		wantRefused(t, path, "2026-03-10.db", "newer Belfry", "99")
	})
	t.Run("a database of something else", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "jobs.db")
		if err := files.Create(path); err != nil {
			t.Fatal(err)
		}
		sql(t, path, "CREATE TABLE users (name TEXT)")
		wantRefused(t, path, path, "not one of Belfry")
	})
	t.Run("a file that is no database", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "jobs.db")
		if err := os.WriteFile(path, bytes.Repeat([]byte("not a database "), 100), 0o600); err != nil {
			t.Fatal(err)
		}
		wantRefused(t, path, path)
	})
	t.Run("a folder that cannot be made", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		wantRefused(t, filepath.Join(file, "data", "jobs.db"), file)
	})
	t.Run("a folder that is not writable", func(t *testing.T) {
		if os.Getuid() == 0 {
			t.Skip("root may write everywhere")
		}
		folder := t.TempDir()
		if err := os.Chmod(folder, 0o500); err != nil { //nolint:gosec // a folder
			t.Fatal(err)
		}
		wantRefused(t, filepath.Join(folder, "jobs.db"), folder)
	})
	t.Run("no path", func(t *testing.T) {
		if _, err := Open(t.Context(), Config{}); domain.ErrorCode(err) != domain.CodeInvalid {
			t.Errorf("error %v, want one about DB_PATH", err)
		}
	})
}

func TestFilesArePrivate(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	s := openStore(t, filepath.Join(folder, "jobs.db"))
	record(t, s, success(1, noon))
	create(t, s, version(1))
	seen := 0
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		seen++
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has mode %o", path, mode)
		}
		return nil
	})
	if err != nil || seen < 7 { // two folders, the lock, two databases with their logs
		t.Errorf("%d files, error %v", seen, err)
	}
	closeStore(t, s)
	remaining, err := filepath.Glob(filepath.Join(folder, "*", "*-wal"))
	if err != nil || len(remaining) > 0 {
		t.Errorf("logs %v are left after Close, error %v", remaining, err)
	}
}

func TestSettingsAreReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if err := files.Create(path); err != nil {
		t.Fatal(err)
	}
	for _, r := range []role{writer, reader} {
		c, err := openConn(path, r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.setPragma(pragma{"synchronous", "FULL", "3"}); err == nil ||
			!strings.Contains(err.Error(), `"2", not "3"`) {
			t.Errorf("a setting that did not take: error %v", err)
		}
		writeErr := c.exec("CREATE TABLE t (x)")
		if (writeErr == nil) != (r == writer) {
			t.Errorf("role %d writes: error %v", r, writeErr)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := openConn(filepath.Join(t.TempDir(), "none.db"), writer, nil); err == nil {
		t.Error("a file that does not exist was opened")
	}
}

func TestMigrationsAreNumbered(t *testing.T) {
	for _, schema := range []string{"jobs", "history"} {
		steps, err := migrations(schema)
		if err != nil || len(steps) == 0 {
			t.Fatalf("%s: %d steps, error %v", schema, len(steps), err)
		}
		for i, step := range steps {
			if step.Number != i+1 || !strings.HasPrefix(step.Name, fmt.Sprintf("%04d_", i+1)) || step.Script == "" {
				t.Errorf("%s: step %d is %q", schema, i+1, step.Name)
			}
		}
	}
}

func TestFailedMigrationChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if err := files.Create(path); err != nil {
		t.Fatal(err)
	}
	c, err := openConn(path, writer, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	twice := rows.Migration{Number: 1, Name: "0001_x.sql", Script: "CREATE TABLE a (x); CREATE TABLE a (x);"}
	if err := apply(t.Context(), c, twice); err == nil {
		t.Fatal("the script succeeded")
	}
	if n, err := c.number("SELECT count(*) FROM sqlite_schema"); n != 0 || err != nil {
		t.Errorf("%d objects are left, error %v", n, err)
	}
	if v, err := schemaVersion(c); v != 0 || err != nil {
		t.Errorf("schema version %d, error %v", v, err)
	}
}

func TestVerboseLogsStatements(t *testing.T) {
	for _, verbose := range []bool{true, false} {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		s, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "jobs.db"), Log: log, Verbose: verbose})
		if err != nil {
			t.Fatal(err)
		}
		create(t, s, version(1))
		closeStore(t, s)
		if strings.Contains(out.String(), "INSERT INTO version") != verbose {
			t.Errorf("verbose %t logged %q", verbose, out.String())
		}
	}
}

func TestClosedStoreAnswers(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "jobs.db"))
	closeStore(t, s)
	_, _, countErr := s.Jobs().Count(t.Context())
	_, recentErr := store.Recent(t.Context(), s.History(), store.Page{Limit: 1})
	for name, err := range map[string]error{
		"Create": s.Jobs().Create(t.Context(), []domain.Version{version(1)}),
		"Record": s.Ledger().Record(t.Context(), store.Batch{Facts: []domain.Execution{success(1, noon)}}),
		"Count":  countErr,
	} {
		if !errors.Is(err, errClosed) {
			t.Errorf("%s: error %v, want %v", name, err, errClosed)
		}
	}
	if recentErr != nil {
		t.Errorf("Recent without any file: %v", recentErr)
	}
}
