package executor

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// sent makes the call against a server that keeps what it got.
func sent(t *testing.T, cfg Config, prepare func(*domain.Call)) (host, request string) {
	t.Helper()
	got := make(chan string, 1)
	s := serveRaw(t, func(_ int, c net.Conn) {
		got <- readRaw(c)
		fmt.Fprint(c, rawResponse(200, ""))
	})
	call := newCall(s.url())
	prepare(call)
	call.URL = strings.Replace(call.URL, "HOST", s.addr, 1)
	if out := do(newTestExecutor(t, cfg), call); out.Verdict != domain.VerdictSuccess {
		t.Fatalf("outcome %+v", out)
	}
	return s.addr, <-got
}

// What every request of the tests says.
var (
	wireExec     = testFire.ID().String()
	wireIdentity = "Idempotency-Key: " + wireExec + "\r\n" +
		"Belfry-Job-Id: " + testJobID + "\r\n" +
		"Belfry-Execution-Id: " + wireExec + "\r\n" +
		"Belfry-Scheduled-At: 1732000000000\r\n" +
		"Belfry-Attempt: 1\r\n\r\n"
	wireBody = `{"jobId":"` + testJobID + `","executionId":"` + wireExec +
		`","scheduledAt":1732000000000,"attempt":1}`
	wireDefaults = fmt.Sprintf("User-Agent: belfry/1.2.3\r\nContent-Type: application/json\r\nContent-Length: %d\r\n",
		len(wireBody)) +
		wireIdentity + wireBody
)

var wireCases = map[string]struct {
	prepare func(*domain.Call)
	want    string // after "Host: ...", or a whole request with HOST
}{
	"default body": {
		func(*domain.Call) {},
		"POST /hook HTTP/1.1\r\nHost: HOST\r\n" + wireDefaults,
	},
	"PUT has the default body too": {
		func(c *domain.Call) { c.Method = "PUT" },
		"PUT /hook HTTP/1.1\r\nHost: HOST\r\n" + wireDefaults,
	},
	"GET has none": {
		func(c *domain.Call) { c.Method = "GET" },
		"GET /hook HTTP/1.1\r\nHost: HOST\r\nUser-Agent: belfry/1.2.3\r\n" + wireIdentity,
	},
	"DELETE has none": {
		func(c *domain.Call) { c.Method = "DELETE" },
		"DELETE /hook HTTP/1.1\r\nHost: HOST\r\nUser-Agent: belfry/1.2.3\r\n" + wireIdentity,
	},
	"DELETE with a body": {
		func(c *domain.Call) { c.Method, c.Body, c.BodyIsJSON = "DELETE", []byte(`[1]`), true },
		"DELETE /hook HTTP/1.1\r\nHost: HOST\r\nUser-Agent: belfry/1.2.3\r\n" +
			"Content-Type: application/json\r\nContent-Length: 3\r\n" + wireIdentity + "[1]",
	},
	"JSON body": {
		func(c *domain.Call) { c.Body, c.BodyIsJSON = []byte(`{"a":1}`), true },
		"POST /hook HTTP/1.1\r\nHost: HOST\r\nUser-Agent: belfry/1.2.3\r\n" +
			"Content-Type: application/json\r\nContent-Length: 7\r\n" + wireIdentity + `{"a":1}`,
	},
	"text body": {
		func(c *domain.Call) { c.Body = []byte("hello") },
		"POST /hook HTTP/1.1\r\nHost: HOST\r\nUser-Agent: belfry/1.2.3\r\n" +
			"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n" + wireIdentity + "hello",
	},
	"empty text body": {
		func(c *domain.Call) { c.Body = []byte{} },
		"POST /hook HTTP/1.1\r\nHost: HOST\r\nUser-Agent: belfry/1.2.3\r\nContent-Length: 0\r\n" + wireIdentity,
	},
	"headers as written, in order, over the wireDefaults": {
		func(c *domain.Call) {
			c.Body = []byte("x")
			c.Headers = map[string]string{"x-LOWER": "1", "Authorization": "Bearer t", "content-type": "text/csv",
				"user-AGENT": "mine"}
		},
		"POST /hook HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer t\r\ncontent-type: text/csv\r\n" +
			"user-AGENT: mine\r\nx-LOWER: 1\r\nContent-Length: 1\r\n" + wireIdentity + "x",
	},
	"path and query": {
		func(c *domain.Call) { c.Method, c.URL = "GET", "HTTP://HOST/a%2Fb//c/../d?x=%20&y={1}&ü#frag" },
		"GET /a%2Fb//c/../d?x=%20&y=%7B1%7D&%C3%BC HTTP/1.1\r\nHost: HOST\r\nUser-Agent: belfry/1.2.3\r\n" +
			wireIdentity,
	},
	"no path": {
		func(c *domain.Call) { c.Method, c.URL = "GET", "http://HOST?q=1" },
		"GET /?q=1 HTTP/1.1\r\nHost: HOST\r\nUser-Agent: belfry/1.2.3\r\n" + wireIdentity,
	},
}

func TestRequestOnTheWire(t *testing.T) {
	for name, tc := range wireCases {
		t.Run(name, func(t *testing.T) {
			host, got := sent(t, Config{UserAgent: "belfry/1.2.3"}, tc.prepare)
			if want := strings.Replace(tc.want, "HOST", host, 1); got != want {
				t.Errorf("request\n got %q\nwant %q", got, want)
			}
		})
	}
}

