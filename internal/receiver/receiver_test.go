package receiver

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// the clock of Date headers, which never ends
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// looks for the stop every 10 s
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}

// running is a receiver that runs until stop, or to the end of the test.
type running struct {
	*Receiver
	client *http.Client
	stop   func() error
}

func start(t testing.TB, cfg Config) *running {
	t.Helper()
	cfg.Addr = "127.0.0.1:0"
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	transport := &http.Transport{}
	s := &running{Receiver: r, client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	s.stop = sync.OnceValue(func() error {
		cancel()
		transport.CloseIdleConnections()
		return <-done
	})
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

var testFire = domain.FireKey{JobID: domain.JobID{1, 2, 3}, ScheduledAt: 1_732_000_000_000}

// request makes a request as Belfry makes it.
func (s *running) request(t testing.TB, path string, fire domain.FireKey, attempt int) *http.Request {
	t.Helper()
	req, err := http.NewRequest("POST", "http://"+s.Addr()+path, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Belfry-Job-Id", fire.JobID.String())
	req.Header.Set("Belfry-Execution-Id", fire.ID().String())
	req.Header.Set("Belfry-Scheduled-At", fmt.Sprint(fire.ScheduledAt))
	req.Header.Set("Belfry-Attempt", fmt.Sprint(attempt))
	return req
}

func (s *running) send(t testing.TB, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func (s *running) get(t testing.TB, path string) (status int, body string) {
	t.Helper()
	resp, body := s.send(t, s.request(t, path, testFire, 1))
	return resp.StatusCode, body
}

func TestRoutes(t *testing.T) {
	s := start(t, Config{})
	for path, want := range map[string]struct {
		status int
		body   string // a part of it
	}{
		"/":                 {200, "/flaky?fail=2"},
		"/ok":               {200, "ok"},
		"/ok?x=1":           {200, "ok"},
		"/ok/deeper":        {200, "ok"},
		"/fail":             {500, "failed"},
		"/status/204":       {204, ""},
		"/status/503":       {503, "Service Unavailable"},
		"/status/abc":       {400, "from 200 to 599"},
		"/status/100":       {400, "from 200 to 599"},
		"/status":           {400, "from 200 to 599"},
		"/slow?ms=1":        {200, "late"},
		"/slow":             {400, "ms must be"},
		"/slow?ms=-1":       {400, "ms must be"},
		"/slow?ms=99999999": {400, "ms must be"},
		"/random?p=0":       {200, "luck"},
		"/random?p=1":       {503, "luck"},
		"/random?p=2":       {400, "p must be"},
		"/random?p=NaN":     {400, "p must be"},
		"/flaky?fail=x":     {400, "fail must be"},
		"/redirect":         {302, ""},
		"/echo?a=b":         {200, "POST /echo?a=b HTTP/1.1\r\n"},
		"/nothing":          {404, "/slow?ms=1500"},
	} {
		status, body := s.get(t, path)
		if status != want.status || !strings.Contains(body, want.body) {
			t.Errorf("%s: %d %q, want %d and %q", path, status, body, want.status, want.body)
		}
	}
}

func TestAnswerHeaders(t *testing.T) {
	s := start(t, Config{})
	resp, _ := s.send(t, s.request(t, "/redirect", testFire, 1))
	if got := resp.Header.Get("Location"); !strings.HasSuffix(got, "/ok") {
		t.Errorf("Location %q", got)
	}
	resp, _ = s.send(t, s.request(t, "/status/429?retryAfter=7", testFire, 1))
	if got := resp.Header.Get("Retry-After"); got != "7" {
		t.Errorf("Retry-After %q, want 7", got)
	}
}

func TestFlakyFailsTheFirstAttempts(t *testing.T) {
	s := start(t, Config{})
	for attempt, want := range map[int]int{1: 503, 2: 503, 3: 200, 4: 200} {
		resp, _ := s.send(t, s.request(t, "/flaky?fail=2", testFire, attempt))
		if resp.StatusCode != want {
			t.Errorf("attempt %d: %d, want %d", attempt, resp.StatusCode, want)
		}
	}
}

func TestEchoHasTheBody(t *testing.T) {
	s := start(t, Config{})
	_, body := s.get(t, "/echo")
	if !strings.HasSuffix(body, "\r\n\r\nbody") || !strings.Contains(body, "Belfry-Attempt: 1\r\n") {
		t.Errorf("echo %q", body)
	}
}

func TestDropClosesWithoutAnAnswer(t *testing.T) {
	s := start(t, Config{})
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "POST /drop HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
	if got, err := io.ReadAll(c); err != nil || len(got) > 0 {
		t.Errorf("got %q, %v; want the end of the connection", got, err)
	}
}

func TestTakenPort(t *testing.T) {
	s := start(t, Config{})
	if _, err := New(Config{Addr: s.Addr(), LogPath: filepath.Join(t.TempDir(), "log")}); err == nil {
		t.Error("a taken port was accepted")
	}
}

// Thousands of answers are held back at once, and an ordinary request is
// answered meanwhile. The stop lets all of them go.
func TestSlowAnswersBlockNothing(t *testing.T) {
	const calls = 2000
	s := start(t, Config{})
	conns := make([]net.Conn, calls)
	for i := range conns {
		c, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns[i] = c
		if _, err := io.WriteString(c, "POST /slow?ms=3600000 HTTP/1.1\r\nHost: x\r\nContent-Length: "+
			"0\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	for s.Stats().ByPath["/slow"] < calls {
		if status, _ := s.get(t, "/ok"); status != 200 {
			t.Fatalf("status %d", status)
		}
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	for _, c := range conns {
		if got, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 200 OK\r\n") {
			t.Fatalf("got %q, %v", got, err)
		}
	}
}

func TestStats(t *testing.T) {
	wall := new(clock.Manual)
	s := start(t, Config{Clock: wall})
	fire := testFire
	now := wall.Now().UnixMilli()
	for i := range int64(100) { // 0 ms to 99 s late
		fire.ScheduledAt = now - i*1000
		s.send(t, s.request(t, "/ok", fire, 1))
	}
	s.send(t, s.request(t, "/ok", fire, 1))           // a duplicate
	s.send(t, s.request(t, "/flaky?fail=9", fire, 2)) // a retry
	s.send(t, s.request(t, "/flaky?fail=9", fire, 3)) // and another
	fire.ScheduledAt = now + 3_600_000
	s.send(t, s.request(t, "/nothing", fire, 1)) // early
	plain, err := http.NewRequest("GET", "http://"+s.Addr()+"/ok", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.send(t, plain)
	s.get(t, "/")

	took := float64(wall.Now().UnixMilli() - now) // later ones are late by it too

	_, body := s.send(t, mustGet(t, "http://"+s.Addr()+"/stats"))
	var got Stats
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	late := got.Lateness
	got.Lateness, got.Connections = Lateness{}, Connections{}
	want := Stats{
		Requests: 105, Executions: 101, Retries: 2, Duplicates: 1, Unnamed: 1, Early: 1,
		ByPath: map[string]int64{"/ok": 102, "/flaky": 2, "other": 1},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("stats\n got %+v\nwant %+v", got, want)
	}
	if late.Count != 102 || late.P50 < 48_000 || late.P50 > 51_000+took || late.P99 < 97_000 || late.Max < 99_000 ||
		late.Max > 101_000+took {
		t.Errorf("lateness %+v", late)
	}
}

func mustGet(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// What was answered is in the log when the receiver has stopped, with the
// instants and ids of the request, and a second run appends.
func TestLogRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "receiver.log")
	var want []Entry
	var ended [2]int64 // when the runs were over
	for run := range ended {
		wall := new(clock.Manual)
		wall.Step(time.Duration(run) * time.Hour)
		before := wall.Now().UnixMilli()
		s := start(t, Config{LogPath: path, Clock: wall})
		s.send(t, s.request(t, "/status/503?x=y", testFire, 2))
		s.send(t, mustGet(t, "http://"+s.Addr()+"/a%20b/c"))
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		ended[run] = wall.Now().UnixMilli()
		want = append(want,
			Entry{before, testFire.ScheduledAt, 2, testFire.JobID, testFire.ID(), "/status/503", 503},
			Entry{ReceivedAt: before, Path: "/a%20b/c", Status: 404},
		)
	}
	n := 0
	for got, err := range ReadLog(path) {
		if err != nil {
			t.Fatal(err)
		}
		if from, to := want[n].ReceivedAt, ended[n/2]; got.ReceivedAt < from || got.ReceivedAt > to {
			t.Errorf("entry %d: received at %d, the run was from %d to %d", n, got.ReceivedAt, from, to)
		}
		got.ReceivedAt = want[n].ReceivedAt
		if got != want[n] {
			t.Errorf("entry %d\n got %+v\nwant %+v", n, got, want[n])
		}
		n++
	}
	if n != len(want) {
		t.Errorf("%d entries, want %d", n, len(want))
	}
}

// A line is on disk soon after its request, without a stop.
func TestLogIsFlushed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "receiver.log")
	s := start(t, Config{LogPath: path})
	s.get(t, "/ok")
	deadline := time.Now().Add(10 * time.Second)
	for {
		if data, err := os.ReadFile(path); err == nil && strings.HasSuffix(string(data), " /ok 200\n") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the line did not come")
		}
	}
}

func TestLinesForPeople(t *testing.T) {
	var out strings.Builder
	s := start(t, Config{Out: &out})
	fire := testFire
	fire.ScheduledAt = time.Now().UnixMilli() + 1_000_000_000
	s.send(t, s.request(t, "/fail", fire, 3))
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	got := out.String()
	for _, part := range []string{"  500  POST   /fail  -", " ms  job " + fire.JobID.String() + "  attempt 3\n"} {
		if !strings.Contains(got, part) {
			t.Errorf("line %q misses %q", got, part)
		}
	}
}

// A log that cannot be written is an error of Run, not of the requests.
func TestLogFailureIsReported(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	r, err := New(Config{Addr: "127.0.0.1:0", LogPath: "/dev/full"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	resp, err := http.Get("http://" + r.Addr() + "/ok")
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("%v, %v", resp, err)
	}
	_ = resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("Run: %v, want no space left", err)
	}
}

func TestDropIsLoggedAsNoStatus(t *testing.T) {
	path := filepath.Join(t.TempDir(), "receiver.log")
	s := start(t, Config{LogPath: path})
	if resp, err := s.client.Do(s.request(t, "/drop", testFire, 1)); err == nil {
		t.Errorf("status %d", resp.StatusCode)
		_ = resp.Body.Close()
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	for e, err := range ReadLog(path) {
		if err != nil || e.Path != "/drop" || e.Status != 0 || e.ExecutionID != testFire.ID() {
			t.Errorf("%+v, %v", e, err)
		}
	}
}

// Headers that are not numbers or ids count as absent, and a long path is truncated:
// every request makes a line that can be parsed.
func TestOddRequestsMakeGoodLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "receiver.log")
	s := start(t, Config{LogPath: path})
	for name, values := range map[string][]string{
		"Belfry-Job-Id":       {"x", "{0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b}", strings.Repeat("0", 36)},
		"Belfry-Execution-Id": {"urn:uuid:0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b", "-"},
		"Belfry-Scheduled-At": {"1e9", "99999999999999999999999", " "},
		"Belfry-Attempt":      {"first", "-1 2"},
	} {
		for _, value := range values {
			req := mustGet(t, "http://"+s.Addr()+"/ok")
			req.Header.Set(name, value)
			s.send(t, req)
		}
	}
	s.send(t, mustGet(t, "http://"+s.Addr()+"/"+strings.Repeat("long/", 500)))
	s.send(t, mustGet(t, "http://"+s.Addr()+"//ok"))
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for e, err := range ReadLog(path) {
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Path) > maxPathBytes {
			t.Errorf("path of %d bytes", len(e.Path))
		}
		n++
	}
	if n != 12 {
		t.Errorf("%d lines, want 12", n)
	}
}

