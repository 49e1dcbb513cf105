package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

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

func TestPermissionWording(t *testing.T) {
	err := CannotOpen("/data/jobs.db", &fs.PathError{Op: "mkdir", Path: "/data", Err: fs.ErrPermission})
	if want := "cannot open /data/jobs.db: the folder or a file in it is not " +
		"writable"; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %q, want %q", err, want)
	}
}
