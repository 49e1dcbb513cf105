package executor

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

const (
	success = domain.VerdictSuccess
	retry   = domain.VerdictRetry
	final   = domain.VerdictFinal
)

var longBody = strings.Repeat("a", 3000)

var answerCases = map[string]struct {
	method   string
	response string
	want     domain.Outcome
}{
	"200": {"POST", rawResponse(200, "ok"), domain.Outcome{Verdict: success, HTTPStatus: 200}},
	"204 without a body": {"POST", "HTTP/1.1 204 No Content\r\n\r\n",
		domain.Outcome{Verdict: success, HTTPStatus: 204}},
	"204 with a length": {"POST", "HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n",
		domain.Outcome{Verdict: success, HTTPStatus: 204}},
	"HEAD": {
		"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
		domain.Outcome{Verdict: success, HTTPStatus: 200},
	},
	"chunked with an extension and a trailer": {
		"POST", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
		domain.Outcome{Verdict: success, HTTPStatus: 200},
	},
	"a body that ends with the connection": {
		"POST", "HTTP/1.1 200 OK\r\n\r\nall of it",
		domain.Outcome{Verdict: success, HTTPStatus: 200},
	},
	"HTTP/1.0": {
		"POST", "HTTP/1.0 500 Oops\r\n\r\nall of it",
		domain.Outcome{Verdict: retry, HTTPStatus: 500, Error: "HTTP 500 Internal Server Error: all of it",
			MaybeSent: true},
	},
	"100, 103, then the answer": {
		"POST", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
			rawResponse(201, "made"),
		domain.Outcome{Verdict: success, HTTPStatus: 201},
	},
	"101 is an answer": {
		"POST", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
		domain.Outcome{Verdict: final, HTTPStatus: 101, Error: "HTTP 101 Switching Protocols", MaybeSent: true},
	},
	"404": {
		"POST", rawResponse(404, "no such hook\r\n\tat all "),
		domain.Outcome{Verdict: final, HTTPStatus: 404, Error: "HTTP 404 Not Found: no such hook at all",
			MaybeSent: true},
	},
	"503": {
		"POST", rawResponse(503, "down"),
		domain.Outcome{Verdict: retry, HTTPStatus: 503, Error: "HTTP 503 Service Unavailable: down", MaybeSent: true},
	},
	"503 without a body": {
		"POST", rawResponse(503, ""),
		domain.Outcome{Verdict: retry, HTTPStatus: 503, Error: "HTTP 503 Service Unavailable", MaybeSent: true},
	},
	"unknown status": {
		"POST", rawResponse(599, "?"),
		domain.Outcome{Verdict: retry, HTTPStatus: 599, Error: "HTTP 599: ?", MaybeSent: true},
	},
	"first KiB of a long body": {
		"POST", rawResponse(500, longBody),
		domain.Outcome{Verdict: retry, HTTPStatus: 500, Error: "HTTP 500 Internal Server Error: " + longBody[:1024],
			MaybeSent: true},
	},
	"failure whose body breaks off": {
		"POST", "HTTP/1.1 500 X\r\nContent-Length: 100\r\nConnection: close\r\n\r\npartial",
		domain.Outcome{Verdict: retry, HTTPStatus: 500, Error: "HTTP 500 Internal Server Error: partial",
			MaybeSent: true},
	},
	"binary body": {
		"POST", rawResponse(500, "\x89PNG\r\n\x1a\n\x00\x00", "Content-Type: image/png"),
		domain.Outcome{Verdict: retry, HTTPStatus: 500,
			Error: "HTTP 500 Internal Server Error: (binary body of 10 bytes, image/png)", MaybeSent: true},
	},
	"compressed body": {
		"POST", rawResponse(500, "\x1f\x8b\x08\x00", "Content-Encoding: gzip"),
		domain.Outcome{Verdict: retry, HTTPStatus: 500, Error: "HTTP 500 Internal Server Error: (gzip body of 4 bytes)",
			MaybeSent: true},
	},
	"redirect": {
		"POST", rawResponse(302, "moved", "Location: https://example.com/new"),
		domain.Outcome{
			Verdict: final, HTTPStatus: 302, MaybeSent: true,
			Error: "HTTP 302 Found: redirects are not followed; Location: https://example.com/new",
		},
	},
	"redirect to nowhere": {
		"POST", rawResponse(308, ""),
		domain.Outcome{Verdict: final, HTTPStatus: 308,
			Error: "HTTP 308 Permanent Redirect: redirects are not followed", MaybeSent: true},
	},
	"304": {
		"GET", "HTTP/1.1 304 Not Modified\r\n\r\n",
		domain.Outcome{Verdict: final, HTTPStatus: 304, Error: "HTTP 304 Not Modified", MaybeSent: true},
	},
	"Retry-After in seconds": {
		"POST", rawResponse(429, "", "Retry-After: 17"),
		domain.Outcome{Verdict: retry, HTTPStatus: 429, Error: "HTTP 429 Too Many Requests", RetryAfterMs: 17_000,
			MaybeSent: true},
	},
	"Retry-After beyond reason": {
		"POST", rawResponse(503, "", "Retry-After: 9999999999999"),
		domain.Outcome{Verdict: retry, HTTPStatus: 503, Error: "HTTP 503 Service Unavailable",
			RetryAfterMs: 2147483647000, MaybeSent: true},
	},
	"Retry-After of no sense": {
		"POST", rawResponse(503, "", "Retry-After: -1"),
		domain.Outcome{Verdict: retry, HTTPStatus: 503, Error: "HTTP 503 Service Unavailable", MaybeSent: true},
	},
}

