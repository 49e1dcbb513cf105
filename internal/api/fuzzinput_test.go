package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// serveRaw sends a request that need not be one that a client could send.
func serveRaw(t *testing.T, h http.Handler, method string, u *url.URL, body string, header http.Header) answer {
	t.Helper()
	r := &http.Request{
		Method: method, URL: u, Host: "example.com", Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), RemoteAddr: "127.0.0.1:1",
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(t.Context()))
	res := w.Result()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res, string(text)}
}

// wantSane asserts that an answer is no 5xx, and a problem when it refuses.
func wantSane(t *testing.T, what string, a answer) {
	t.Helper()
	if a.StatusCode >= 500 {
		t.Errorf("%q: %d %s", what, a.StatusCode, a.text)
	}
	if a.StatusCode >= 400 {
		a.problem(t, a.StatusCode)
	}
}

// FuzzChange sends any body to the other routes that take one: a refused change
// leaves the job as it was, and no answer is a 5xx.
func FuzzChange(f *testing.F) {
	for _, body := range []string{
		`{}`, `{"name":"x"}`, `{"headers":{"X-Token":"********"}}`, `{"secretHeaders":[]}`, `{"schedule":null}`,
		`{"retry":{"maxRetries":-1}}`,
		`{"schedule":"0 30 2 * * *","timezone":"Europe/Berlin","count":3,"after":"2027-03-27T00:00:00Z"}`,
		`{"schedule":"@every 1ns","count":1e9}`,
		`{"after":"9999-99-99T99:99:99Z","schedule":"* * * * * *"}`, "\x00", `[`, `{"dst":{"gap":[]}}`,
	} {
		f.Add(body)
	}
	next := manyInputs(f, func(t testing.TB, f *fixture) http.Handler { return newAPI(t, f) })
	const kind = "Content-Type: application/json"
	f.Fuzz(func(t *testing.T, body string) {
		_, h := next(t)
		path := "/jobs/" + create(t, h, full)
		before := call(t, h, "GET", path, "").text
		res := call(t, h, "PUT", path, body, kind)
		wantSane(t, body, res)
		if after := call(t, h, "GET", path, "").text; res.StatusCode != 200 && after != before {
			t.Errorf("%d, and the job has changed:\n%s\n%s", res.StatusCode, before, after)
		}
		wantSane(t, body, call(t, h, "POST", "/schedules/preview", body, kind))
	})
}

// FuzzRequestLine sends any path, query and conditional header to every method.
func FuzzRequestLine(f *testing.F) {
	for _, seed := range [][3]string{
		{"/jobs", "limit=5&cursor=x", `"1"`}, {"/jobs", "limit=%00&isActive=maybe", `W/"1"`}, {"/jobs/%zz", "a;b", "*"},
		{"/executions/0192f0c1-2d3e-8a4b-8c5d-6e7f80910a1b", "", ""},
		{"/audit", "from=1&to=9999999999999999999&jobId=x", ""},
		{"/audit", "from=2026-01-01T00:00:00Z&to=2025-01-01T00:00:00Z", ""}, {"/jobs/export", "withSecrets=1", ""},
		{"//", "%", "\x00"},
		{"/observability/alerts", "open=true&cursor=" + strings.Repeat("A", 400), ""},
		{"/jobs/../jobs", "limit[]=1", `"99999999999999999999"`},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	h := newAPI(f, newFixture(f))
	f.Fuzz(func(t *testing.T, path, query, ifMatch string) {
		for _, method := range []string{"GET", "PUT", "POST", "DELETE", "PATCH"} {
			header := http.Header{"If-Match": {ifMatch}, "Content-Type": {"application/json"}}
			wantSane(t, method+" "+path+"?"+query, serveRaw(t, h, method, &url.URL{Path: path, RawQuery: query},
				`{"name":"x"}`, header))
		}
	})
}
