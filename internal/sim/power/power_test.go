//go:build linux

package power

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// must ends the test at an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put writes a file that may exist, and syncs it if asked to.
func put(t *testing.T, path, content string, sync bool) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	must(t, err)
	_, err = f.WriteString(content)
	must(t, err)
	if sync {
		must(t, f.Sync())
	}
	must(t, f.Close())
}

func syncFolder(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	must(t, f.Sync())
	must(t, f.Close())
}

// image returns the files that are left: their content by path.
func image(t *testing.T, d *Disk, fate Fate) map[string]string {
	t.Helper()
	folder, files := t.TempDir(), map[string]string{}
	must(t, d.Image(folder, fate))
	must(t, filepath.WalkDir(folder, func(path string, e os.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		name, _ := filepath.Rel(folder, path)
		if e.IsDir() {
			files[name+"/"] = ""
			return nil
		}
		content, err := os.ReadFile(path)
		files[name] = string(content)
		return err
	}))
	return files
}

func TestWhatStays(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(t *testing.T, root string)
		want map[string]string
	}{
		"a write without fsync is lost": {
			func(t *testing.T, root string) { put(t, root+"/old", "NEW", false) }, map[string]string{"old": "before"},
		},
		"a write with fsync stays": {
			func(t *testing.T, root string) { put(t, root+"/old", "NEW", true) }, map[string]string{"old": "NEWore"},
		},
		"a new file needs its folder's fsync": {
			func(t *testing.T, root string) { put(t, root+"/new", "x", true) }, map[string]string{"old": "before"},
		},
		"a new file with both stays": {
			func(t *testing.T, root string) { put(t, root+"/new", "x", true); syncFolder(t, root) },
			map[string]string{"old": "before", "new": "x"},
		},
		"a folder's fsync saves no content": {
			func(t *testing.T, root string) { put(t, root+"/new", "x", false); syncFolder(t, root) },
			map[string]string{"old": "before", "new": ""},
		},
		"a rename without the folder's fsync is lost": {
			func(t *testing.T, root string) { must(t, os.Rename(root+"/old", root+"/other")) },
			map[string]string{"old": "before"},
		},
		"a rename with it stays": {
			func(t *testing.T, root string) { must(t, os.Rename(root+"/old", root+"/other")); syncFolder(t, root) },
			map[string]string{"other": "before"},
		},
		"a removal without it is lost": {
			func(t *testing.T, root string) { must(t, os.Remove(root+"/old")) }, map[string]string{"old": "before"},
		},
		"a removal with it stays": {
			func(t *testing.T, root string) { must(t, os.Remove(root+"/old")); syncFolder(t, root) },
			map[string]string{},
		},
		"a folder is a name in its parent": {
			func(t *testing.T, root string) {
				must(t, os.Mkdir(root+"/sub", 0o700))
				put(t, root+"/sub/new", "x", true)
				syncFolder(t, root+"/sub")
			}, map[string]string{"old": "before"},
		},
		"a folder and its file stay": {
			func(t *testing.T, root string) {
				must(t, os.Mkdir(root+"/sub", 0o700))
				put(t, root+"/sub/new", "x", true)
				syncFolder(t, root+"/sub")
				syncFolder(t, root)
			}, map[string]string{"old": "before", "sub/": "", "sub/new": "x"},
		},
		"a truncation without fsync is lost": {
			func(t *testing.T, root string) { must(t, os.Truncate(root+"/old", 2)) },
			map[string]string{"old": "before"},
		},
		"shared memory does not stay": {
			func(t *testing.T, root string) { put(t, root+"/x-shm", "x", true); syncFolder(t, root) },
			map[string]string{"old": "before"},
		},
		"a write to a file opened with O_SYNC stays": {
			func(t *testing.T, root string) {
				f, err := os.OpenFile(root+"/old", os.O_WRONLY|os.O_SYNC, 0)
				must(t, err)
				_, err = f.WriteAt([]byte("NEW"), 0)
				must(t, errors.Join(err, f.Close()))
			}, map[string]string{"old": "NEWore"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			source := t.TempDir()
			put(t, source+"/old", "before", false)
			d := Mount(t, source)
			c.do(t, d.Path)
			d.Cut()
			wantFiles(t, image(t, d, Fate{}), c.want)
		})
	}
}

func wantFiles(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, content := range want {
		if have, ok := got[name]; !ok || have != content {
			t.Errorf("%s has %q (found: %t), want %q", name, have, ok, content)
		}
	}
	if len(got) != len(want) {
		t.Errorf("left are %v, want %v", got, want)
	}
}

func TestAllOfItIsSeen(t *testing.T) {
	d := Mount(t, "")
	big := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	must(t, os.WriteFile(d.Path+"/big", big, 0o600))
	must(t, os.Mkdir(d.Path+"/sub", 0o700))
	must(t, os.Rename(d.Path+"/big", d.Path+"/sub/moved"))
	got, err := os.ReadFile(d.Path + "/sub/moved")
	if err != nil || !bytes.Equal(got, big) {
		t.Errorf("read %d bytes, error %v", len(got), err)
	}
	if entries, err := os.ReadDir(d.Path); err != nil || len(entries) != 1 || entries[0].Name() != "sub" {
		t.Errorf("the folder has %v, error %v", entries, err)
	}
	if err := os.Remove(d.Path + "/sub"); !errors.Is(err, syscall.ENOTEMPTY) {
		t.Errorf("removing a folder that is not empty: %v", err)
	}
	wantFiles(t, image(t, d, Fate{Chance: 1}), map[string]string{"sub/": "", "sub/moved": string(big)})
}