func TestAnswers(t *testing.T) {
	for name, tc := range answerCases {
		t.Run(name, func(t *testing.T) {
			s := answerWith(t, tc.response, "close")
			call := newCall(s.url())
			call.Method = tc.method
			wantOutcome(t, do(newTestExecutor(t, Config{}), call), tc.want)
		})
	}
}

func TestRetryAfterDate(t *testing.T) {
	wall := new(clock.Manual)
	wall.Step(48 * time.Hour) // the date is judged by the clock that was given
	for _, layout := range []string{http.TimeFormat, time.RFC850, time.ANSIC} {
		at := wall.Now().UTC().Add(time.Hour)
		text := strings.Replace(at.Format(layout), "UTC", "GMT", 1)
		s := answerWith(t, rawResponse(503, "", "Retry-After: "+text), "close")
		out := do(newTestExecutor(t, Config{Clock: wall}), newCall(s.url()))
		if out.RetryAfterMs < 3_590_000 || out.RetryAfterMs > 3_600_000 {
			t.Errorf("%q: %d ms, want about an hour", text, out.RetryAfterMs)
		}
	}
	past := wall.Now().UTC().Add(-time.Hour).Format(http.TimeFormat)
	s := answerWith(t, rawResponse(503, "", "Retry-After: "+past), "close")
	if out := do(newTestExecutor(t, Config{Clock: wall}), newCall(s.url())); out.RetryAfterMs != 0 {
		t.Errorf("a date in the past: %d ms, want 0", out.RetryAfterMs)
	}
}

// serveAnswer starts a target that reads a request, answers with the text and
// closes its side.
func serveAnswer(t *testing.T, text string) *rawServer {
	t.Helper()
	return serveRaw(t, func(_ int, c net.Conn) {
		readRaw(c)
		_, _ = io.WriteString(c, text)
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c) // so that no reset overtakes the answer
	})
}

// The target closes the connection at some point.
func TestBrokenAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		response string
		status   int
		want     string // LABEL is the server's address
	}{
		"nothing":       {"", 0, "connection closed by LABEL before a response"},
		"half a header": {"HTTP/1.1 200 OK\r\nContent-Le", 0, "connection closed by LABEL in the response header"},
		"half a body": {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 200,
			"connection closed by LABEL in the response body (HTTP 200, 3 bytes read)"},
		"half a chunk": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 200,
			"connection closed by LABEL in the response body (HTTP 200, 2 bytes read)"},
		"no last chunk": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", 200,
			"connection closed by LABEL in the response body (HTTP 200, 2 bytes read)"},
		"interim, then end": {"HTTP/1.1 100 Continue\r\n\r\n", 0, "connection closed by LABEL in the response header"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveAnswer(t, tc.response)
			wantOutcome(t, do(newTestExecutor(t, Config{}), newCall(s.url())), domain.Outcome{
				Verdict: retry, HTTPStatus: tc.status, Error: strings.Replace(tc.want, "LABEL", s.addr, 1),
				MaybeSent: true,
			})
		})
	}
}

