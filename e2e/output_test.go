package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// serveInto starts a server whose stderr is the file, and waits until it is
// ready. Nobody else keeps the file open for writing.
func serveInto(t *testing.T, stderr *os.File, binary, dir string, env ...string) *process {
	t.Helper()
	addr := freePort(t)
	env = append([]string{"PORT=" + strings.TrimPrefix(addr, "127.0.0.1:")}, env...)
	for _, setting := range env {
		if port, ok := strings.CutPrefix(setting, "PORT="); ok {
			addr = "127.0.0.1:" + port
		}
	}
	env = append(env, "DB_PATH="+filepath.Join(dir, "jobs.db"))
	p := &process{t: t, url: "http://" + addr, cmd: exec.Command(binary, "serve"), exit: make(chan error, 1)}
	p.cmd.Env, p.cmd.Dir, p.cmd.Stderr = cleanEnv(env...), t.TempDir(), stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = stderr.Close()
	go func() {
		p.exit <- p.cmd.Wait()
		close(p.exit)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exit
	})
	api, err := client.New(p.url, "")
	if err != nil {
		t.Fatal(err)
	}
	p.api = api
	t.Cleanup(api.Close)
	p.waitReady()
	return p
}

func (p *process) waitReady() {
	p.t.Helper()
	eventually(p.t, "the server is ready", func() bool {
		r, err := p.api.Ready(context.Background())
		return err == nil && r.Ready()
	})
}

// fullPipe returns a pipe that holds as much as it can.
func fullPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	if err := w.SetWriteDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	for chunk := make([]byte, 4096); ; {
		if _, err := w.Write(chunk); errors.Is(err, os.ErrDeadlineExceeded) {
			return r, w
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// recorded returns how many executions have ended.
func (p *process) recorded() int64 {
	p.t.Helper()
	m, err := p.api.Metrics(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	return m.Executions.Total
}

// failingJobs is how many jobs log a line for each fire.
const failingJobs = 40

// A reader of the log that stops reading holds up nothing: executions are
// recorded, the server is ready, it stops in good order, and no fire goes out twice.
func TestLogReaderThatStopsReading(t *testing.T) {
	t.Parallel()
	target, dir := newTarget(t), t.TempDir()
	_, w := fullPipe(t)
	p := serveInto(t, w, binary, dir, "BELFRY_SHUTDOWN_GRACE=5s")
	p.importJobs(everySecond(failingJobs, target.url+"/status/404"))
	eventually(t, "results are recorded while the log is stuck", func() bool { return p.recorded() >= 5*failingJobs })
	p.waitReady()
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0", code)
	}
	again := serve(t, dir)
	before := again.recorded()
	eventually(t, "the next server goes on", func() bool { return again.recorded() > before+failingJobs })
	again.terminate()
	target.stop()
	for id, seconds := range firesOf(target.entries(t)) {
		for at, got := range seconds {
			if len(got) > 1 {
				t.Errorf("job %s: the fire of %d went out %d times", id, at, len(got))
			}
		}
	}
}

// A reader of the log that goes away ends nothing, and health warns of it.
func TestLogReaderThatGoesAway(t *testing.T) {
	t.Parallel()
	target, dir := newTarget(t), t.TempDir()
	r, w := fullPipe(t)
	p := serveInto(t, w, binary, dir)
	_ = r.Close()
	p.importJobs(everySecond(failingJobs, target.url+"/status/404"))
	eventually(t, "results are recorded without a reader of the log",
		func() bool { return p.recorded() >= 3*failingJobs })
	h, err := p.api.Health(t.Context())
	if err != nil || !h.Healthy() || !strings.Contains(h.Checks["log"].Warning, "stderr: broken pipe") {
		t.Errorf("health %+v, error %v: want a warning of a broken pipe", h, err)
	}
	for _, s := range []syscall.Signal{syscall.SIGPIPE, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM,
		syscall.SIGHUP} {
		if err := p.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	before := p.recorded()
	eventually(t, "results are recorded after the signals", func() bool { return p.recorded() > before+failingJobs })
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0", code)
	}
}

// Log files that are moved away are reopened: at SIGHUP at once, and with the
// next line where nobody says anything.
func TestLogFilesThatAreMovedAway(t *testing.T) {
	t.Parallel()
	dir, logs := t.TempDir(), filepath.Join(t.TempDir(), "logs")
	p := serve(t, dir, "LOG_DIR="+logs)
	combined := filepath.Join(logs, "combined.log")
	if err := os.Rename(combined, combined+".1"); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	holds := func(what string) func() bool {
		return func() bool {
			text, err := os.ReadFile(combined)
			return err == nil && strings.Contains(string(text), what)
		}
	}
	eventually(t, "the log file is opened anew after SIGHUP", holds("log files were reopened"))
	if err := os.RemoveAll(logs); err != nil {
		t.Fatal(err)
	}
	target := newTarget(t)
	p.importJobs(everySecond(1, target.url+"/status/404"))
	eventually(t, "the log folder is made again", holds("execution failed"))
}

// stopBound is what a stop with a grace of 1 s may take: 5 s more, and as much again
// for a busy machine.
const stopBound = 12 * time.Second

// A commit that does not return stops the sending within the horizon, health
// says so, and the stop is cut off when its time is up. The next server makes up for it.
func TestCommitThatHangs(t *testing.T) {
	t.Parallel()
	needFailing(t)
	target, dir := newTarget(t), t.TempDir()
	p := serveWith(t, failing, dir, "BELFRY_SHUTDOWN_GRACE=1s", "BELFRY_FAILPOINT=engine.recorded=stall:10m@20")
	p.importJobs(everySecond(3, target.url+"/ok"))
	eventually(t, "readiness tells that nothing is recorded", func() bool {
		r, err := p.api.Ready(context.Background())
		return err == nil && !r.Ready()
	})
	h, err := p.api.Health(t.Context())
	if err != nil || !strings.Contains(h.Checks["store"].Detail, "nothing has been recorded for") {
		t.Errorf("health %+v, error %v", h, err)
	}
	pass(time.Now().UnixMilli() + 3000) // the horizon
	silent := time.Now().UnixMilli()
	pass(silent + 2000)
	if n := len(target.since(t, silent)); n > 0 {
		t.Errorf("%d calls were sent although nothing is recorded", n)
	}
	began := time.Now()
	if code := p.terminate(); code != 1 {
		t.Errorf("exit code %d of a stop that hangs, want 1", code)
	}
	if took := time.Since(began); took > stopBound {
		t.Errorf("the stop took %s: the grace is 1 s, and 5 s more are the bound", took)
	}
	again := serve(t, dir)
	again.waitReady()
	eventually(t, "fires go out again", func() bool { return len(target.since(t, silent)) > 0 })
}

// A log folder without room loses lines, and nothing else: executions are
// recorded, and health and a metric tell what was lost.
func TestLogFolderWithoutRoom(t *testing.T) {
	t.Parallel()
	full := "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip("this system has no device that is always full")
	}
	target, logs := newTarget(t), t.TempDir()
	for _, name := range []string{"combined.log", "error.log"} {
		if err := os.Symlink(full, filepath.Join(logs, name)); err != nil {
			t.Fatal(err)
		}
	}
	p := serve(t, t.TempDir(), "LOG_DIR="+logs)
	p.importJobs(everySecond(failingJobs, target.url+"/status/404"))
	eventually(t, "results are recorded", func() bool { return p.recorded() >= 2*failingJobs })
	h, err := p.api.Health(t.Context())
	if err != nil || !h.Healthy() || !strings.Contains(h.Checks["log"].Warning, "no space left on device") {
		t.Errorf("health %+v, error %v: want a warning", h, err)
	}
	if lost := p.metric(`belfry_log_lines_dropped_total{output="combined.log"}`); lost < failingJobs {
		t.Errorf("%v lines are counted as lost, want %d or more", lost, failingJobs)
	}
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0", code)
	}
}

