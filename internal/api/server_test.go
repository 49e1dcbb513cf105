package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/front"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// listen serves the handler on a free port of loopback.
func listen(t *testing.T, h http.Handler, change ...func(*http.Server)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := front.NewServer(front.ServerConfig{Handler: h, Metrics: telemetry.NewMetrics()})
	if err != nil {
		t.Fatal(err)
	}
	for _, fn := range change {
		fn(s)
	}
	done := make(chan error)
	go func() { done <- front.Serve(s, l, nil) }()
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return l.Addr().String()
}

// raw sends bytes on a connection of its own and reads one response.
func raw(t *testing.T, addr, request string) answer {
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
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res, string(text)}
}

func TestOnTheWire(t *testing.T) {
	f := newFixture(t)
	addr := listen(t, newAPI(t, f, func(c *Config) { c.MaxBody, c.MaxImport = 2000, 4000 }))
	head := "Host: " + addr + "\r\nContent-Type: application/json\r\n"
	for _, tc := range []struct {
		name, request string
		status        int
	}{
		{"chunked", "POST /jobs HTTP/1.1\r\n" + head + "Transfer-Encoding: chunked\r\n\r\n" +
			fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(minimal), minimal), 201},
		{"chunked over the limit", "POST /jobs HTTP/1.1\r\n" + head + "Transfer-Encoding: chunked\r\n\r\n" +
			fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", 2001, strings.Repeat(" ", 2001)), 413},
		{"broken chunks", "POST /jobs HTTP/1.1\r\n" + head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
		{"announced over the limit", "POST /jobs HTTP/1.1\r\n" + head + "Content-Length: 999999999\r\n\r\n", 413},
		{"import announced over the limit", "POST /jobs/import HTTP/1.1\r\n" + head +
			"Content-Length: 4001\r\n\r\n", 413},
		{"another host", "GET /jobs HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421},
		{"absolute form", "GET http://evil.example/jobs HTTP/1.1\r\nHost: " + addr + "\r\n\r\n", 421},
		{"no such method", "BREW /jobs HTTP/1.1\r\nHost: " + addr + "\r\n\r\n", 405},
	} {
		res := raw(t, addr, tc.request)
		if res.StatusCode != tc.status {
			t.Errorf("%s: %d, want %d", tc.name, res.StatusCode, tc.status)
		}
		if ct := res.Header.Get("Content-Type"); tc.status >= 400 && ct != "application/problem+json" {
			t.Errorf("%s: %s", tc.name, ct)
		}
		if tc.status == 413 && !res.Close {
			t.Errorf("%s: the connection stays open for the rest of the body", tc.name)
		}
	}
	if f.count(t) != 1 {
		t.Errorf("%d jobs", f.count(t))
	}
}

// Where a proxy may see the end of a request elsewhere, what comes behind it is
// not served.
func TestNothingIsServedAfterAnAmbiguousEnd(t *testing.T) {
	addr := listen(t, newAPI(t, newFixture(t)))
	const post, second = "POST /jobs HTTP/1.", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
	head := "Host: " + addr + "\r\nContent-Type: application/json\r\n"
	for _, tc := range []struct {
		name, request string
		answers       int
	}{
		{"a length", post + "1\r\n" + head + "Content-Length: 2\r\n\r\n{}", 2},
		{"no body", "GET /healthz HTTP/1.1\r\n" + head + "\r\n", 2},
		{"a length and chunks", post + "1\r\n" + head + "Content-Length: 4\r\nTransfer-Encoding: " +
			"chunked\r\n\r\n0\r\n\r\n", 1},
		{"chunks and a length", post + "1\r\n" + head + "Transfer-Encoding: Chunked\r\nContent-Length: " +
			"4\r\n\r\n0\r\n\r\n", 1},
		{"chunks", post + "1\r\n" + head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 1},
		{"HTTP/1.0, a length and chunks", post + "0\r\nConnection: keep-alive\r\n" + head +
			"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 1},
		{"HTTP/1.0, chunks", "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n" + head +
			"Transfer-Encoding: chunked\r\n\r\n", 1},
		{"two lengths", post + "1\r\n" + head + "Content-Length: 2\r\nContent-Length: 4\r\n\r\n{}", 1},
	} {
		if n := answersTo(t, addr, tc.request+second); n != tc.answers {
			t.Errorf("%s: %d answers, want %d", tc.name, n, tc.answers)
		}
	}
}

// answersTo sends bytes and counts the answers until the connection is closed.
func answersTo(t *testing.T, addr, text string) int {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) { // it has left bytes unread
		t.Fatal(err)
	}
	return strings.Count(string(got), "HTTP/1.1 ") + strings.Count(string(got), "HTTP/1.0 ")
}

func TestASlowBodyIsGivenUp(t *testing.T) {
	addr := listen(t, newAPI(t, newFixture(t)), func(s *http.Server) { s.ReadTimeout = 100 * time.Millisecond })
	res := raw(t, addr, "POST /jobs HTTP/1.1\r\nHost: "+addr+
		"\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	if res.StatusCode != http.StatusRequestTimeout {
		t.Errorf("status %d", res.StatusCode)
	}
}

// A client that sends all of a large import before it reads any of the answer
// must not wait for a server that waits for it.
func TestImportOnTheWire(t *testing.T) {
	f := newFixture(t)
	addr := listen(t, newAPI(t, f), func(s *http.Server) { s.ReadTimeout, s.WriteTimeout = time.Minute, time.Minute })
	const n = 20_000
	body := strings.Repeat(minimal+"\n", n)
	res := raw(t, addr, fmt.Sprintf("POST /jobs/import HTTP/1.1\r\nHost: %s\r\nContent-Type: "+
		"application/x-ndjson\r\nContent-Length: %d\r\n\r\n%s", addr, len(body), body))
	if res.StatusCode != 200 || f.count(t) != n || !strings.Contains(res.text,
		fmt.Sprintf(`"imported":%d,"refused":0`, n)) {
		t.Errorf("status %d, %d jobs", res.StatusCode, f.count(t))
	}
}

// An export that fails on the way must not look complete.
func TestABrokenExportIsNoExport(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	f.store.Add(faulty.Rule{Method: "Jobs.List", Skip: 1, Err: errors.New("disk gone")}) // the second page
	for range exportPage + 1 {
		create(t, h, minimal)
	}
	res, err := http.Get("http://" + listen(t, h) + "/jobs/export")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("the answer ends as if it were whole")
	}
}
