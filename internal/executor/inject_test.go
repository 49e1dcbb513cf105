package executor

import (
	"bufio"
	"io"
	"net/http"
	"net/textproto"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// FuzzRequest: whatever a job says that the API accepts, the target gets one
// request, with the job's header as it was given, one Host, and Belfry's own
// headers once each.
func FuzzRequest(f *testing.F) {
	f.Add("https://example.com/hook?a=1", "X-A", "value", "POST")
	f.Add("http://example.com", "Host", "evil", "GET")
	f.Add("http://example.com/\r\nX: y", "A\r\nB", "1\r\n\r\nGET / HTTP/1.1", "PUT")
	f.Add("http://[::1]:80?x", "belfry_job_id", "x", "HEAD")
	f.Add("http://a.b:8080/%0d%0a", "Content_Length", "0", "PATCH")
	x := newTestExecutor(f, Config{Signer: newSigner(f, secretA)})
	f.Fuzz(func(t *testing.T, url, name, value, method string) {
		spec := domain.DefaultSpec()
		spec.Schedule, spec.Type = "* * * * * *", domain.AtLeastOnce
		spec.API, spec.Method, spec.Headers = url, method, map[string]string{name: value}
		if spec.Validate() != nil {
			return
		}
		e, call := newExchange(), newCall(url)
		call.Method, call.Headers = method, spec.Headers
		var out domain.Outcome
		e.begin(x, call, &out)
		defer e.end()
		target, ok := splitURL(url)
		if !ok {
			t.Fatalf("%q is accepted and not understood", url)
		}
		h, err := x.host(target, call)
		if err != nil {
			t.Fatalf("%q: %v", url, err)
		}
		body := e.body()
		head, refused := e.appendHead(nil, target.path, h.header, body)
		if refused != "" {
			t.Fatalf("%q %q %q is accepted and then not sent: %s", method, name, value, refused)
		}
		wire := bufio.NewReader(strings.NewReader(string(head) + string(body)))
		req, err := http.ReadRequest(wire)
		if err != nil {
			t.Fatalf("%v: %q", err, head)
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			t.Fatalf("%v: %q", err, head)
		}
		if rest, _ := io.ReadAll(wire); len(rest) > 0 {
			t.Errorf("after the request comes %q", rest)
		}
		if req.Method != method || !strings.EqualFold(req.Host, target.authority) && !strings.Contains(url, "%25") || len(req.TransferEncoding) > 0 {
			t.Errorf("%s to %q, transfer encoding %v: %q", req.Method, req.Host, req.TransferEncoding, head)
		}
		own := []string{"Idempotency-Key", "Belfry-Job-Id", "Belfry-Execution-Id", "Belfry-Scheduled-At", "Belfry-Attempt", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature", "User-Agent"}
		if got := req.Header[textproto.CanonicalMIMEHeaderKey(name)]; len(got) != 1 || got[0] != strings.Trim(value, " \t") {
			t.Errorf("%s: %q arrives as %q", name, value, got)
		}
		for _, name := range own {
			if n := len(req.Header[name]); n != 1 {
				t.Errorf("%s is there %d times in %q", name, n, head)
			}
		}
	})
}
