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

// Every way to a database leads to the same path, before it exists and after.
func TestRealPath(t *testing.T) {
	root := linked(t)
	t.Chdir(filepath.Join(root, "b"))
	want := filepath.Join(root, "a", "real", "jobs.db")
	ways := []string{
		want, filepath.Join(root, "b", "file.db"), "file.db", "./again.db", "folder/jobs.db", "folder//jobs.db",
		"folder/../real/jobs.db", // the folder above the link's target
		"../a/real/jobs.db", filepath.Join(root, "b", "folder", "jobs.db"),
	}
	if runtime.GOOS == "linux" {
		ways = append(ways, "/proc/self/cwd/file.db", "/proc/self/cwd/folder/jobs.db")
	}
	for _, there := range []bool{false, true} {
		if there {
			must(t, os.WriteFile(want, nil, 0o600))
		}
		for _, way := range ways {
			if got, err := realPath(way); got != want || err != nil {
				t.Errorf("%s (there: %t): %s, error %v; want %s", way, there, got, err, want)
			}
		}
	}
	for way, want := range map[string]string{
		"new.db": "b/new.db", "x/y/new.db": "b/x/y/new.db", "folder/x/new.db": "a/real/x/new.db",
		"folder/../x.db": "a/x.db",
	} {
		if got, err := realPath(way); got != filepath.Join(root, want) || err != nil {
			t.Errorf("%s: %s, error %v; want %s", way, got, err, want)
		}
	}
	if got, err := realPath("loop.db"); err == nil {
		t.Errorf("a link to itself leads to %s", got)
	}
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
	history, key := filepath.Join(root, "b", historyFolder), filepath.Join(root, "b", keyFileName)
	s := openStore(t, link)
	record(t, s, success(1, noon))
	closeStore(t, s)
	must(t, os.Rename(filepath.Join(folder, historyFolder), history),
		os.Rename(filepath.Join(folder, keyFileName), key))
	openAndClose := func() { closeStore(t, openStore(t, link)) }

	// Another database's: Belfry has never run by the name of the link.
	openAndClose()
	must(t, os.RemoveAll(filepath.Join(folder, historyFolder)), os.Remove(filepath.Join(folder, keyFileName)))

	must(t, os.WriteFile(link+".lock", nil, 0o600))
	wantRefused(t, link, "mv "+history+" "+filepath.Join(folder, historyFolder),
		"mv "+key+" "+filepath.Join(folder, keyFileName))
	must(t, os.Rename(key, filepath.Join(folder, keyFileName)))
	must(t, os.MkdirAll(filepath.Join(folder, historyFolder, "x"), 0o700))
	wantRefused(t, link, "beside both there is")
	must(t, os.RemoveAll(filepath.Join(folder, historyFolder)),
		os.Rename(history, filepath.Join(folder, historyFolder)))
	if n := len(recent(t, openStore(t, link))); n != 1 {
		t.Errorf("%d facts, want 1", n)
	}
}

// An earlier version that runs by the name of the link keeps this one out.
func TestLockByTheNameOfTheLink(t *testing.T) {
	root := linked(t)
	link := filepath.Join(root, "b", "file.db")
	lock, err := tryLock(link + ".lock")
	must(t, err)
	wantRefused(t, link, "is in use by", link)
	must(t, lock.Unlock())
	openStore(t, link)
}

// The file itself is locked, whatever happens to the lock file.
func TestInodeIsLocked(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is the lock file alone")
	}
	path := filepath.Join(t.TempDir(), "jobs.db")
	first, err := lockInode(path)
	must(t, err)
	if _, err := lockInode(path); err == nil || !strings.Contains(err.Error(), "is in use by another process") {
		t.Errorf("a second lock: error %v", err)
	}
	must(t, first.Close())
	second, err := lockInode(path)
	must(t, err, second.Close())
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
	if got := told(); !strings.Contains(got, "level=INFO") || !strings.Contains(got, "a new, empty one is made") {
		t.Errorf("a new database: %q", got)
	}
	if got := told(); got != "" {
		t.Errorf("the same again: %q", got)
	}
	must(t, os.Remove(path))
	if got := told(); !strings.Contains(got, "level=WARN") ||
		!strings.Contains(got, "the jobs that it tells of are gone") {
		t.Errorf("beside a history: %q", got)
	}
}

func TestFolderOf(t *testing.T) {
	for path, want := range map[string]string{
		"x.db": ".", "./x.db": ".", "/x.db": "/", "a/x.db": "a", "a//x.db": "a", "a/../x.db": "a/..",
		"/a/b/": "/a", ".": ".",
	} {
		if got := folderOf(path); got != want {
			t.Errorf("folderOf(%q) = %q, want %q", path, got, want)
		}
	}
}