func TestAfterTheCutAllFails(t *testing.T) {
	d := Mount(t, "")
	f, err := os.Create(d.Path + "/f")
	must(t, err)
	d.CutAfter(2)
	_, err = f.WriteString("one")
	must(t, err)
	_, second := f.WriteString("two")
	_, third := f.WriteString("three")
	_, created := os.Create(d.Path + "/g")
	for i, err := range []error{second, third, f.Sync(), created, os.Remove(d.Path + "/f")} {
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("operation %d after the cut: %v, want EIO", i, err)
		}
	}
	<-d.Lost()
	_ = f.Close()
	wantFiles(t, image(t, d, Fate{Chance: 1}), map[string]string{"f": "one"})
}

// TestTorn wants every sector of an unsynced write to be old or new, and in
// some fate a write that is neither; and what was synced to stay in all.
func TestTorn(t *testing.T) {
	source := t.TempDir()
	put(t, source+"/f", string(bytes.Repeat([]byte{'a'}, 4*sector)), false)
	d := Mount(t, source)
	put(t, d.Path+"/f", string(bytes.Repeat([]byte{'b'}, sector)), true)
	f, err := os.OpenFile(d.Path+"/f", os.O_RDWR, 0)
	must(t, err)
	_, err = f.WriteAt(bytes.Repeat([]byte{'c'}, 3*sector), sector)
	must(t, errors.Join(err, f.Close()))
	d.Cut()
	seen := map[string]bool{}
	for seed := range uint64(64) {
		content := image(t, d, Fate{Seed: seed, Chance: 0.5})["f"]
		shape := ""
		for at := 0; at < len(content); at += sector {
			piece := content[at : at+sector]
			if piece != string(bytes.Repeat([]byte{piece[0]}, sector)) {
				t.Fatalf("seed %d: a sector is torn", seed)
			}
			shape += piece[:1]
		}
		seen[shape] = true
	}
	for shape := range seen {
		if len(shape) != 4 || shape[0] != 'b' {
			t.Errorf("left is %s", shape)
		}
	}
	if len(seen) != 8 {
		t.Errorf("%d of 8 outcomes seen: %v", len(seen), seen)
	}
}

func TestFatesOfNames(t *testing.T) {
	source := t.TempDir()
	put(t, source+"/a", "1", false)
	d := Mount(t, source)
	must(t, os.Rename(d.Path+"/a", d.Path+"/b"))
	put(t, d.Path+"/c", "", false)
	d.Cut()
	seen := map[string]bool{}
	for seed := range uint64(64) {
		shape := ""
		files := image(t, d, Fate{Seed: seed, Chance: 0.5})
		for _, name := range []string{"a", "b", "c"} {
			if _, ok := files[name]; ok {
				shape += name
			}
		}
		seen[shape] = true
	}
	for _, shape := range []string{"a", "b", "ac", "bc"} {
		if !seen[shape] {
			t.Errorf("never left: %s", shape)
		}
	}
	if len(seen) != 4 {
		t.Errorf("a rename is not one step: %v", seen)
	}
}

func TestSyncsAreCounted(t *testing.T) {
	d := Mount(t, "")
	for range 3 {
		put(t, d.Path+"/f", "x", true)
	}
	syncFolder(t, d.Path)
	put(t, d.Path+"/g", "x", false)
	if f, root, g := d.Syncs("f"), d.Syncs(""), d.Syncs("g"); f != 3 || root != 1 || g != 0 {
		t.Errorf("syncs of f, the folder and g: %d, %d, %d; want 3, 1, 0", f, root, g)
	}
	if n := d.Changes(); n != 2+4+3+1 { // files, writes, fsyncs of f, of the folder
		t.Errorf("%d changes, want 10", n)
	}
}

func TestAnFsyncThatTheCutMeetsFails(t *testing.T) {
	d := Mount(t, "")
	f, err := os.Create(d.Path + "/f")
	must(t, err)
	syncFolder(t, d.Path)
	_, err = f.WriteString("x")
	must(t, err)
	asked := make(chan string, 2)
	d.BeforeSync(func(path string) error {
		asked <- path
		if len(asked) == 1 {
			return errors.New("not this one")
		}
		d.Cut()
		return nil
	})
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("fsync that was refused: %v, want EIO", err)
	}
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("fsync: %v, want EIO", err)
	}
	_ = f.Close()
	if first, second := <-asked, <-asked; first != "f" || second != "f" || d.Syncs("f") != 0 {
		t.Errorf("asked before an fsync of %q and %q, %d syncs", first, second, d.Syncs("f"))
	}
	wantFiles(t, image(t, d, Fate{}), map[string]string{"f": ""})
}

func TestChildrenDoNotHoldTheDisk(t *testing.T) {
	Mount(t, "")
	out, err := exec.CommandContext(t.Context(), "ls", "-l", "/proc/self/fd").CombinedOutput()
	must(t, err)
	if bytes.Contains(out, []byte("/dev/fuse")) {
		t.Errorf("a child process has the device open:\n%s", out)
	}
}
