package sqlite

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/gofrs/flock"

	"github.com/belfry-scheduler/belfry/internal/store/sqlite/files"
)

// linked makes folders and links to try paths in: a/real holds the data.
func linked(t *testing.T) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege")
	}
	root, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err,
		os.MkdirAll(filepath.Join(root, "a", "real"), 0o700),
		os.MkdirAll(filepath.Join(root, "b"), 0o700),
		os.Symlink(filepath.Join(root, "a", "real"), filepath.Join(root, "b", "folder")),
		os.Symlink(filepath.Join("..", "a", "real", "jobs.db"), filepath.Join(root, "b", "file.db")),
		os.Symlink("file.db", filepath.Join(root, "b", "again.db")),
		os.Symlink("loop.db", filepath.Join(root, "b", "loop.db")))
	return root
}

// Two names of a database meet in one lock and one history.
func TestLinkedDatabaseIsOne(t *testing.T) {
	root := linked(t)
	link, path := filepath.Join(root, "b", "again.db"), filepath.Join(root, "a", "real", "jobs.db")
	s := openStore(t, link)
	record(t, s, success(1, noon))
	wantRefused(t, path, fmt.Sprintf("process %d", os.Getpid()))
	wantRefused(t, filepath.Join(root, "b", "folder", "jobs.db"), fmt.Sprintf("process %d", os.Getpid()))
	closeStore(t, s)
	if n := len(recent(t, openStore(t, path))); n != 1 {
		t.Errorf("%d facts by the other name, want 1", n)
	}
	remaining, err := filepath.Glob(filepath.Join(root, "b", "*"))
	if err != nil || len(remaining) != 4 {
		t.Errorf("beside the links there are %v; error %v", remaining, err)
	}
}

func TestPlaceRefuses(t *testing.T) {
	root := linked(t)
	path, fifo := filepath.Join(root, "a", "real", "jobs.db"), filepath.Join(root, "fifo")
	closeStore(t, openStore(t, path))
	wantRefused(t, root, "is a folder", filepath.Join(root, "jobs.db"))
	wantRefused(t, os.DevNull, "is not a regular file")
	if err := exec.CommandContext(t.Context(), "mkfifo", fifo).Run(); err == nil {
		wantRefused(t, fifo, "is not a regular file")
	}
	wantRefused(t, filepath.Join(root, "b", "loop.db"), "too many links")
	other := filepath.Join(root, "b", "hard.db")
	must(t, os.Link(path, other))
	wantRefused(t, other, "2 names", "cp")
	wantRefused(t, path, "2 names")
	must(t, os.Remove(other))
	openStore(t, path)
}

func TestMountedFileIsRefused(t *testing.T) {
	root := linked(t)
	path, mounted := filepath.Join(root, "a", "real", "jobs.db"), filepath.Join(root, "b", "mounted.db")
	closeStore(t, openStore(t, path))
	must(t, os.WriteFile(mounted, nil, 0o600))
	if out, err := exec.CommandContext(t.Context(), "mount", "--bind", path, mounted).CombinedOutput(); err != nil {
		t.Skipf("nothing can be mounted here: %s", out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", mounted).Run() })
	wantRefused(t, mounted, "mounted as a single file", "Mount its folder")
}

// What an earlier version has left beside a link is never passed over silently.
func TestFilesBesideTheLink(t *testing.T) {
	root := linked(t)
	link, folder := filepath.Join(root, "b", "file.db"), filepath.Join(root, "a", "real")
	history, key := filepath.Join(root, "b", files.HistoryFolder), filepath.Join(root, "b", files.KeyFile)
	s := openStore(t, link)
	record(t, s, success(1, noon))
	closeStore(t, s)
	must(t, os.Rename(filepath.Join(folder, files.HistoryFolder), history),
		os.Rename(filepath.Join(folder, files.KeyFile), key))
	openAndClose := func() { closeStore(t, openStore(t, link)) }

	// Another database's: Belfry has never run by the name of the link.
	openAndClose()
	must(t, os.RemoveAll(filepath.Join(folder, files.HistoryFolder)), os.Remove(filepath.Join(folder, files.KeyFile)))

	must(t, os.WriteFile(link+".lock", nil, 0o600))
	wantRefused(t, link, "mv "+history+" "+filepath.Join(folder, files.HistoryFolder),
		"mv "+key+" "+filepath.Join(folder, files.KeyFile))
	must(t, os.Rename(key, filepath.Join(folder, files.KeyFile)))
	must(t, os.MkdirAll(filepath.Join(folder, files.HistoryFolder, "x"), 0o700))
	wantRefused(t, link, "beside both there is")
	must(t, os.RemoveAll(filepath.Join(folder, files.HistoryFolder)),
		os.Rename(history, filepath.Join(folder, files.HistoryFolder)))
	if n := len(recent(t, openStore(t, link))); n != 1 {
		t.Errorf("%d facts, want 1", n)
	}
}

// An earlier version that runs by the name of the link keeps this one out.
func TestLockByTheNameOfTheLink(t *testing.T) {
	root := linked(t)
	link := filepath.Join(root, "b", "file.db")
	lock := flock.New(link + ".lock")
	_, err := lock.TryLock()
	must(t, err)
	wantRefused(t, link, "is in use by", link)
	must(t, lock.Unlock())
	openStore(t, link)
}

// The lock of the file leaves SQLite its own: another program that opens and
// closes the database does not take itself for the last one, which removes the log.
func TestInodeLockLeavesSQLiteItsLocks(t *testing.T) {
	shell, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("there is no sqlite3")
	}
	s := newStore(t)
	create(t, s, version(1))
	out, err := exec.CommandContext(t.Context(), shell, s.cfg.Path, "SELECT count(*) FROM version").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "1" {
		t.Fatalf("the shell: %s, error %v", out, err)
	}
	must(t, s.shards.guard.check())
}

// A store that begins with nothing says so, and louder beside a history.
func TestNewDatabaseIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	told := func() string {
		var out bytes.Buffer
		s, err := Open(t.Context(), Config{Path: path, Log: slog.New(slog.NewTextHandler(&out, nil))})
		must(t, err)
		record(t, s, success(1, noon))
		s.TellNew()
		closeStore(t, s)
		return out.String()
	}
	if got := told(); !strings.Contains(got, "level=INFO") || !strings.Contains(got, "created a new, empty one") {
		t.Errorf("a new database: %q", got)
	}
	if got := told(); got != "" {
		t.Errorf("the same again: %q", got)
	}
	must(t, os.Remove(path))
	if got := told(); !strings.Contains(got, "level=WARN") ||
		!strings.Contains(got, "whose jobs are missing") {
		t.Errorf("beside a history: %q", got)
	}
}
