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
)

// FuzzRequest makes a request of any job that the domain takes. It goes to the
// host that the URL names and to no other, and what goes over the wire is one
// request, with the job's header and no header more: whatever stands in the
// URL or in a value.
func FuzzRequest(f *testing.F) {
	f.Add("http://example.com/hook?x=1", "X-Team", "billing", "{}")
	f.Add("https://EXAMPLE.com:8443", "Authorization", "Bearer x", "")
	f.Add("http://[::1]:80?a=b", "X-A", "\t spaced \t", "\r\n\r\nGET / HTTP/1.1")
	f.Add("http://[fe80::1%25eth0]/", "X-A", "ü", "x")
	f.Add("HTTP://a.b/\\evil.example/@x?{}|^`\"<>", "X-A", "1", "x")
	f.Add("http://a/%0d%0aX-Injected:1", "X-A", "1", "x")
	f.Add("http://127.1/;/..//..;a?b?c=%", "accept", "", "x")
	x := newTestExecutor(f, Config{})
	f.Fuzz(func(t *testing.T, api, name, value, body string) {
		spec := domain.DefaultSpec()
		spec.Schedule, spec.API, spec.Type = "@hourly", api, domain.AtLeastOnce
		spec.Headers = map[string]string{name: value}
		if spec.Validate() != nil {
			return
		}
		call := newCall(api)
		call.Headers, call.Body = spec.Headers, []byte(body)
		tgt, ok := splitURL(api)
		if !ok {
			t.Fatalf("%q is accepted by the domain and not by the executor", api)
		}
		h, err := newHost(hostKey{}, tgt)
		if err != nil {
			t.Fatalf("%q: %v", api, err)
		}
		wantSameHost(t, api, h)
		e := newExchange()
		var out domain.Outcome
		e.begin(x, call, &out)
		defer e.end()
		head, refused := e.appendHead(nil, tgt.path, h.header, e.body())
		if refused != "" {
			t.Fatalf("%q, %q: %q: refused: %s", api, name, value, refused)
		}
		wantOneRequest(t, append(head, e.body()...), call)
	})
}

// wantSameHost compares with the standard library's reading of the URL.
func wantSameHost(t *testing.T, api string, h *host) {
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
	if want, err := strconv.Atoi(port); err != nil || int(h.port) != want {
		t.Errorf("%q goes to port %d, want %s", api, h.port, port)
	}
	if own, _, _ := strings.Cut(h.name, "%"); own != name && !h.addr.IsValid() {
		t.Errorf("%q goes to %s, want %s", api, h.name, name)
	}
}

func wantOneRequest(t *testing.T, wire []byte, call *domain.Call) {
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
	own := map[string]bool{
		"Idempotency-Key": true, "Belfry-Job-Id": true, "Belfry-Execution-Id": true, "Belfry-Scheduled-At": true,
		"Belfry-Attempt": true, "User-Agent": true, "Content-Type": true, "Content-Length": true,
	}
	for name, value := range call.Headers {
		own[http.CanonicalHeaderKey(name)] = true
		if got := req.Header.Get(name); strings.Trim(got, " \t") != strings.Trim(value, " \t") {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	for name, values := range req.Header {
		if !own[name] || len(values) != 1 {
			t.Errorf("there is a header %s: %q", name, values)
		}
	}
}
