package api

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// serveLimited serves the API with so many connections at most.
func serveLimited(t *testing.T, h http.Handler, limit int, change ...func(*http.Server)) (addr string,
	m *telemetry.Metrics) {
	t.Helper()
	m = telemetry.NewMetrics()
	s, err := NewServer(ServerConfig{Handler: h, Metrics: m, MaxConnections: limit})
	if err != nil {
		t.Fatal(err)
	}
	for _, fn := range change {
		fn(s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if l, err = NewListener(ListenerConfig{Listener: l, Clock: clock.System{}, Metrics: m,
		PerSecond: 20_000}); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return l.Addr().String(), m
}

// wantAlive asks on a connection of its own, as a probe does.
func wantAlive(t *testing.T, addr string) {
	t.Helper()
	if res := raw(t, addr, "GET /healthz HTTP/1.1\r\nHost: "+addr+
		"\r\nConnection: close\r\n\r\n"); res.StatusCode != 200 {
		t.Errorf("GET /healthz: %d", res.StatusCode)
	}
}

// dial opens n connections that send what is given and nothing more.
func dial(t *testing.T, addr string, n int, text string) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, 0, n)
	t.Cleanup(func() {
		for _, c := range conns {
			_ = c.Close()
		}
	})
	for range n {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		// The server may have hung up again.
		if _, err := io.WriteString(c, text); err != nil && !errors.Is(err, syscall.EPIPE) &&
			!errors.Is(err, syscall.ECONNRESET) {
			t.Fatal(err)
		}
	}
	return conns
}

// openFiles is how many connections this process can hold both ends of.
func openFiles(t *testing.T, want int) int {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	return min(want, (int(limit.Cur)-500)/2)
}

func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// TestIdleConnections opens five times as many as the server takes, in three
// ways: silent, with half a request, and with a whole one before they fall
// silent. The server holds no more than it should, and everybody who asks is
// answered.
func TestIdleConnections(t *testing.T) {
	for name, text := range map[string]string{
		"silent": "", "half a request": "GET /jobs HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
		"kept alive": "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			addr, m := serveLimited(t, newAPI(t, newFake()), 0,
				func(s *http.Server) { s.ReadHeaderTimeout = time.Hour })
			n := openFiles(t, 5*DefaultMaxConnections)
			if text != "" { // these take longer, and show the same
				n = min(n, 2*DefaultMaxConnections)
			}
			before := inUse()
			wantAlive(t, addr)
			for range 5 {
				dial(t, addr, n/5, text)
				wantAlive(t, addr)
			}
			for range 20 {
				wantAlive(t, addr)
			}
			if dropped := testutil.ToFloat64(m.ConnectionsDropped); dropped < float64(n-DefaultMaxConnections) {
				t.Errorf("%.0f of %d connections were dropped; %d may be open", dropped, n, DefaultMaxConnections)
			}
			// Both ends are in this process: 10,000 of them, a thousand with a goroutine.
			if grown := inUse() - before; grown > 64<<20 {
				t.Errorf("the memory grew by %d bytes", grown)
			}
		})
	}
}

// TestSlowloris sends headers byte by byte from ten times as many connections as
// the server takes, without end.
func TestSlowloris(t *testing.T) {
	addr, _ := serveLimited(t, newAPI(t, newFake()), 50, func(s *http.Server) { s.ReadHeaderTimeout = 2 * time.Second })
	var attackers sync.WaitGroup
	for _, c := range dial(t, addr, 500, "GET / HTTP/1.1\r\n") {
		attackers.Go(func() {
			for {
				if _, err := io.WriteString(c, "X-A: b\r\n"); err != nil {
					return // the server has given up
				}
				if c.SetReadDeadline(time.Now().Add(20*time.Millisecond)) != nil {
					return
				}
				if _, err := c.Read(make([]byte, 1)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
					return
				}
			}
		})
	}
	for range 50 {
		wantAlive(t, addr)
	}
	attackers.Wait() // by ReadHeaderTimeout; the test's own time limit is the other end
	wantAlive(t, addr)
}

