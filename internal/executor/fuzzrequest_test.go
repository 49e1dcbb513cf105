package executor

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// FuzzRequest makes a request of any job that the domain takes. It goes to the
// host that the URL names and to no other, and what goes over the wire is one
// request, with the job's header, Belfry's own once each and no header more:
// whatever the URL or a value contains.
func FuzzRequest(f *testing.F) {
	f.Add("http://example.com/hook?x=1", "X-Team", "billing", "POST", "{}")
	f.Add("https://EXAMPLE.com:8443", "Authorization", "Bearer x", "PUT", "")
	f.Add("http://[::1]:80?a=b", "X-A", "\t spaced \t", "PATCH", "\r\n\r\nGET / HTTP/1.1")
	f.Add("http://[fe80::1%25eth0]/", "X-A", "ü", "POST", "x")
	f.Add("HTTP://a.b/\\evil.example/@x?{}|^`\"<>", "X-A", "1", "DELETE", "x")
	f.Add("http://a/%0d%0aX-Injected:1", "X-A", "1", "POST", "x")
	f.Add("http://a.b/;/..//..;a?b?c=%", "accept", "", "POST", "x")
	f.Add("http://example.com", "Host", "evil", "GET", "")
	f.Add("http://example.com/\r\nX: y", "A\r\nB", "1\r\n\r\nGET / HTTP/1.1", "PUT", "x")
	f.Add("http://[::1]:80?x", "belfry_job_id", "x", "HEAD", "")
	f.Add("http://a.b:8080/%0d%0a", "Content_Length", "0", "PATCH", "")
	x := newTestExecutor(f, Config{Signing: Signing{Of: forAll(newSigner(f, secretA))}})
	f.Fuzz(func(t *testing.T, api, name, value, method, body string) {
		spec := domain.DefaultSpec()
		spec.Schedule, spec.API, spec.Type, spec.Method = "@hourly", api, domain.AtLeastOnce, method
		spec.Headers = map[string]string{name: value}
		if spec.Validate() != nil {
			return
		}
		call := newCall(api)
		call.Method, call.Headers, call.Body = method, spec.Headers, []byte(body)
		if !bodyMethod(method) {
			call.Body = nil
		}
		tgt, ok := target.Cut(api)
		if !ok {
			t.Fatalf("%q is accepted by the domain and not by the executor", api)
		}
		to, err := x.pools.route(tgt, call)
		if err != nil {
			t.Fatalf("%q: %v", api, err)
		}
		wantSameHost(t, api, to.pool)
		e := newExchange()
		var out domain.Outcome
		e.begin(&x.transport, call, &out)
		defer e.end()
		refused := e.req.build(&x.cfg, call, tgt.Path, to.header)
		if refused != "" {
			t.Fatalf("%q, %q: %q: refused: %s", api, name, value, refused)
		}
		wantOneRequest(t, e.req.whole(), call, tgt)
	})
}

// wantSameHost compares with the standard library's reading of the URL.
func wantSameHost(t *testing.T, api string, p *pool) {
	t.Helper()
	u, err := url.Parse(api)
	if err != nil {
		t.Fatal(err)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	name, _, _ := strings.Cut(u.Hostname(), "%")
	if want, err := strconv.Atoi(port); err != nil || int(p.Port) != want {
		t.Errorf("%q goes to port %d, want %s", api, p.Port, port)
	}
	if own, _, _ := strings.Cut(p.Name, "%"); !strings.EqualFold(own, name) && !p.Addr.IsValid() {
		t.Errorf("%q goes to %s, want %s", api, p.Name, name)
	}
}

func wantOneRequest(t *testing.T, wire []byte, call *domain.Call, to target.Parts) {
	t.Helper()
	br := bufio.NewReader(bytes.NewReader(wire))
	req, err := http.ReadRequest(br)
	if err != nil {
		t.Fatalf("not a request: %v\n%q", err, wire)
	}
	got, err := io.ReadAll(req.Body)
	if err != nil || !bytes.Equal(got, call.Body) {
		t.Errorf("the body is %q, error %v, want %q", got, err, call.Body)
	}
	if rest, _ := io.ReadAll(br); len(rest) > 0 {
		t.Errorf("after the request comes %q", rest)
	}
	if req.Method != call.Method || len(req.TransferEncoding) > 0 ||
		!strings.EqualFold(req.Host, to.Authority) && !strings.Contains(call.URL, "%25") {
		t.Errorf("%s to %q, transfer encoding %v: %q", req.Method, req.Host, req.TransferEncoding, wire)
	}
	allowed := map[string]bool{"Content-Type": true, "Content-Length": true}
	for _, name := range []string{
		"Idempotency-Key", "Belfry-Job-Id", "Belfry-Execution-Id", "Belfry-Scheduled-At", "Belfry-Attempt",
		"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature", "User-Agent",
	} {
		allowed[name] = true
		if n := len(req.Header[name]); n != 1 {
			t.Errorf("%s is there %d times in %q", name, n, wire)
		}
	}
	for name, value := range call.Headers {
		allowed[http.CanonicalHeaderKey(name)] = true
		if got := req.Header.Get(name); strings.Trim(got, " \t") != strings.Trim(value, " \t") {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	for name, values := range req.Header {
		if !allowed[name] || len(values) != 1 {
			t.Errorf("there is a header %s: %q", name, values)
		}
	}
}
