package api

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/api/reference"
)

// wantAlive asks on a connection of its own, as a probe does.
func wantAlive(t *testing.T, addr string) {
	t.Helper()
	if res := raw(t, addr, "GET /healthz HTTP/1.1\r\nHost: "+addr+
		"\r\nConnection: close\r\n\r\n"); res.StatusCode != 200 {
		t.Errorf("GET /healthz: %d", res.StatusCode)
	}
}

func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// TestMalformedRequests: each is refused or hung up on, and leaves nothing.
func TestMalformedRequests(t *testing.T) {
	f := newFixture(t)
	addr := listen(t, newAPI(t, f), func(s *http.Server) {
		s.ReadHeaderTimeout, s.ReadTimeout = time.Second, time.Second
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
	if f.count(t) != 0 {
		t.Errorf("%d jobs", f.count(t))
	}
}

// TestHugeDocuments sends what is as large as it may be and as hard to read as
// it can be: the answers are short, and so is the memory.
func TestHugeDocuments(t *testing.T) {
	h := newAPI(t, newFixture(t))
	size := DefaultMaxBody - 100
	if everyDocument > 1 {
		size /= 3 // still more than a field may hold
	}
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
	f := newFixture(t)
	keys, err := access.Open(t.Context(), access.Config{
		Store: f.store.Keys(), Clock: f.clock, Log: discard, Fixed: []string{key1, key2}, Rate: 5,
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
	if res := call(t, h, "GET", "/jobs", "", "Authorization: Bearer "+key2); res.StatusCode != 200 ||
		res.Header.Get("RateLimit") != `"key";r=4;t=1` || res.Header.Get("RateLimit-Policy") != `"key";q=5;w=1` {
		t.Errorf("another key: %d, %v", res.StatusCode, res.Header)
	}
	if res := call(t, h, "GET", "/healthz", ""); res.StatusCode != 200 {
		t.Errorf("healthz: %d", res.StatusCode)
	}
}

func TestSafeHeadersAreOnEveryAnswer(t *testing.T) {
	safe := map[string]string{
		"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
	}
	k := newKeyed(t)
	for _, path := range []string{"/", "/jobs", "/docs", "/openapi.json", "/metrics", "/healthz", "/nope", "/jobs/x"} {
		for _, key := range []string{"", k.keys["viewer"]} {
			res := call(t, k, "GET", path, "", "Authorization: Bearer "+key, "Origin: https://evil.example")
			for name, want := range safe {
				got := strings.Join(res.Header[name], "|")
				page := (path == "/docs" || path == "/openapi.json") && key != ""
				if name == "Content-Security-Policy" && page {
					want = reference.PagePolicy()
				}
				if got != want {
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