// TestIdleTLS: connections that never shake hands, and those that do and fall
// silent, have to go as well, without a farewell that nobody reads.
func TestIdleTLS(t *testing.T) {
	const limit = 20
	base := httptest.NewUnstartedServer(newAPI(t, newFake()))
	m := telemetry.NewMetrics()
	s, err := NewServer(ServerConfig{Handler: base.Config.Handler, Metrics: m, MaxConnections: limit})
	if err != nil {
		t.Fatal(err)
	}
	base.Config = s
	base.StartTLS()
	defer base.Close()
	addr := base.Listener.Addr().String()
	ask := func(keepAlive bool) {
		t.Helper()
		transport := base.Client().Transport.(*http.Transport).Clone()
		transport.DisableKeepAlives = !keepAlive
		t.Cleanup(transport.CloseIdleConnections)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+addr+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := (&http.Client{Transport: transport}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK || res.ProtoMajor != 1 {
			t.Errorf("%s %d", res.Proto, res.StatusCode)
		}
	}
	for range 3 {
		dial(t, addr, 2*limit, "")
		dial(t, addr, 2*limit, "\x16\x03\x01\x02\x00\x01") // the start of a handshake
		for range 2 * limit {
			ask(true)
		}
	}
	ask(false)
	if n := testutil.ToFloat64(m.ConnectionsDropped); n < 3*5*limit {
		t.Errorf("%.0f connections dropped", n)
	}
}

// TestWorkIsNotDisplaced: a connection whose request is being answered stays
// whatever comes, and when all are, the newcomer goes.
func TestWorkIsNotDisplaced(t *testing.T) {
	const limit = 3
	entered, leave := make(chan struct{}), make(chan struct{})
	addr, m := serveLimited(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			entered <- struct{}{}
			<-leave
		}
		w.WriteHeader(http.StatusNoContent)
	}), limit)
	conns := dial(t, addr, limit, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
	for range limit {
		<-entered
	}
	for _, c := range dial(t, addr, 20, "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n") {
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("a newcomer was answered beyond the limit")
		}
	}
	if n := testutil.ToFloat64(m.ConnectionsDropped); n != 20 {
		t.Errorf("%.0f connections dropped", n)
	}
	close(leave)
	for _, c := range conns {
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || res.StatusCode != http.StatusNoContent {
			t.Fatalf("a request that was being answered: %v", err)
		}
		_ = res.Body.Close()
	}
	// They wait for their next request now, and make room.
	res := raw(t, addr, "GET /fast HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if res.StatusCode != http.StatusNoContent {
		t.Errorf("afterwards: %d", res.StatusCode)
	}
}

