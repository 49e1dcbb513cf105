package executor

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/egress"
	"github.com/belfry-scheduler/belfry/internal/nettest"
)

// trace makes a test call.
func trace(x *Executor, call *domain.Call) (domain.Trace, domain.Outcome) {
	call.Trace = new(domain.Trace)
	out := do(x, call)
	return *call.Trace, out
}

// lines returns headers as they are written.
func lines(m domain.TracedMessage) string {
	var b strings.Builder
	for _, h := range m.Headers {
		b.WriteString(h.Name + ": " + h.Value + "\n")
	}
	return b.String()
}

// A trace has the request as the target got it, the answer in the order of its lines, and how
// long each part took. Each test call has a connection of its own.
func TestTrace(t *testing.T) {
	t.Parallel()
	var got []string
	s := serveRaw(t, func(_ int, c net.Conn) {
		for {
			raw := readRaw(c)
			if raw == "" {
				return
			}
			got = append(got, raw)
			_, _ = io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"+
				"HTTP/1.1 200 Fine\r\nSet-Cookie: a=1\r\nX-Empty:\r\nSet-Cookie: b=2\r\n"+
				"Transfer-Encoding: chunked\r\n\r\n"+
				"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
		}
	})
	x := newTestExecutor(t, Config{UserAgent: "belfry/test", Signing: Signing{Of: forAll(newSigner(t, secretA))}})
	call := newCall(s.url() + "?a=b")
	call.Headers = map[string]string{"X-Team": "blue", "Authorization": "Bearer canary"}
	call.Body, call.BodyIsJSON = []byte(`{"n":1}`), true
	for n := range 2 {
		tr, out := trace(x, call)
		wantOutcome(t, out, domain.Outcome{Verdict: success, HTTPStatus: 200})
		if whole := "POST /hook?a=b HTTP/1.1\r\n" + strings.ReplaceAll(lines(tr.Request), "\n", "\r\n") + "\r\n" +
			string(tr.Request.Body); len(got) != n+1 || whole != got[n] {
			t.Fatalf("the trace has\n%s\nand the target got\n%q", whole, got)
		}
		if !strings.Contains(got[n], "\r\nBelfry-Test: true\r\n") ||
			!strings.Contains(got[n], "\r\nwebhook-signature: ") || tr.Request.Bytes != 7 {
			t.Errorf("request %q", got[n])
		}
		if h := lines(tr.Response); h != "Set-Cookie: a=1\nX-Empty: \nSet-Cookie: b=2\nTransfer-Encoding: chunked\n" {
			t.Errorf("headers %q", h)
		}
		if b := tr.Response; string(b.Body) != "onetwo" || b.Bytes != 6 || b.Cut || tr.Protocol != "HTTP/1.1" {
			t.Errorf("answer %+v, %s", b, tr.Protocol)
		}
		w := tr.Times
		if w.Waited <= 0 || w.Connect <= 0 || w.FirstByte <= 0 || w.Lookup != 0 || w.Handshake != 0 {
			t.Errorf("times %+v", w)
		}
	}
	s.mu.Lock()
	n := len(s.conns)
	s.mu.Unlock()
	if n != 2 {
		t.Errorf("%d connections for 2 test calls", n)
	}
	call.Trace = nil
	mustSucceed(t, x, call)
	if strings.Contains(got[2], "Belfry-Test") {
		t.Error("a fire is called a test")
	}
}

// By HTTP/2 and TLS a trace has the same, and the times of the lookup and the handshake.
func TestTraceOverTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	for _, http2 := range []bool{true, false} {
		var seen http.Header
		s := serveBoth(t, ca, func(w http.ResponseWriter, r *http.Request) {
			seen = r.Header
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("X-Answer", "yes")
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, "short and stout")
		})
		x := newTLSExecutor(t, Config{RootCAs: ca.pool, NoHTTP2: !http2})
		trace(x, newCall(s.url("/pot")))
		tr, out := trace(x, newCall(s.url("/pot")))
		if n := s.http1.Load() + s.http2.Load(); n != 2 {
			t.Errorf("%d connections for 2 test calls", n)
		}
		want := map[bool]string{true: "HTTP/2", false: "HTTP/1.1"}[http2]
		if out.HTTPStatus != 418 || tr.Protocol != want || string(tr.Response.Body) != "short and stout" ||
			tr.Response.Bytes != 15 || !strings.Contains(strings.ToLower(lines(tr.Response)), "x-answer: yes\n") {
			t.Errorf("%s: %+v %+v", want, out, tr)
		}
		if seen.Get("Belfry-Test") != "true" || !strings.Contains(lines(tr.Request), "Belfry-Execution-Id: ") {
			t.Errorf("%s: %v\n%s", want, seen, lines(tr.Request))
		}
		w := tr.Times
		if w.Waited <= 0 || w.Lookup <= 0 || w.Connect <= 0 || w.Handshake <= 0 || w.FirstByte <= 0 {
			t.Errorf("%s: times %+v", want, w)
		}
	}
}

