package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/receiver"
)

// maxWait is how long a test waits for what should take seconds: tests share
// the machine.
const maxWait = 60 * time.Second

var (
	binary  string
	failing string // the binary with failpoints, see buildFailing
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "belfry-e2e-")
	if err != nil {
		panic(err)
	}
	binary, failing = filepath.Join(dir, "belfry"), filepath.Join(dir, "belfry-failpoint")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, "../cmd/belfry") // make build compiles alike
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the binary: %v\n%s", err, out)
		os.Exit(1)
	}
	if signal.Ignored(syscall.SIGHUP) { // by nohup; a server inherits what is ignored, but not what is caught
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// process is a running belfry.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string
	api  *client.Client
	exit chan error

	mu     sync.Mutex
	stderr bytes.Buffer
}

// cleanEnv is the environment without settings of Belfry.
func cleanEnv(extra ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "APP_ENV=production", "PORT=0"},
		extra...)
}

// serve starts a server on a free port and waits until it says where.
func serve(t *testing.T, dir string, env ...string) *process {
	t.Helper()
	return serveWith(t, binary, dir, env...)
}

// serveWith is serve with another binary.
func serveWith(t *testing.T, binary, dir string, env ...string) *process {
	t.Helper()
	return startWith(t, binary, "belfry is running", "address",
		cleanEnv(append(env, "DB_PATH="+filepath.Join(dir, "jobs.db"))...), "serve")
}

// startWith runs a binary and waits for the JSON log line with the message; the
// attribute of it is the URL.
func startWith(t *testing.T, binary, message, attr string, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(binary, args...), exit: make(chan error, 1)}
	p.cmd.Env, p.cmd.Dir = env, t.TempDir()
	out, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	urls := make(chan string, 1)
	go p.follow(out, message, attr, urls)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exit
		if t.Failed() {
			t.Logf("stderr of %v:\n%s", args, tail(p.log(), 4000))
		}
	})
	select {
	case p.url = <-urls:
	case err := <-p.exit:
		t.Fatalf("belfry %v ended: %v\n%s", args, err, p.log())
	case <-time.After(maxWait):
		t.Fatalf("belfry %v does not start", args)
	}
	p.api, err = client.New(p.url, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.api.Close)
	return p
}

func (p *process) follow(out io.Reader, message, attr string, urls chan<- string) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.mu.Lock()
		p.stderr.Write(lines.Bytes())
		p.stderr.WriteByte('\n')
		p.mu.Unlock()
		var line map[string]any
		if json.Unmarshal(lines.Bytes(), &line) == nil && line["msg"] == message {
			if url, ok := line[attr].(string); ok {
				urls <- url
			}
		}
	}
	p.exit <- p.cmd.Wait()
	close(p.exit)
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// kill ends the process as a power cut would, and waits until it is gone.
func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	<-p.exit
}

// terminate sends SIGTERM and returns the exit code.
func (p *process) terminate() int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.exit:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(maxWait):
		p.t.Fatal("the server does not stop on SIGTERM")
		return -1
	}
}

// target is a receiver with a log, in the test's process.
type target struct {
	url string
	log string

	mu     sync.Mutex
	cancel context.CancelFunc // nil: it does not run
	done   chan error
	t      *testing.T
}

func newTarget(t *testing.T) *target {
	t.Helper()
	tg := &target{log: filepath.Join(t.TempDir(), "received.log"), t: t}
	tg.resume(t)
	t.Cleanup(tg.stop)
	return tg
}

// resume starts the receiver, after stop at the address that it had.
func (tg *target) resume(t *testing.T) {
	t.Helper()
	addr := strings.TrimPrefix(tg.url, "http://")
	if addr == "" {
		addr = freePort(t)
	}
	r, err := receiver.New(receiver.Config{Addr: addr, LogPath: tg.log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	tg.mu.Lock()
	defer tg.mu.Unlock()
	tg.url, tg.cancel, tg.done = "http://"+r.Addr(), cancel, done
}

// stop ends the receiver: what waits is answered, the log is complete.
func (tg *target) stop() {
	tg.mu.Lock()
	defer tg.mu.Unlock()
	if tg.cancel == nil {
		return
	}
	tg.cancel()
	tg.cancel = nil
	if err := <-tg.done; err != nil {
		tg.t.Errorf("receiver: %v", err)
	}
}

// entries reads what was received so far.
func (tg *target) entries(t *testing.T) []receiver.Entry {
	t.Helper()
	var out []receiver.Entry
	for e, err := range receiver.ReadLog(tg.log) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// since reads what was received so far, from an instant on. It goes by the time of
// receipt: entries come to the log with a delay, so what follows the entries read
// before may have been received before.
func (tg *target) since(t *testing.T, at int64) []receiver.Entry {
	t.Helper()
	return slices.DeleteFunc(tg.entries(t), func(e receiver.Entry) bool { return e.ReceivedAt < at })
}

// eventually asks until the condition holds.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	within(t, maxWait, what, cond)
}

// within asks until the condition holds, for no longer than the time given. Of the time
// from one question to the next only lookAgain and as much again counts: what is longer is
// a stall of the machine, on which the server stalls as well.
func within(t *testing.T, d time.Duration, what string, cond func() bool) {
	t.Helper()
	const lookAgain = 50 * time.Millisecond
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	begun := time.Now()
	for last, counted := begun, time.Duration(0); !cond(); <-tick.C {
		now := time.Now()
		counted += min(now.Sub(last), 2*lookAgain)
		last = now
		if took := now.Sub(begun); counted > d || took > max(d, maxWait) {
			t.Fatalf("waited %s in vain: %s", took, what)
		}
	}
}

// pass waits until the wall clock has reached the instant (Unix milliseconds).
func pass(instant int64) { <-time.After(time.Until(time.UnixMilli(instant))) }

// ask makes a request and returns the status and the decoded body.
func ask(t *testing.T, method, url, contentType, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return res.StatusCode, out
}

// everySecond returns n specs of every-second jobs as NDJSON.
func everySecond(n int, api string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"schedule":"* * * * * *","api":%q,"type":"ATLEAST_ONCE","name":"load %d"}`+"\n", api, i)
	}
	return b.String()
}

// importJobs imports NDJSON and returns the ids.
func (p *process) importJobs(ndjson string) []string {
	p.t.Helper()
	report, err := p.api.Jobs.Import(p.t.Context(), client.Lines, strings.NewReader(ndjson))
	if err != nil {
		p.t.Fatal(err)
	}
	ids := make([]string, 0, len(report.Results))
	for _, r := range report.Results {
		if r.Error != nil {
			p.t.Fatalf("item %d: %v", r.Index, r.Error)
		}
		ids = append(ids, r.JobID)
	}
	return ids
}

// run runs the binary to its end and returns its exit code and stderr.
func run(t *testing.T, env []string, args ...string) (code int, stderr string) {
	t.Helper()
	code, _, stderr = runAll(t, env, args...)
	return code, stderr
}

// runOut is run for what is printed to stdout.
func runOut(t *testing.T, env []string, args ...string) (code int, stdout string) {
	t.Helper()
	code, stdout, _ = runAll(t, env, args...)
	return code, stdout
}

// belfry returns a command of the binary, in a folder of its own.
func belfry(ctx context.Context, t *testing.T, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env, cmd.Dir = env, t.TempDir()
	return cmd
}

func runAll(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), maxWait)
	defer cancel()
	cmd := belfry(ctx, t, env, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}
