package e2e

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFilesAreForTheirOwnerOnly: whatever the umask, each file that a server
// makes has mode 0600 and each folder 0700, while it runs, after a crash and
// after a rotation of its key.
func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "data")
	tg := newTarget(t)
	env := cleanEnv("LOG_DIR="+filepath.Join(dir, "logs"), "DB_PATH="+filepath.Join(dir, "jobs.db"))
	// The umask is set by a shell: that of this process is every test's.
	open := []string{"-c", `umask 0 && exec "$0" "$@"`, binary}
	start := func() *process {
		return startWith(t, "/bin/sh", "belfry is running", "address", env, append(open, "serve")...)
	}
	p := start()
	p.importJobs(everySecond(1, tg.url+"/ok"))
	eventually(t, "something was fired and recorded", func() bool { return len(tg.entries(t)) >= 2 })
	seen := map[string]bool{}
	wantModes(t, filepath.Dir(dir), seen)
	p.kill()
	wantModes(t, filepath.Dir(dir), seen)
	p = start()
	p.terminate()
	rotate := exec.Command("/bin/sh", append(open, "keys", "rotate-encryption")...)
	rotate.Env, rotate.Dir = env, t.TempDir()
	if out, err := rotate.CombinedOutput(); err != nil {
		t.Errorf("rotation: %v %s", err, out)
	}
	wantModes(t, filepath.Dir(dir), seen)
	for _, name := range []string{"jobs.db", "jobs.db-wal", "jobs.db.lock", "encryption.key", "history", "logs",
		"combined.log", "error.log"} {
		if !seen[name] {
			t.Errorf("%s was not looked at: %v", name, seen)
		}
	}
}

// wantModes checks a folder and all below it.
func wantModes(t *testing.T, root string, seen map[string]bool) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		seen[d.Name()] = true
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %04o, want %04o", path, got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// maxExposure is what `systemd-analyze security` may say of the unit at most,
// times ten: 1.1 with systemd 252, of which 1.0 is for the network it needs.
const maxExposure = "15"

// TestServiceUnit lets systemd judge the units, where there is systemd.
func TestServiceUnit(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("there is no systemd-analyze here")
	}
	for file, unit := range map[string]string{
		"belfry.service": "belfry.service", "belfry@.service": "belfry@3000.service",
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			checkUnit(t, filepath.Join("..", "deploy", file), filepath.Join(t.TempDir(), unit))
		})
	}
}

// checkUnit has the unit of a file judged under the name that it has where it is installed.
func checkUnit(t *testing.T, file, unit string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const installed = "ExecStart=/usr/local/bin/belfry "
	if bytes.Count(text, []byte(installed)) != 1 {
		t.Fatalf("the unit does not start %q", installed)
	}
	text = bytes.Replace(text, []byte(installed), []byte("ExecStart="+binary+" "), 1)
	if err := os.WriteFile(unit, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("systemd-analyze", "verify", unit).CombinedOutput()
	if err != nil || strings.Contains(string(out), unit) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	out, err = exec.Command("systemd-analyze", "security", "--offline=true", "--threshold="+maxExposure,
		unit).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, tail(string(out), 400))
	}
}
