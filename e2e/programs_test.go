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

// TestErrorsForPrograms: what a client decides by has a code, and a client that is
// throttled reads by which quota.
func TestErrorsForPrograms(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("k", 40)
	p := serve(t, t.TempDir(), "BELFRY_API_KEYS="+key, "BELFRY_RATE_LIMIT=100")
	with := jsonHead.Clone()
	with.Set("Authorization", "Bearer "+key)
	for _, row := range []request{
		{"several fields", "POST", "/jobs", with, jobWith(`"retry":{"maxRetries":200},"timezone":"Mars/X","foo":1`),
			422,
			[]string{`"code":"invalid"`, `"field":"retry.maxRetries","code":"out-of-range"`,
				`"field":"timezone","code":"not-found"`, `"field":"foo","code":"unknown"`}, nil},
		{"items of an import", "POST", "/jobs/import", with, "[{}]", 200,
			[]string{`"error":{"code":"invalid"`, `"field":"schedule","code":"required"`}, nil},
		{"a parameter", "GET", "/jobs?limit=x", with, "", 400,
			[]string{`"code":"malformed"`, `"field":"limit","code":"out-of-range"`}, nil},
		{"a right key", "GET", "/jobs", with, "", 200, nil, nil},
	} {
		res, _ := row.send(t, p.url)
		if got := res.Header.Get("RateLimit-Policy"); got != `"key";q=100;w=1` {
			t.Errorf("%s: RateLimit-Policy %q", row.name, got)
		}
	}
	wrong := http.Header{"Authorization": {"Bearer wrong"}}
	status := http.StatusUnauthorized
	for n := 0; status == http.StatusUnauthorized && n < 100; n++ {
		req, err := http.NewRequest("GET", p.url+"/jobs", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = wrong
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if status = res.StatusCode; status == http.StatusTooManyRequests &&
			(res.Header.Get("RateLimit-Policy") != `"wrong-keys";q=10;w=10` ||
				!strings.HasPrefix(res.Header.Get("RateLimit"), `"wrong-keys";r=0;t=`)) {
			t.Errorf("throttled with %v", res.Header)
		}
	}
	if status != http.StatusTooManyRequests {
		t.Errorf("wrong keys end with %d", status)
	}
}
