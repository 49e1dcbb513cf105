package front

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// ask sends bytes on a connection of its own and returns the status of the answer.
func ask(t *testing.T, addr, request string) int {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	return res.StatusCode
}

// okay answers every request.
var okay = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })

// serveLimited serves the handler with so many connections at most.
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
		PerSecond: 20_000, Log: slog.New(slog.DiscardHandler)}); err != nil {
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
	if status := ask(t, addr, "GET /healthz HTTP/1.1\r\nHost: "+addr+
		"\r\nConnection: close\r\n\r\n"); status != http.StatusOK {
		t.Errorf("GET /healthz: %d", status)
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
			addr, m := serveLimited(t, okay, 0,
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
// the server takes, without limit.
func TestSlowloris(t *testing.T) {
	addr, _ := serveLimited(t, okay, 50, func(s *http.Server) { s.ReadHeaderTimeout = 2 * time.Second })
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
	base := httptest.NewUnstartedServer(okay)
	m := telemetry.NewMetrics()
	s, err := NewServer(ServerConfig{Handler: base.Config.Handler, Metrics: m, MaxConnections: limit})
	if err != nil {
		t.Fatal(err)
	}
	base.Config = s
	base.StartTLS()
	defer base.Close()
	addr := base.Listener.Addr().String()
	get := func(keepAlive bool) {
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
			get(true)
		}
	}
	get(false)
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
	if got := ask(t, addr, "GET /fast HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); got != http.StatusNoContent {
		t.Errorf("afterwards: %d", got)
	}
}