// How far a call has come is in its trace: what did not happen took no time.
func TestTraceOfFailures(t *testing.T) {
	t.Parallel()
	refusing := "http://" + nettest.Refusing(t) + "/"
	hanging := serveRaw(t, func(_ int, c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	redirecting := answerWith(t, rawResponse(302, "there", "Location: https://elsewhere.test/"), "")
	breaking := answerWith(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX-A: b\r\n\r\nhalf", "close")
	x := newTestExecutor(t, Config{})
	forbidden := guarded(t, egress.Public, "", "", nil)
	for name, c := range map[string]struct {
		x                  *Executor
		url, err           string
		headers, body      string
		connects, answered bool
	}{
		"refused": {x, refusing, "connection refused", "", "", true, false},
		"hangs":   {x, hanging.url(), "timeout", "", "", true, false},
		"redirects": {x, redirecting.url(), "redirects are not followed",
			"Content-Length: 5\nLocation: https://elsewhere.test/\n", "there", true, true},
		"breaks":    {x, breaking.url(), "closed", "Content-Length: 9\nX-A: b\n", "half", true, true},
		"forbidden": {forbidden, hanging.url(), "the target is refused", "", "", false, false},
	} {
		call := newCall(c.url)
		if name == "hangs" {
			call.Timeout = 300 * time.Millisecond
		}
		tr, out := trace(c.x, call)
		if !strings.Contains(out.Error, c.err) || out.Verdict == success {
			t.Errorf("%s: %+v", name, out)
		}
		if lines(tr.Response) != c.headers || string(tr.Response.Body) != c.body ||
			(tr.Protocol != "") != c.answered {
			t.Errorf("%s: answer %q %q %q", name, lines(tr.Response), tr.Response.Body, tr.Protocol)
		}
		if len(tr.Request.Headers) < 5 {
			t.Errorf("%s: the request is not in the trace: %+v", name, tr.Request)
		}
		if w := tr.Times; w.Waited <= 0 || (w.Connect > 0) != c.connects || (w.FirstByte > 0) != c.answered {
			t.Errorf("%s: times %+v", name, w)
		}
	}
}

// A long answer is cut where the executor stops to read it, by either protocol, and a long
// request where the trace ends.
func TestTraceIsBounded(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	long := bytes.Repeat([]byte("0123456789"), 1<<20)
	s := serveBoth(t, ca, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(long)
	})
	for _, noHTTP2 := range []bool{false, true} {
		x := newTLSExecutor(t, Config{RootCAs: ca.pool, NoHTTP2: noHTTP2})
		call := newCall(s.url("/"))
		call.Body = long[:domain.MaxTracedBody+1]
		tr, out := trace(x, call)
		wantOutcome(t, out, domain.Outcome{Verdict: success, HTTPStatus: 200})
		a := tr.Response
		if !a.Cut || len(a.Body) != domain.MaxTracedBody || a.Bytes < domain.MaxTracedBody || a.Bytes > 2<<20 ||
			!bytes.HasPrefix(long, a.Body) {
			t.Errorf("an answer of 10 MB: %d bytes of %d, cut %t", len(a.Body), a.Bytes, a.Cut)
		}
		if r := tr.Request; !r.Cut || len(r.Body) != domain.MaxTracedBody || r.Bytes != domain.MaxTracedBody+1 {
			t.Errorf("a request: %d bytes of %d, cut %t", len(r.Body), r.Bytes, r.Cut)
		}
	}
}

// A target that repeats the secrets of a job does not show them: a body in which they cannot be
// found is left out.
func TestTraceHidesSecrets(t *testing.T) {
	t.Parallel()
	const secret = "Bearer canary-4711"
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, secret)
	_ = z.Close()
	long := strings.Repeat(`{"some":"text \u00e9 & more %20"},`, 1_500)
	for name, c := range map[string]struct {
		body, header string
		withheld     bool
	}{
		"as it is":    {"you sent " + secret, "X: " + secret, false},
		"encoded":     {base64.StdEncoding.EncodeToString([]byte(secret)), "X: " + strings.ToUpper(secret), false},
		"cut off":     {strings.Repeat("x", domain.MaxTracedBody-10) + secret, "X: y", false},
		"a long text": {long + secret + long, "X: y", false},
		"compressed":  {zipped.String(), "Content-Encoding: gzip", true},
		"binary":      {"\x00\x01" + secret, "X: y", true},
		"UTF-16":      {"\xff\xfeB\x00e\x00a\x00r\x00e\x00r\x00", "X: y", true},
		"no UTF-8":    {"\xe9 caf\xe9 " + secret, "X: y", true},
	} {
		s := answerWith(t, rawResponse(200, c.body, c.header), "")
		x := newTestExecutor(t, Config{})
		call := newCall(s.url())
		tr, out := trace(x, call)
		if out.Verdict != success || tr.Response.Withheld || len(tr.Response.Body) == 0 {
			t.Errorf("%s, of a job without secrets: %+v %t %q", name, out, tr.Response.Withheld, tr.Response.Body)
		}
		call.Headers = map[string]string{"Authorization": secret}
		call.Secrets = []string{secret, "canary-4711"}
		tr, _ = trace(x, call)
		shown := lines(tr.Response) + string(tr.Response.Body)
		if strings.Contains(strings.ToLower(shown), "canary") || strings.Contains(shown, "Y2FuYXJ5") {
			t.Errorf("%s: the secret is shown", name)
		}
		if tr.Response.Withheld != c.withheld || c.withheld != (len(tr.Response.Body) == 0) {
			t.Errorf("%s: withheld %t, %.100q", name, tr.Response.Withheld, tr.Response.Body)
		}
		if name == "a long text" && !strings.HasPrefix(string(tr.Response.Body), long) {
			t.Errorf("all of a long text is masked: %.100q", tr.Response.Body)
		}
		if !slices.Contains(tr.Request.Headers, domain.TracedHeader{Name: "Authorization", Value: secret}) {
			t.Error("the request is not as it was sent")
		}
	}
}

// A secret of the server is not shown either.
func TestTraceHidesTheServersSecrets(t *testing.T) {
	t.Parallel()
	s := answerWith(t, rawResponse(200, "I know "+string(secretA)), "")
	x := newTestExecutor(t, Config{Signing: Signing{Secrets: secretA.Texts()}})
	if tr, _ := trace(x, newCall(s.url())); string(tr.Response.Body) != "I know "+domain.Mask {
		t.Errorf("%q", tr.Response.Body)
	}
}

// A panic within a call leaves nothing in the trace that could hold a secret.
func TestTraceAfterAPanic(t *testing.T) {
	t.Parallel()
	x := newTestExecutor(t, Config{Guard: panicking{}})
	tr, out := trace(x, newCall("http://127.0.0.1:9/"))
	if !strings.Contains(out.Error, "internal fault") || len(tr.Request.Headers) > 0 {
		t.Errorf("%+v %+v", out, tr)
	}
}

type panicking struct{}

func (panicking) CheckName(string, uint16) error         { panic("name") }
func (panicking) CheckAddr(string, netip.AddrPort) error { panic("address") }

// Odd heads of answers are shown as text.
func TestTraceOfOddHeads(t *testing.T) {
	t.Parallel()
	s := serveRaw(t, func(_ int, c net.Conn) {
		if _, _, ok := readRequest(bufio.NewReader(c)); ok {
			_, _ = fmt.Fprintf(c, "HTTP/1.0 404 X\r\nA: 1\r\n  more\r\nno colon\r\nB: \x01\xff\r\nC: %s\r\n\r\n",
				strings.Repeat("c", 5_000))
		}
	})
	tr, out := trace(newTestExecutor(t, Config{}), newCall(s.url()))
	want := "A: 1 more\nno colon: \nB: \ufffd\ufffd\nC: ccc"
	if h := lines(tr.Response); out.HTTPStatus != 404 || !strings.HasPrefix(h, want) || !tr.Response.Cut ||
		tr.Protocol != "HTTP/1.0" {
		t.Errorf("%+v %.100q", out, h)
	}
}
