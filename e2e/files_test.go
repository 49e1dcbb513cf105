package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// storeDetail returns what the health says of the store; "" when all is well.
func (p *process) storeDetail() string {
	_, health := ask(p.t, "GET", p.url+"/observability/health", "", "")
	checks, _ := health["checks"].(map[string]any)
	check, _ := checks["store"].(map[string]any)
	detail, _ := check["detail"].(string)
	return detail
}

func (p *process) ready() bool {
	status, _ := ask(p.t, "GET", p.url+"/readyz", "", "")
	return status == http.StatusOK
}

// tryCreate asks for a job and returns the status.
func (p *process) tryCreate(name, url string) int {
	status, _ := ask(p.t, "POST", p.url+"/jobs", "application/json",
		fmt.Sprintf(`{"schedule":"0 0 0 1 1 *","api":%q,"type":"ATLEAST_ONCE","name":%q}`, url, name))
	return status
}

// jobNames returns the names of all jobs.
func (p *process) jobNames() string {
	p.t.Helper()
	status, list := ask(p.t, "GET", p.url+"/jobs", "", "")
	if status != http.StatusOK {
		p.t.Fatalf("GET /jobs: %d", status)
	}
	return fmt.Sprint(list["jobs"])
}

// loaded returns a server on a folder of data with jobs that fire every second.
func loaded(t *testing.T, jobs int) (p *process, tg *target, dir string) {
	t.Helper()
	tg = newTarget(t)
	dir = filepath.Join(t.TempDir(), "data")
	p = serve(t, dir, "BELFRY_SHUTDOWN_GRACE=5s")
	p.importJobs(everySecond(jobs, tg.url+"/status/200"))
	eventually(t, "calls arrive", func() bool { return len(tg.entries(t)) > jobs })
	return p, tg, dir
}

// wantSilence checks that a server that has said what is gone sends nothing.
func wantSilence(t *testing.T, p *process, tg *target) {
	t.Helper()
	pass(time.Now().UnixMilli() + 300)
	eventually(t, "calls that were under way when it was found out have ended",
		func() bool { return p.metric("belfry_in_flight") == 0 })
	began := time.Now().UnixMilli()
	pass(began + 2_500)
	if n := len(tg.since(t, began)); n > 0 {
		t.Errorf("%d calls while files are gone", n)
	}
	if p.ready() {
		t.Error("it says that it is ready")
	}
}

// The folder of data is removed under a server: no job is taken from then on,
// nothing is sent, and the health says what is gone and what to do. It stops in
// time, and starts anew.
func TestDataRemovedWhileServing(t *testing.T) {
	t.Parallel()
	p, tg, dir := loaded(t, 20)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if status := p.tryCreate("too late", tg.url); status != http.StatusServiceUnavailable {
		t.Errorf("a job after the data is gone: %d, want 503", status)
	}
	within(t, 5*time.Second, "the health names the folder", func() bool {
		detail := p.storeDetail()
		return strings.Contains(detail, dir+" is gone") && strings.Contains(detail, "restore a backup")
	})
	wantSilence(t, p, tg)
	began := time.Now()
	if code := p.terminate(); code == 0 {
		t.Error("exit code 0, although results could not be recorded")
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("the stop took %s", took)
	}
	if remaining, err := os.ReadDir(dir); err == nil {
		t.Errorf("the server has made %v", remaining)
	}
	p = serve(t, dir)
	if !strings.Contains(p.log(), "there was no database") {
		t.Error("nothing is said of the new database")
	}
	if status := p.tryCreate("anew", tg.url); status != http.StatusCreated ||
		strings.Contains(p.jobNames(), "too late") {
		t.Errorf("a job in a new database: %d; jobs %s", status, p.jobNames())
	}
}