// Connections beyond the limit are refused with an answer.
func TestMaxConns(t *testing.T) {
	s := start(t, Config{MaxConns: 1})
	held, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	fmt.Fprint(held, "GET /slow?ms=3600000 HTTP/1.1\r\nHost: x\r\n\r\n")
	for s.Stats().Requests == 0 {
		runtime.Gosched() // until it is being held back
	}
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
	got := make([]byte, len("HTTP/1.1 503"))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "HTTP/1.1 503" {
		t.Errorf("got %q, %v; want 503", got, err)
	}
}

// A header that is too long is refused, and the connection with it.
func TestLongHeaderIsRefused(t *testing.T) {
	s := start(t, Config{})
	req := mustGet(t, "http://"+s.Addr()+"/ok")
	req.Header.Set("X-Long", strings.Repeat("x", 2*readBufferBytes))
	resp, err := s.client.Do(req)
	if err == nil {
		_ = resp.Body.Close()
		if resp.StatusCode != 431 {
			t.Errorf("status %d, want 431", resp.StatusCode)
		}
	}
	if status, _ := s.get(t, "/ok"); status != 200 {
		t.Errorf("status %d afterwards", status)
	}
}

func TestDefaults(t *testing.T) {
	var cfg Config
	cfg.setDefaults()
	if cfg.Addr != "127.0.0.1:4444" || cfg.MaxConns != defaultMaxConns || cfg.Clock == nil {
		t.Errorf("defaults %+v", cfg)
	}
}
