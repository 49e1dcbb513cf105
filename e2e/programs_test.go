package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestEveryAnswerNamesItsRequest: whoever gives it, and the log has the name.
func TestEveryAnswerNamesItsRequest(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir(), "LOG_LEVEL=debug")
	const header = "X-Request-Id"
	for _, row := range []request{
		{"a list", "GET", "/jobs", http.Header{header: {"list-1"}}, "", 200, nil, nil},
		{"a page", "GET", "/docs", http.Header{header: {"page-1"}}, "", 200, nil, nil},
		{"a probe", "GET", "/healthz", http.Header{header: {"probe-1"}}, "", 200, nil, nil},
		{"no path", "GET", "/nothing", http.Header{header: {"path-1"}}, "", 404, nil, nil},
		{"a body that is too large", "POST", "/jobs",
			http.Header{header: {"large-1"}, "Content-Type": {"application/json"}},
			strings.Repeat(" ", 2<<20), 413, nil, nil},
		{"an id that is none", "GET", "/jobs", http.Header{header: {"a b"}}, "", 200, nil, nil},
	} {
		given := row.header.Get(header)
		res, _ := row.send(t, p.url)
		id := res.Header.Get(header)
		if taken := id == given; taken == (given == "a b") || id == "" {
			t.Errorf("%s: %q became %q", row.name, given, id)
		}
		eventually(t, "the log names "+id, func() bool { return strings.Contains(p.log(), `"request_id":"`+id+`"`) })
	}
	for _, head := range []string{
		"nonsense", "GET /jobs HTTP/1.1", "GET /jobs HTTP/1.1\r\nHost: localhost\r\nA: " + strings.Repeat("x", 1<<17),
	} {
		res, _ := p.wire(head+"\r\n\r\n", "GET")
		id := res.Header.Get(header)
		if res.StatusCode < 400 || id == "" {
			t.Errorf("%.20q: %d, id %q", head, res.StatusCode, id)
		}
		eventually(t, "the log names "+id, func() bool { return strings.Contains(p.log(), `"request_id":"`+id+`"`) })
	}
}