func TestLongBodyIsSentWhole(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 16<<10) // 256 KiB
	_, got := sent(t, Config{}, func(c *domain.Call) { c.Body = []byte(body) })
	head, rest, _ := strings.Cut(got, "\r\n\r\n")
	if rest != body {
		t.Errorf("body of %d bytes arrived as %d, or changed", len(body), len(rest))
	}
	if want := fmt.Sprintf("Content-Length: %d\r\n", len(body)); !strings.Contains(head, want) {
		t.Errorf("head %q misses %q", head, want)
	}
}

// A refused request must not open a connection.
func TestRefusedBeforeSending(t *testing.T) {
	s := serveRaw(t, func(int, net.Conn) { t.Error("the target was connected to") })
	x := newTestExecutor(t, Config{})
	for name, tc := range map[string]struct {
		prepare func(*domain.Call)
		want    string
	}{
		"other scheme": {func(c *domain.Call) { c.URL = "ftp://example.com/" },
			"not sent: the target is no http or https URL"},
		"no host": {func(c *domain.Call) { c.URL = "http:///x" }, "not sent: the target is no http or https URL"},
		"user name": {func(c *domain.Call) { c.URL = "http://u:p@" + s.addr + "/" },
			"not sent: the target is refused: the URL names no valid host"},
		"bad port": {func(c *domain.Call) { c.URL = "http://127.0.0.1:70000/" },
			`not sent: the target is refused: the URL has a bad port "70000"`},
		"bad host": {func(c *domain.Call) { c.URL = "http://a\r\nb/" },
			"not sent: the target is refused: the URL names no valid host"},
		"line break in a value": {
			func(c *domain.Call) { c.Headers = map[string]string{"X-A": "1\r\nHost: evil"} },
			`not sent: the header "X-A" must not be sent`,
		},
		"bad name": {func(c *domain.Call) { c.Headers = map[string]string{"a b": "1"} },
			`not sent: the header "a b" must not be sent`},
		"content-length": {func(c *domain.Call) { c.Headers = map[string]string{"content-length": "1"} },
			`not sent: the header "content-length" must not be sent`},
		"transfer-encoding": {
			func(c *domain.Call) { c.Headers = map[string]string{"Transfer-Encoding": "chunked"} },
			`not sent: the header "Transfer-Encoding" must not be sent`,
		},
		"host": {func(c *domain.Call) { c.Headers = map[string]string{"HOST": "a"} },
			`not sent: the header "HOST" must not be sent`},
		"connection": {func(c *domain.Call) { c.Headers = map[string]string{"Connection": "close"} },
			`not sent: the header "Connection" must not be sent`},
		"a signature of the job's own": {
			func(c *domain.Call) {
				c.Signer, c.Headers = newSigner(t, secretA), map[string]string{"Webhook-Signature": "v1,forged"}
			},
			`not sent: the header "Webhook-Signature" must not be sent`,
		},
		"NUL in a value": {func(c *domain.Call) { c.Headers = map[string]string{"X-A": "1\x00"} },
			`not sent: the header "X-A" must not be sent`},
		"line break in a name": {
			func(c *domain.Call) { c.Headers = map[string]string{"X-A: 1\r\nX-B": "1"} },
			`not sent: the header "X-A: 1\r\nX-B" must not be sent`,
		},
		"bad method": {func(c *domain.Call) { c.Method = "GET / HTTP/1.1\r\n" }, `not sent: the method is no token`},
	} {
		t.Run(name, func(t *testing.T) {
			call := newCall(s.url())
			tc.prepare(call)
			wantOutcome(t, do(x, call), domain.Outcome{Verdict: domain.VerdictFinal, Error: tc.want})
		})
	}
}

func TestHostHeader(t *testing.T) {
	x := newTestExecutor(t, Config{})
	for origin, want := range map[string][2]string{ // header, label
		"http://example.com":           {"example.com", "example.com:80"},
		"https://example.com":          {"example.com", "example.com:443"},
		"http://Example.com:8080":      {"Example.com:8080", "example.com:8080"},
		"http://example.com:":          {"example.com", "example.com:80"},
		"http://EXAMPLE.com:080":       {"EXAMPLE.com:080", "example.com:80"},
		"HTTPS://Example.com.":         {"Example.com.", "example.com.:443"},
		"http://[::FFFF:127.0.0.1]":    {"[::FFFF:127.0.0.1]", "127.0.0.1:80"},
		"http://[::1]:81":              {"[::1]:81", "[::1]:81"},
		"http://[fe80::1%25eth0]:8080": {"[fe80::1]:8080", "[fe80::1]:8080"},
	} {
		call := newCall(origin + "/path")
		parts, _ := target.Cut(call.URL)
		to, err := x.pools.route(parts, call)
		if err != nil {
			t.Fatalf("%s: %v", origin, err)
		}
		if got := [2]string{to.header, to.pool.label}; got != want {
			t.Errorf("%s: header and label %q, want %q", origin, got, want)
		}
	}
}

// A target may come in two parts: what is shared by a host's jobs, and the rest.
func TestPathApart(t *testing.T) {
	got := make(chan string, 1)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter,
		r *http.Request) {
		got <- r.Host + " " + r.RequestURI
	}))
	defer s.Close()
	x := newTestExecutor(t, Config{})
	host := strings.TrimPrefix(s.URL, "http://")
	for path, want := range map[string]string{"": "/", "/a/b?c=1#d": "/a/b?c=1", "?c": "/?c", "/": "/"} {
		call := newCall(s.URL)
		call.Path = path
		if out := do(x, call); out.HTTPStatus != 200 {
			t.Fatalf("%+v", out)
		}
		if line := <-got; line != host+" "+want {
			t.Errorf("%q: %s, want %s", path, line, want)
		}
	}
}