func TestReset(t *testing.T) {
	s := serveRaw(t, func(_ int, c net.Conn) {
		readRaw(c)
		_ = c.(*net.TCPConn).SetLinger(0) // close with a reset
	})
	out := do(newTestExecutor(t, Config{}), newCall(s.url()))
	wantOutcome(t, out, domain.Outcome{
		Verdict: retry, Error: "connection reset by " + s.addr + " before a response", MaybeSent: true,
	})
}

// A header that needs more than the small buffer is read whole.
func TestLongHeader(t *testing.T) {
	filler := "X-Filler: " + strings.Repeat("y", 30_000)
	s := answerWith(t, "HTTP/1.1 100 Continue\r\n\r\n"+rawResponse(503, "down", filler, "Retry-After: 3"), "keep")
	x := newTestExecutor(t, Config{})
	for range 2 {
		wantOutcome(t, do(x, newCall(s.url())), domain.Outcome{
			Verdict: retry, HTTPStatus: 503, Error: "HTTP 503 Service Unavailable: down", RetryAfterMs: 3000,
			MaybeSent: true,
		})
	}
}

// An answer that comes before the request was read whole counts.
func TestEarlyAnswer(t *testing.T) {
	s := serveRaw(t, func(_ int, c net.Conn) {
		_, _ = bufio.NewReader(c).ReadString('\n')
		_, _ = io.WriteString(c, rawResponse(413, "too big", "Connection: close"))
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	})
	call := newCall(s.url())
	call.Body = make([]byte, 256<<10)
	wantOutcome(t, do(newTestExecutor(t, Config{}), call), domain.Outcome{
		Verdict: final, HTTPStatus: 413, Error: "HTTP 413 Request Entity Too Large: too big", MaybeSent: true,
	})
}

// Endless answers cost no more than the limit: the connection is closed, and
// the status stands.
func TestEndlessAnswers(t *testing.T) {
	block := strings.Repeat("z", 64<<10)
	for name, tc := range map[string]struct {
		start, more string
		want        domain.Outcome
	}{
		"gigabytes with a length": {
			"HTTP/1.1 200 OK\r\nContent-Length: 8000000000\r\n\r\n", block,
			domain.Outcome{Verdict: success, HTTPStatus: 200},
		},
		"until the connection ends": {
			"HTTP/1.1 200 OK\r\n\r\n", block,
			domain.Outcome{Verdict: success, HTTPStatus: 200},
		},
		"chunks without end": {
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "10000\r\n" + block + "\r\n",
			domain.Outcome{Verdict: success, HTTPStatus: 200},
		},
		"a chunk extension without end": {
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", block,
			domain.Outcome{Verdict: success, HTTPStatus: 200},
		},
		"a failure": {
			"HTTP/1.1 500 X\r\n\r\n", block,
			domain.Outcome{Verdict: retry, HTTPStatus: 500, Error: "HTTP 500 Internal Server Error: " + block[:1024],
				MaybeSent: true},
		},
		"a header without end": {
			"HTTP/1.1 200 OK\r\nX: ", block,
			domain.Outcome{Verdict: final, HTTPStatus: 200,
				Error: "unreadable answer (HTTP 200): its header is larger than 32768 bytes", MaybeSent: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan struct{})
			s := serveRaw(t, func(_ int, c net.Conn) {
				defer close(ended)
				readRaw(c)
				_, err := io.WriteString(c, tc.start)
				for err == nil {
					_, err = io.WriteString(c, tc.more)
				}
			})
			wantOutcome(t, do(newTestExecutor(t, Config{}), newCall(s.url())), tc.want)
			<-ended // only because the connection was closed
		})
	}
}