// A named pipe in the place of a file would keep the start waiting for the other
// end: as a log file it is refused, and a start that hangs ends at SIGTERM.
func TestStartThatHangs(t *testing.T) {
	t.Parallel()
	start := func(dir string) *exec.Cmd {
		cmd := exec.Command(binary, "serve", "--port", strings.TrimPrefix(freePort(t), "127.0.0.1:"),
			"--db-path", filepath.Join(dir, "jobs.db"), "--log-dir", filepath.Join(dir, "logs"))
		cmd.Env, cmd.Dir = cleanEnv("BELFRY_SHUTDOWN_GRACE=1s"), dir
		return cmd
	}
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "logs"), 0o700),
		syscall.Mkfifo(filepath.Join(dir, "logs", "error.log"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if out, err := start(dir).CombinedOutput(); err == nil ||
		!strings.Contains(string(out), "error.log: is a named pipe") {
		t.Errorf("a named pipe as a log file: %v\n%s", err, out)
	}

	dir = t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "jobs.db.lock"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := start(dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	eventually(t, "the start has begun", func() bool {
		_, err := os.Stat(filepath.Join(dir, "logs", "combined.log"))
		return err == nil
	})
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-exited:
		if code := cmd.ProcessState.ExitCode(); code != 1 {
			t.Errorf("exit code %d of a start that hangs, want 1", code)
		}
	case <-time.After(stopBound):
		t.Errorf("a start that hangs goes on %s after SIGTERM; its grace is 1 s, and 5 s more are the bound", stopBound)
	}
}

// logStuck runs the server for a while with a log that nobody reads, and kills it.
func (m *torturedServer) logStuck() {
	from := time.Now()
	_, w := fullPipe(m.t)
	m.restartInto(w)
	m.runFor(3 * time.Second)
	m.waitHealthy()
	m.p.kill()
	m.start()
	m.outage(from)
}

// logGone closes the log of a server that runs: nothing ends, nor is anything lost.
func (m *torturedServer) logGone() {
	from := time.Now()
	r, w := fullPipe(m.t)
	m.restartInto(w)
	_ = r.Close()
	m.runFor(3 * time.Second)
	m.waitHealthy()
	if code := m.p.terminate(); code != 0 {
		m.t.Errorf("exit code %d after SIGTERM without a reader of the log", code)
	}
	m.start()
	m.outage(from)
}

// restartInto restarts the server with the file for its stderr.
func (m *torturedServer) restartInto(stderr *os.File) {
	if code := m.p.terminate(); code != 0 {
		m.t.Errorf("exit code %d after SIGTERM", code)
	}
	m.markIdle()
	m.starts = append(m.starts, time.Now().UnixMilli())
	p := serveInto(m.t, stderr, binary, m.dir, append(m.env, "LOG_LEVEL=debug", "DB_VERBOSE=true")...)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.p = p
}
