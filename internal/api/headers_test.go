package api

import (
	"slices"
	"strings"
	"testing"
)

// TestNothingIsIgnored: what a route does not follow and would do harm to ignore is refused
// by name, and nothing was done.
func TestNothingIsIgnored(t *testing.T) {
	f := newFixture(t)
	h := withKey{newAPI(t, f, func(c *Config) { c.Keys = ring(t, f, key1) }), key1}
	job := "/jobs/" + create(t, h, minimal)
	for _, row := range []struct{ method, path, body, header, field string }{
		{"POST", "/jobs", minimal, `If-Match: "1"`, "If-Match"},
		{"POST", "/jobs", minimal, `If-None-Match: *`, "If-None-Match"},
		{"POST", "/jobs/import", minimal, `If-Match: "1"`, "If-Match"},
		{"POST", "/keys", `{"name":"x","role":"viewer"}`, `If-None-Match: *`, "If-None-Match"},
		{"DELETE", "/keys/k7x2mq4a", "", `If-Match: *`, "If-Match"},
		{"PUT", job, `{"name":"x"}`, "If-Unmodified-Since: Thu, 01 Jan 2026 00:00:00 GMT", "If-Unmodified-Since"},
		{"DELETE", job, "", "If-Unmodified-Since: x", "If-Unmodified-Since"},
		{"POST", job + "/trigger", "", "If-Unmodified-Since: x", "If-Unmodified-Since"},
		{"PUT", job, `{"name":"x"}`, "Content-Range: bytes 0-5/20", "Content-Range"},
		{"POST", "/jobs", minimal, "X-HTTP-Method-Override: DELETE", "X-Http-Method-Override"},
		{"POST", job + "/pause", "", "X-HTTP-Method: PUT", "X-Http-Method"},
		{"GET", job, "", "X-Method-Override: DELETE", "X-Method-Override"},
		{"POST", job + "/trigger", `{"body":{"x":1}}`, "X-A: 1", "body"},
		{"POST", job + "/resume", `[]`, "X-A: 1", "body"},
		{"DELETE", job, `{"version":1}`, "X-A: 1", "body"},
		{"DELETE", job, strings.Repeat(" ", 1000) + "x", "Transfer-Encoding: chunked", "body"},
		{"POST", job + "/resume?version=1", "", "X-A: 1", "version"},
		{"POST", "/jobs?dryRun=true", minimal, "X-A: 1", "dryRun"},
	} {
		p := call(t, h, row.method, row.path, row.body, row.header).problem(t, 400)
		if !slices.Equal(p.fields(), []string{row.field}) {
			t.Errorf("%s %s with %s and %s: %+v", row.method, row.path, row.header, row.body, p)
		}
	}
	if n, j := f.count(t), f.job(t, strings.TrimPrefix(job, "/jobs/")); n != 1 || j.Current.Number != 1 {
		t.Errorf("%d jobs, version %d", n, j.Current.Number)
	}
	for _, row := range []struct{ method, path, body, header string }{
		{"POST", job + "/pause", "{ }\n", "X-A: 1"},
		{"POST", job + "/resume", "null", "X-Http-Method-Override: post"},
		{"POST", job + "/resume", "", "If-Modified-Since: x"},
		{"GET", job, "", "Range: bytes=0-5"},
		{"GET", "/jobs", "", `If-None-Match: "1"`},
	} {
		if res := call(t, h, row.method, row.path, row.body, row.header); res.StatusCode != 200 {
			t.Errorf("%s %s with %s: %d %s", row.method, row.path, row.header, res.StatusCode, res.text)
		}
	}
}