// The timeout covers every phase, and the error names it.
func TestTimeouts(t *testing.T) {
	for name, tc := range map[string]struct {
		serve  func(c net.Conn)
		status int
		want   string // %s is the timeout
	}{
		"no answer": {func(net.Conn) {}, 0, "timeout after %s waiting for the response"},
		"only interim": {func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 100 Continue\r\n\r\n") }, 0,
			"timeout after %s reading the response header"},
		"half a header": {func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 200 OK\r\nX") }, 0,
			"timeout after %s reading the response header"},
		"half a body": {func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab") }, 200,
			"timeout after %s reading the response body (HTTP 200, 2 bytes read)"},
		"half chunk size": {
			func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1") }, 200,
			"timeout after %s reading the response body (HTTP 200, 0 bytes read)"},
		"never closes": {func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 200 OK\r\n\r\nab") }, 200,
			"timeout after %s reading the response body (HTTP 200, 2 bytes read)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serveRaw(t, func(_ int, c net.Conn) {
				readRaw(c)
				tc.serve(c)
				_, _ = io.Copy(io.Discard, c) // until the caller closes
			})
			atTimeout(t, func(timeout time.Duration) string {
				call := newCall(s.url())
				call.Timeout = timeout
				return differs(do(newTestExecutor(t, Config{}), call), domain.Outcome{
					Verdict: retry, HTTPStatus: tc.status, Error: fmt.Sprintf(tc.want, timeout), MaybeSent: true,
				})
			})
		})
	}
}

// A target that drips is cut off at the deadline, however steadily it drips: it
// could go on for minutes.
func TestDripIsCutAtTheDeadline(t *testing.T) {
	s := serveRaw(t, func(_ int, c net.Conn) {
		readRaw(c)
		_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for ; err == nil; <-tick.C {
			_, err = io.WriteString(c, "x")
		}
	})
	atTimeout(t, func(timeout time.Duration) (fault string) {
		call := newCall(s.url())
		call.Timeout = timeout
		stop := stopwatch()
		out := do(newTestExecutor(t, Config{}), call)
		if took := stop(); took > timeout+prompt {
			t.Errorf("took %v", took)
		}
		want := fmt.Sprintf("timeout after %s reading the response body (HTTP 200, ", timeout)
		if out.Verdict != retry || !strings.HasPrefix(out.Error, want) {
			fault = fmt.Sprintf("outcome %+v", out)
		}
		return fault
	})
}

