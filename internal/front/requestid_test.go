package front

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/front/fronttest"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// TestRequestIDs is the truth table of which ids are taken from a client.
func TestRequestIDs(t *testing.T) {
	key, _ := domain.NewAPIKey()
	long := strings.Repeat("a", MaxRequestID)
	for _, tc := range []struct {
		name  string
		given []string
		taken bool
	}{
		{"none", nil, false},
		{"empty", []string{""}, false},
		{"UUID", []string{"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"}, true},
		{"AWS", []string{"Root=1-67891233-abcdef012345678912345678"}, true},
		{"traceparent", []string{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, true},
		{"base64", []string{"aGVsbG8gd29y+/=="}, true},
		{"of the greatest length", []string{long}, true},
		{"too long", []string{long + "a"}, false},
		{"two", []string{"a", "b"}, false},
		{"a list", []string{"a, b"}, false},
		{"a space", []string{"a b"}, false},
		{"a quote", []string{`a"b`}, false},
		{"a control character", []string{"a\x1bb"}, false},
		{"a letter beyond ASCII", []string{"ä"}, false},
		{"an API key", []string{key}, false},
	} {
		got := requestID(http.Header{RequestIDHeader: tc.given})
		if taken := len(tc.given) > 0 && got == tc.given[0]; taken != tc.taken || !wellFormedID(got) {
			t.Errorf("%s: %q became %q", tc.name, tc.given, got)
		}
	}
	if one, other := requestID(nil), requestID(nil); one == other {
		t.Error("two requests have one id")
	}
}

// TestAnswersAndLinesHaveTheID, of a panic too.
func TestAnswersAndLinesHaveTheID(t *testing.T) {
	for _, path := range []string{"/", "/panic"} {
		var log bytes.Buffer
		h := newTestHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/panic" {
				panic("canary")
			}
			if got := telemetry.RequestID(r.Context()); got != "from-client" {
				t.Errorf("the handler reads %q", got)
			}
			w.WriteHeader(http.StatusNoContent)
		}), &log)
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set(RequestIDHeader, "from-client")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get(RequestIDHeader); got != "from-client" {
			t.Errorf("%s: the answer has %q", path, got)
		}
		for line := range strings.Lines(log.String()) {
			if !strings.Contains(line, "request_id=from-client") {
				t.Errorf("%s: a line does not name the request: %s", path, line)
			}
		}
	}
}

// lockedBuffer is a log that connections write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestAnswersOfNetHTTPHaveAnID: each that never comes to a handler, also after a request
// that did; and nothing else is changed on the way.
func TestAnswersOfNetHTTPHaveAnID(t *testing.T) {
	var log lockedBuffer
	lines := slog.New(telemetry.NameRequests(slog.NewTextHandler(&log,
		&slog.HandlerOptions{Level: slog.LevelDebug})))
	// What looks like an answer in the middle of one.
	body := strings.Repeat("HTTP/1.1 400 Bad Request\r\n\r\n", 1000)
	h := newTestHandler(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 2 {
			_, _ = io.WriteString(w, body)
			_ = http.NewResponseController(w).Flush()
		}
	}), io.Discard)
	for _, secure := range []bool{false, true} {
		testAnswersOfNetHTTP(t, h, lines, &log, body+body, secure)
	}
}

func testAnswersOfNetHTTP(t *testing.T, h http.Handler, lines *slog.Logger, log *lockedBuffer, body string,
	secure bool) {
	t.Helper()
	addr := serveNamed(t, h, lines, secure)
	const good = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
	for _, tc := range []struct {
		name, request string
		status        int
	}{
		{"no head", "nonsense\r\n\r\n", 400},
		{"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
		{"a wrong header", "GET / HTTP/1.1\r\nHost: a.test\r\nA B: c\r\n\r\n", 400},
		{"a head that is too large", "GET / HTTP/1.1\r\nHost: a.test\r\nA: " + strings.Repeat("x", 2*maxHeaderBytes) +
			"\r\n\r\n", 431},
		{"a coding that is not known", "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
		{"a version that is not known", "GET / HTTP/3.0\r\nHost: a.test\r\n\r\n", 505},
		{"an expectation that is not known", "GET / HTTP/1.1\r\nHost: a.test\r\nExpect: more\r\n\r\n", 417},
	} {
		for _, before := range []string{"", good} {
			var conn net.Conn
			if secure {
				over, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = over.Close() })
				_, _ = io.WriteString(over, before+tc.request) // the server may have hung up again
				conn = over
			} else {
				conn = dial(t, addr, 1, before+tc.request)[0]
			}
			in := bufio.NewReader(conn)
			if before != "" {
				if _, text := readAnswer(t, in); text != body {
					t.Errorf("%s: a body was changed", tc.name)
				}
			}
			res, _ := readAnswer(t, in)
			id := res.Header[RequestIDHeader]
			if res.StatusCode != tc.status || len(id) != 1 || !wellFormedID(id[0]) {
				t.Errorf("%s (TLS: %t): status %d, id %q", tc.name, secure, res.StatusCode, id)
			} else if !strings.Contains(log.String(), "request_id="+id[0]) {
				t.Errorf("%s: no line of the log has the id", tc.name)
			}
		}
	}
}

func readAnswer(t *testing.T, in *bufio.Reader) (*http.Response, string) {
	t.Helper()
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res, string(text)
}

// serveNamed serves the handler behind a listener that logs.
func serveNamed(t *testing.T, h http.Handler, log *slog.Logger, secure bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := telemetry.NewMetrics()
	if l, err = NewListener(ListenerConfig{Listener: l, Clock: clock.System{}, Metrics: m, Log: log}); err != nil {
		t.Fatal(err)
	}
	s, err := NewServer(ServerConfig{Handler: h, Metrics: m})
	if err != nil {
		t.Fatal(err)
	}
	s.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	if secure {
		p := fronttest.NewPair(t)
		cert, err := OpenCertificate(p.Cert, p.Key, clock.System{}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		s.TLSConfig = cert.Config()
	}
	done := make(chan error)
	go func() { done <- Serve(s, l, nil) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return l.Addr().String()
}
