package sqlite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// damages are ways in which a history file can be unreadable.
var damages = map[string]func(t *testing.T, path string){
	"text":      func(t *testing.T, path string) { overwrite(t, path, []byte(strings.Repeat("no database ", 1000))) },
	"cut":       func(t *testing.T, path string) { overwrite(t, path, content(t, path)[:5000]) },
	"torn page": func(t *testing.T, path string) { overwrite(t, path, torn(content(t, path))) },
	"folder": func(t *testing.T, path string) {
		unlink(t, path)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	},
	"another program's": func(t *testing.T, path string) {
		overwrite(t, path, nil)
		sql(t, path, "CREATE TABLE other(a)")
	},
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// torn overwrites every page after the first, which holds the schema.
func torn(b []byte) []byte {
	for i := 4096; i < len(b); i++ {
		b[i] = 0x5a
	}
	return b
}

func overwrite(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func unlink(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// twoDays makes a database with a fact ten days ago and one of today, and moves W
// to today. It returns the path and the instants.
func twoDays(t *testing.T) (path string, old, today int64) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "jobs.db")
	today = time.Now().UnixMilli()
	old = today - 10*dayMs
	s := openStore(t, path)
	create(t, s, version(1))
	record(t, s, success(1, old), success(1, today))
	claimed, err := claimShard(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	last := store.Beat{Clock: nowMs(), Lease: claimed[0].Lease, Watermark: today}
	if err := s.Shards().Release(t.Context(), []store.Beat{last}, 3_000); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	return path, old, today
}

func dayPath(path string, at int64) string {
	return filepath.Join(filepath.Dir(path), "history", dayOf(at).String()+".db")
}

// A damaged day that nothing needs is set aside: the store opens, warns, shows the
// other days, and does not pass a part of the history for the whole.
func TestDamagedOldDayIsSetAside(t *testing.T) {
	t.Parallel()
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			path, old, today := twoDays(t)
			damage(t, dayPath(path, old))
			s := openStore(t, path)
			if w := s.Warning(); !strings.Contains(w, dayOf(old).String()) {
				t.Errorf("warning %q", w)
			}
			if got := recent(t, s); len(got) != 1 || got[0].ScheduledAt != today {
				t.Errorf("recent executions: %+v", got)
			}
			none := func([]domain.Execution) error { return nil }
			if err := s.History().Stream(t.Context(), old, today, none); domain.ErrorCode(
				err) != domain.CodeUnavailable {
				t.Errorf("a stream over the damaged day: error %v", err)
			}
			if err := s.History().Stream(t.Context(), today, today+1, none); err != nil {
				t.Errorf("a stream after the damaged day: %v", err)
			}
			if kept, err := s.History().Kept(t.Context()); kept != dayOf(old).end() || err != nil {
				t.Errorf("history is whole from %d, want %d; error %v", kept, dayOf(old).end(), err)
			}
			lost := success(1, old)
			if _, err := s.History().Execution(t.Context(), lost.ID()); domain.ErrorCode(
				err) != domain.CodeUnavailable {
				t.Errorf("an execution of the damaged day: error %v", err)
			}
			closeStore(t, s)
			if _, err := os.Stat(dayPath(path, old)); err != nil {
				t.Errorf("the damaged file is not left as it was: %v", err)
			}
		})
	}
}

// Without the facts since the watermark, or of an open run, nobody knows what was
// sent: the start is refused.
func TestDamagedDayThatIsNeededIsRefused(t *testing.T) {
	t.Parallel()
	t.Run("today", func(t *testing.T) {
		path, _, today := twoDays(t)
		damages["text"](t, dayPath(path, today))
		wantRefused(t, path, dayOf(today).String()+".db is damaged", "restore it from a backup")
	})
	t.Run("an open run", func(t *testing.T) {
		path, old, _ := twoDays(t)
		s := openStore(t, path)
		begin(t, s, openRun(1, old+1))
		closeStore(t, s)
		damages["text"](t, dayPath(path, old))
		wantRefused(t, path, dayOf(old).String()+".db is damaged")
	})
}