// A target that does not read holds a long body up.
func TestTimeoutWhileSending(t *testing.T) {
	s := serveRaw(t, func(_ int, c net.Conn) {
		_ = c.(*net.TCPConn).SetReadBuffer(4096)
		<-t.Context().Done()
	})
	atTimeout(t, func(timeout time.Duration) string {
		call := newCall(s.url())
		call.Body = make([]byte, 64<<20) // more than socket buffers hold
		call.Timeout = timeout
		return differs(do(newTestExecutor(t, Config{}), call), domain.Outcome{
			Verdict: retry, Error: fmt.Sprintf("timeout after %s sending the request", timeout), MaybeSent: true,
		})
	})
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                    "plain",
		" a\r\n\tb  c ":            "a b c",
		"grüße, 世界":                "grüße, 世界",
		"cut \xe4\xb8":             "cut",
		"latin \xfc \x1b[31mred":   "latin � �[31mred",
		"\u202egnp.exe":            "�gnp.exe",
		strings.Repeat("é", 600):   strings.Repeat("é", 512),
		strings.Repeat("a ", 1024): strings.TrimSpace(strings.Repeat("a ", 512)),
	} {
		if got := printable([]byte(in)); got != want {
			t.Errorf("printable(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestIsBinary(t *testing.T) {
	for in, want := range map[string]bool{
		"":                             false,
		"plain text\r\n":               false,
		"latin \xfcber \xe4hnlich":     false,
		"cut in a rune \xe4\xb8":       false,
		"\x00":                         true,
		"\x1f\x8b\x08\x01\x02\xff\xfe": true,
	} {
		if got := isBinary([]byte(in)); got != want {
			t.Errorf("isBinary(%q) = %v, want %v", in, got, want)
		}
	}
}

// The deadline does not move with the wall clock.
func TestWallClockStepEndsNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wall := new(clock.Manual)
		x := newTestExecutor(t, Config{Clock: wall})
		client, server := net.Pipe()
		defer server.Close()
		e := newExchange()
		call := newCall("http://example.com/")
		var out domain.Outcome
		e.begin(&x.transport, call, &out)
		p, err := hostOf(x, call)
		if err != nil {
			t.Fatal(err)
		}
		e.link.pool, e.link.conn = p, &conn{Conn: client}
		p.mu.Lock()
		addOpen(p, 1)
		p.mu.Unlock()
		go func() {
			br := bufio.NewReader(server)
			_, _, _ = readRequest(br)
			wall.Step(24 * time.Hour)
			time.Sleep(9 * time.Second) // virtual
			_, _ = io.WriteString(server, rawResponse(200, "late"))
		}()
		e.req.build(&x.cfg, call, "/", "example.com")
		if err := e.roundTrip(); err != nil {
			t.Fatal(err)
		}
		e.report()
		wantOutcome(t, out, domain.Outcome{Verdict: success, HTTPStatus: 200})
		e.end()
	})
}

// A target may answer with what it was sent; no form of that shows a secret.
func TestSecretsAreHiddenInErrors(t *testing.T) {
	secrets := []string{"Bearer canary-0123456789", "canary-0123456789"}
	for name, response := range map[string]string{
		"body":          rawResponse(500, "you sent Bearer canary-0123456789, twice: canary-0123456789"),
		"cut":           rawResponse(500, strings.Repeat("a", maxSnippetBytes-10)+"canary-0123456789"),
		"location":      rawResponse(302, "", "Location: /login?was=canary-0123456789"),
		"no HTTP":       "Bearer canary-0123456789\r\n\r\n",
		"cut, no HTTP":  strings.Repeat("x", 50) + "canary-0123456789\r\n\r\n",
		"binary":        "\x01\x02\x03\x04\x00canary-0123456789\r\n\r\n",
		"as a status":   "HTTP/1.1 canary-0123456789\r\n\r\n",
		"as a version":  "HTTP/1.1canary-0123456789 200\r\n\r\n",
		"broken length": "HTTP/1.1 200 OK\r\nContent-Length: canary-0123456789\r\n\r\n",
		"the server's":  rawResponse(401, "want a signature by whsec_canary-of-the-server"),
	} {
		t.Run(name, func(t *testing.T) {
			s := answerWith(t, response, "close")
			call := newCall(s.url())
			call.Headers, call.Secrets = map[string]string{"Authorization": secrets[0]}, secrets
			got := do(newTestExecutor(t, Config{Signing: Signing{
				Secrets: webhook.Secret("whsec_canary-of-the-server").Texts(),
			}}), call)
			if got.Error == "" || strings.Contains(got.Error, "canary") {
				t.Errorf("error %q", got.Error)
			}
		})
	}
}

func TestHide(t *testing.T) {
	secrets := []string{"Bearer abcdefghij", "abcdefghij"}
	for text, want := range map[string]string{
		"":                               "",
		"nothing to see":                 "nothing to see",
		"Bearer abcdefghij!":             "********!",
		"x abcdefghij y abcdefghij":      "x ******** y ********",
		"cut: abcdefgh":                  "cut: ********",
		"cut: Bearer abc":                "cut: ********",
		"too short to be one, maybe: ab": "too short to be one, maybe: ab",
	} {
		if got := hide(text, secrets); got != want {
			t.Errorf("hide(%q) = %q, want %q", text, got, want)
		}
	}
	if got := hide("Bearer abcdefghij", nil); got != "Bearer abcdefghij" {
		t.Errorf("without secrets: %q", got)
	}
}