// TestMalformedRequests: each is refused or hung up on, and leaves nothing.
func TestMalformedRequests(t *testing.T) {
	f := newFake()
	addr, _ := serveLimited(t, newAPI(t, f), 0, func(s *http.Server) {
		s.ReadHeaderTimeout,
			s.ReadTimeout = time.Second, time.Second
	})
	host := "Host: " + addr + "\r\n"
	for name, request := range map[string]string{
		"nothing": "\r\n\r\n", "binary": "\x00\x01\x02\xff\xfe\r\n\r\n",
		"TLS":            "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
		"HTTP/2 preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "no version": "GET /jobs\r\n\r\n",
		"HTTP/9":  "GET /jobs HTTP/9.9\r\n" + host + "\r\n",
		"no host": "GET /jobs HTTP/1.1\r\n\r\n", "two hosts": "GET /jobs HTTP/1.1\r\n" + host + host + "\r\n",
		"space in name":    "GET /jobs HTTP/1.1\r\n" + host + "X A: b\r\n\r\n",
		"control in value": "GET /jobs HTTP/1.1\r\n" + host + "X-A: \x01\r\n\r\n",
		"large header":     "GET /jobs HTTP/1.1\r\n" + host + "X-A: " + strings.Repeat("a", 200<<10) + "\r\n\r\n",
		"many headers":     "GET /jobs HTTP/1.1\r\n" + host + strings.Repeat("X-A: b\r\n", 20_000) + "\r\n",
		"long line":        "GET /" + strings.Repeat("a", 200<<10) + " HTTP/1.1\r\n" + host + "\r\n",
		"two lengths": "POST /jobs HTTP/1.1\r\n" + host + "Content-Type: application/json\r\nContent-Length: " +
			"5\r\nContent-Length: 6\r\n\r\n{}",
		"length and chunks": "POST /jobs HTTP/1.1\r\n" + host +
			"Content-Type: application/json\r\nContent-Length: 2\r\n" +
			"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"negative length": "POST /jobs HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n",
		"huge length": "POST /jobs HTTP/1.1\r\n" + host + "Content-Type: application/json\r\nContent-Length: " +
			"9223372036854775807\r\n\r\n",
		"huge chunk": "POST /jobs HTTP/1.1\r\n" + host + "Content-Type: application/json\r\nTransfer-Encoding: " +
			"chunked\r\n\r\nffffffffffffffffff\r\n",
		"escape":  "GET /%zz HTTP/1.1\r\n" + host + "\r\n",
		"connect": "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
		"upgrade": "GET /jobs HTTP/1.1\r\n" + host + "Connection: Upgrade\r\nUpgrade: websocket\r\nX-A: \x7f\r\n\r\n",
	} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, request); err != nil && !errors.Is(err, syscall.EPIPE) &&
			!errors.Is(err, syscall.ECONNRESET) {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil { // otherwise it has hung up
			if res.StatusCode/100 != 4 && res.StatusCode != http.StatusNotImplemented &&
				res.StatusCode != http.StatusHTTPVersionNotSupported {
				t.Errorf("%s: %d", name, res.StatusCode)
			}
			if v := res.Header.Get("Server"); v != "" {
				t.Errorf("%s: Server %q", name, v)
			}
			_ = res.Body.Close()
		}
		_ = c.Close()
		wantAlive(t, addr)
	}
	if len(f.jobs) != 0 {
		t.Errorf("%d jobs", len(f.jobs))
	}
}