// The folder is moved away and back: the server continues by itself, and each fire
// went out once.
func TestDataMovedAwayAndBack(t *testing.T) {
	t.Parallel()
	p, tg, dir := loaded(t, 20)
	from := (time.Now().UnixMilli()/1000 + 1) * 1000
	pass(from + 1_500)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if status := p.tryCreate("in between", tg.url); status != http.StatusServiceUnavailable {
		t.Errorf("a job while the data is away: %d, want 503", status)
	}
	within(t, 5*time.Second, "the health names the folder",
		func() bool { return strings.Contains(p.storeDetail(), dir+" is gone") })
	wantSilence(t, p, tg)
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	within(t, 10*time.Second, "all is well again", p.ready)
	until := time.Now().UnixMilli() / 1000 * 1000
	type fire struct {
		job string
		at  int64
	}
	times := make(map[fire]int)
	count := func() (n int) {
		clear(times)
		for _, e := range tg.entries(t) {
			if e.ScheduledAt >= from && e.ScheduledAt < until {
				times[fire{e.JobID.String(), e.ScheduledAt}]++
			}
		}
		return len(times)
	}
	want := 20 * int((until-from)/1000)
	within(t, 20*time.Second, fmt.Sprintf("all %d fires went out", want), func() bool { return count() == want })
	for f, n := range times {
		if n != 1 {
			t.Errorf("the fire of job %s at %d was sent %d times", f.job, f.at, n)
		}
	}
	if status := p.tryCreate("afterwards", tg.url); status != http.StatusCreated {
		t.Errorf("a job afterwards: %d", status)
	}
	p.kill()
	if names := serve(t, dir).jobNames(); !strings.Contains(names, "afterwards") {
		t.Errorf("jobs after a kill: %s", names)
	}
}