// TestHugeDocuments sends what is as large as it may be and as hard to read as
// it can be: the answers are short, and so is the memory.
func TestHugeDocuments(t *testing.T) {
	h := newAPI(t, newFake())
	const size = DefaultMaxBody - 100
	fill := func(open, body, end string) string {
		return open + strings.Repeat(body, (size-len(open)-len(end))/len(body)) + end
	}
	for name, doc := range map[string]string{
		"digits":         fill(`{"timeoutMs":`, "9", "}"),
		"fraction":       fill(`{"timeoutMs":0.`, "1", "}"),
		"exponent":       fill(`{"timeoutMs":1e`, "9", "}"),
		"digits in body": laidOver(fill(`"body":`, "9", "")),
		"arrays":         strings.Repeat("[", size),
		"objects":        strings.Repeat(`{"a":`, size/5),
		"closed arrays":  `{"body":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + "}",
		"members":        fill("{", `"a":1,`, `"b":1}`),
		"wide body":      laidOver(`"body":` + fill("[", "1,", "1]")),
		"a name":         fill(`{"`, "n", `":1}`),
		"escapes":        fill(`{"name":"`, `\u0041`, `"}`),
		"tags":           laidOver(`"tags":` + fill("[", `"a",`, `"b"]`)),
		"headers":        laidOver(`"headers":` + fill("{", `"x":"y",`, `"z":"y"}`)),
		"schedule":       laidOver(`"schedule":"` + fill("", "1,", "1") + ` * * * *"`),
	} {
		before := inUse()
		start := time.Now()
		res := call(t, h, "POST", "/jobs", doc)
		if took := time.Since(start); took > 10*time.Second { // some 20 ms on a machine of one's own
			t.Errorf("%s took %v", name, took)
		}
		if res.StatusCode/100 != 4 {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
		if len(res.text) > 64<<10 {
			t.Errorf("%s: an answer of %d bytes: %.200s", name, len(res.text), res.text)
		}
		if grown := inUse() - before; grown > 16<<20 {
			t.Errorf("%s: %d bytes stay in use", name, grown)
		}
	}
	if res := call(t, h, "GET", "/readyz", ""); res.StatusCode != 200 {
		t.Errorf("afterwards: %d", res.StatusCode)
	}
}

func TestARateForEachKey(t *testing.T) {
	f := newFake()
	keys, err := access.Open(t.Context(), access.Config{
		Store: f.access.Keys(), Clock: clock.System{}, Log: discard, Fixed: []string{key1, key2}, Rate: 5,
	})
	if err != nil {
		t.Fatal(err)
	}
	h := newAPI(t, f, func(c *Config) { c.Keys = keys })
	statuses := map[int]int{}
	for range 50 {
		res := call(t, h, "GET", "/jobs", "", "Authorization: Bearer "+key1)
		statuses[res.StatusCode]++
		if res.StatusCode == 429 {
			if p := res.problem(t, 429); p.Detail != "" || res.Header.Get("Retry-After") != "1" ||
				!strings.HasSuffix(p.Type, "rate") {
				t.Errorf("%s, Retry-After %q", res.text, res.Header.Get("Retry-After"))
			}
		}
	}
	if statuses[200] < 5 || statuses[200] > 25 || statuses[429] == 0 {
		t.Errorf("statuses %v", statuses)
	}
	if res := call(t, h, "GET", "/jobs", "", "Authorization: Bearer "+key2); res.StatusCode != 200 {
		t.Errorf("another key: %d", res.StatusCode)
	}
	if res := call(t, h, "GET", "/healthz", ""); res.StatusCode != 200 {
		t.Errorf("healthz: %d", res.StatusCode)
	}
}

// Over TLS a browser is told to stay with it, except on loopback.
func TestStrictTransport(t *testing.T) {
	h := newAPI(t, newFake())
	for host, want := range map[string]string{"belfry.example.com": strictTransport,
		"belfry.example.com:8443": strictTransport, "localhost:3000": "", "127.0.0.1": "", "[::1]:1": ""} {
		r := httptest.NewRequest("GET", "/docs", nil)
		r.Host, r.TLS = host, &tls.ConnectionState{}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get("Strict-Transport-Security"); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}

func TestSafeHeadersAreOnEveryAnswer(t *testing.T) {
	k := newKeyed(t)
	for _, path := range []string{"/", "/jobs", "/docs", "/openapi.json", "/metrics", "/healthz", "/nope", "/jobs/x"} {
		for _, key := range []string{"", k.keys["viewer"]} {
			res := call(t, k, "GET", path, "", "Authorization: Bearer "+key, "Origin: https://evil.example")
			for name, values := range safeHeaders {
				got, value := strings.Join(res.Header[name], "|"), values[0]
				if name == "Content-Security-Policy" && (path == "/docs" || path == "/openapi.json") && key != "" {
					value = pagePolicy
				}
				if got != value {
					t.Errorf("%s: %s is %q", path, name, got)
				}
			}
			for name := range res.Header {
				if strings.HasPrefix(name, "Access-Control-") || name == "Server" || name == "X-Powered-By" ||
					name == "Strict-Transport-Security" {
					t.Errorf("%s: %s", path, name)
				}
			}
			if res.StatusCode >= 400 && (strings.Contains(res.text, "1.2.3") ||
				strings.Contains(res.text, "goroutine") || strings.Contains(res.text, ".go:")) {
				t.Errorf("%s tells too much: %s", path, res.text)
			}
		}
	}
}