// The log of the database is removed: what it holds is put back, and a kill
// loses nothing that was acknowledged before or after.
func TestLogRemovedWhileServing(t *testing.T) {
	t.Parallel()
	p, tg, dir := loaded(t, 5)
	if status := p.tryCreate("before", tg.url); status != http.StatusCreated {
		t.Fatalf("create: %d", status)
	}
	logs, err := filepath.Glob(filepath.Join(dir, "history", "*-wal"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("logs of the history: %v, %v", logs, err)
	}
	for _, path := range append(logs, filepath.Join(dir, "jobs.db-wal")) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	within(t, 10*time.Second, "the logs are put back", func() bool {
		return strings.Count(p.log(), "what it held is put back") == 1+len(logs) && p.ready()
	})
	var status int
	within(t, 5*time.Second, "a job is taken", func() bool {
		status = p.tryCreate("after", tg.url)
		return status == http.StatusCreated
	})
	p.kill()
	names := serve(t, dir).jobNames()
	for _, name := range []string{"before", "after"} {
		if !strings.Contains(names, name) {
			t.Errorf("job %q is lost: %s", name, names)
		}
	}
}

// A file of the history that is removed stops the server; a lock file that is
// removed is taken again.
func TestHistoryRemovedWhileServing(t *testing.T) {
	t.Parallel()
	p, tg, dir := loaded(t, 5)
	if err := os.Remove(filepath.Join(dir, "jobs.db.lock")); err != nil {
		t.Fatal(err)
	}
	within(t, 5*time.Second, "the lock is taken again",
		func() bool { return strings.Contains(p.log(), "was created again") })
	if code, stderr := run(t, cleanEnv("DB_PATH="+filepath.Join(dir, "jobs.db")), "serve"); code != 1 ||
		!strings.Contains(stderr, fmt.Sprint("process ", p.cmd.Process.Pid)) {
		t.Errorf("a second server: exit code %d\n%s", code, stderr)
	}
	days, err := filepath.Glob(filepath.Join(dir, "history", "*.db"))
	if err != nil || len(days) == 0 {
		t.Fatalf("history files: %v, %v", days, err)
	}
	if err := os.Remove(days[len(days)-1]); err != nil {
		t.Fatal(err)
	}
	within(t, 5*time.Second, "the health names the file", func() bool {
		return strings.Contains(p.storeDetail(), days[len(days)-1]+" is gone")
	})
	wantSilence(t, p, tg)
}

// A database that is reached by links has one lock and one history, beside the
// real file. A second server is refused by whatever name it comes, also while the
// lock file is missing.
func TestLinkedDatabase(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	data, link := filepath.Join(root, "data"), filepath.Join(root, "links", "belfry.db")
	for _, err := range []error{
		os.MkdirAll(data, 0o700), os.MkdirAll(filepath.Dir(link), 0o700),
		os.Symlink(filepath.Join(data, "jobs.db"), link), os.Symlink(data, filepath.Join(root, "folder")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	p := startWith(t, binary, "belfry is running", "address", cleanEnv("DB_PATH="+link), "serve")
	refused := func(path, want string) {
		t.Helper()
		if code, stderr := run(t, cleanEnv("DB_PATH="+path), "serve"); code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("a second server at %s: exit code %d, want 1 and %q:\n%s", path, code, want, stderr)
		}
	}
	pid := fmt.Sprint("process ", p.cmd.Process.Pid)
	refused(filepath.Join(data, "jobs.db"), pid)
	refused(filepath.Join(root, "folder", "jobs.db"), pid)
	if runtime.GOOS == "linux" {
		if err := os.Remove(filepath.Join(data, "jobs.db.lock")); err != nil {
			t.Fatal(err)
		}
		refused(filepath.Join(data, "jobs.db"), "is in use by")
	}
	if remaining, err := os.ReadDir(filepath.Dir(link)); err != nil || len(remaining) != 1 {
		t.Errorf("beside the link there is %v, error %v", remaining, err)
	}
	if _, err := os.Stat(filepath.Join(data, "history")); err != nil {
		t.Error(err)
	}
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	hard := filepath.Join(root, "links", "hard.db")
	if err := os.Link(filepath.Join(data, "jobs.db"), hard); err != nil {
		t.Fatal(err)
	}
	refused(hard, "hard links")
}

// With too few open files the server does not start, and one line says what to do.
func TestTooFewOpenFiles(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there is no such limit")
	}
	start := func(limit int) *exec.Cmd {
		args := withoutPrivilege(t, "sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$0" serve`, limit), binary)
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Env = cleanEnv("DB_PATH=" + filepath.Join(t.TempDir(), "jobs.db"))
		return cmd
	}
	out, err := start(256).CombinedOutput()
	want := "belfry: the limit of open files is 256, and Belfry needs 512 to work at all: raise it (ulimit -n"
	if err == nil || !strings.HasPrefix(string(out), want) || strings.Count(string(out), "\n") != 1 {
		t.Errorf("256 files: error %v, want the line %q:\n%s", err, want, out)
	}
	few := start(512)
	log := new(lockedBuffer)
	few.Stderr = log
	if err := few.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it runs with 512 files", func() bool { return strings.Contains(log.String(), "belfry is running") })
	if !strings.Contains(log.String(), `"used":128`) {
		t.Errorf("nothing is said of fewer calls:\n%s", log)
	}
	if err := few.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := few.Wait(); err != nil {
		t.Error(err)
	}
}

// lockedBuffer is a buffer that is read while a process writes to it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// A database that is emptied, or overwritten by a shorter file, keeps its inode:
// the server stops sending all the same, and says so.
func TestDatabaseOverwrittenWhileServing(t *testing.T) {
	t.Parallel()
	for name, overwrite := range map[string]func(path string, size int64) error{
		"emptied": func(path string, _ int64) error { return os.Truncate(path, 0) },
		"a shorter file": func(path string, size int64) error {
			return os.WriteFile(path, make([]byte, size-4096), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, tg, dir := loaded(t, 5)
			if code := p.terminate(); code != 0 { // all that is in the log goes into the file
				t.Fatalf("exit code %d", code)
			}
			p = serve(t, dir)
			path := filepath.Join(dir, "jobs.db")
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := overwrite(path, info.Size()); err != nil {
				t.Fatal(err)
			}
			within(t, 30*time.Second, "the health names the file", func() bool {
				return strings.Contains(p.storeDetail(), path+" was cut off or overwritten")
			})
			if status := p.tryCreate("too late", tg.url); status != http.StatusServiceUnavailable {
				t.Errorf("a job afterwards: %d, want 503", status)
			}
			wantSilence(t, p, tg)
		})
	}
}
