package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// TestSlashes: doubled ones and one at the end make no difference, for no method
// and no role.
func TestSlashes(t *testing.T) {
	h := newAPI(t, newFixture(t))
	id := create(t, h, minimal)
	for _, tc := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/jobs/", minimal, 201}, {"POST", "//jobs", minimal, 201}, {"POST", "//jobs//", minimal, 201},
		{"GET", "/jobs/?limit=1", "", 200}, {"GET", "/jobs/" + id + "/", "", 200},
		{"GET", "/jobs//" + id + "//executions/", "", 200},
		{"PUT", "/jobs/" + id + "/", `{"name":"x"}`, 200}, {"PATCH", "/jobs/" + id, `{"name":"y"}`, 200},
		{"POST", "/jobs/" + id + "/trigger/", "", 202},
		{"GET", "/healthz/", "", 200}, {"HEAD", "/healthz", "", 200}, {"GET", "//", "", 200},
		{"GET", "/observability//health", "", 200},
		{"DELETE", "/jobs/" + id + "/", "", 200},
	} {
		r := call(t, h, tc.method, "http://localhost"+tc.path, tc.body)
		if r.StatusCode != tc.status {
			t.Errorf("%s %s: %d, want %d: %s", tc.method, tc.path, r.StatusCode, tc.status, r.text)
		}
	}
}

// TestSlashesOpenNothing: a role goes as far as it does without them.
func TestSlashesOpenNothing(t *testing.T) {
	k := newKeyed(t)
	for _, path := range []string{"/keys", "//keys", "/keys/", "//keys//", "/audit//changes", "/audit/changes/",
		"//audit/changes"} {
		k.as(t, domain.RoleEditor, "GET", path, "").problem(t, 403)
		if res := k.as(t, domain.RoleAdmin, "GET", path, ""); res.StatusCode != 200 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	k.as(t, domain.RoleViewer, "POST", "//jobs/", minimal).problem(t, 403)
}

func TestPathsThatWereMeant(t *testing.T) {
	f := newFixture(t)
	h := withKey{newAPI(t, f, func(c *Config) { c.Keys = ring(t, f, key1) }), key1}
	const id = "0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"
	for path, want := range map[string]string{
		"/Jobs": "/jobs", "/JOBS/" + id: "/jobs/" + id, "/api/jobs": "/jobs", "/v2/jobs": "/jobs",
		"/api/v1/jobs/" + id + "/trigger": "/jobs/" + id + "/trigger",
		"/job":                            "/jobs", "/job/" + id: "/jobs/" + id,
		"/jobs/" + id + "/run":     "/jobs/" + id + "/trigger",
		"/jobs/" + id + "/Pause":   "/jobs/" + id + "/pause",
		"/jobs/" + id + "/history": "/jobs/" + id + "/executions", "/health": "/healthz", "/ping": "/healthz",
		"/ready": "/readyz", "/HEALTHZ": "/healthz",
		"/api/executions": "/executions", "/api/health": "/healthz", "/swagger.json": "/openapi.json",
		"/Metrics": "/metrics",
	} {
		for _, method := range []string{"GET", "POST"} {
			if p := call(t, h, method, path, "").problem(t, 404); !strings.Contains(p.Detail,
				"did you mean "+want+"?") {
				t.Errorf("%s %s: %q, want %s", method, path, p.Detail, want)
			}
		}
	}
	for _, path := range []string{"/nope", "/api", "/api/v1", "/jobs/" + id + "/nope", "/" + strings.Repeat("x", 5000),
		"/api/../jobs", "/v1/%00"} {
		if p := call(t, h, "GET", path, "").problem(t, 404); strings.Contains(p.Detail, "did you mean") {
			t.Errorf("%.40s: %q", path, p.Detail)
		}
	}
	for _, tc := range []struct{ method, path, hint string }{
		{"PUT", "/jobs", "PUT or DELETE /jobs/{id}"}, {"POST", "/jobs/" + id, "To change a job: PUT"},
	} {
		if p := call(t, h, tc.method, tc.path, "{}").problem(t, 405); !strings.Contains(p.Detail, tc.hint) {
			t.Errorf("%s %s: %q", tc.method, tc.path, p.Detail)
		}
	}
}

func TestOptions(t *testing.T) {
	h := newAPI(t, newFixture(t))
	for path, want := range map[string]string{
		"/jobs": "GET, HEAD, OPTIONS, POST", "/jobs/x": "DELETE, GET, HEAD, OPTIONS, PATCH, PUT",
		"/jobs/x/trigger": "OPTIONS, POST", "/healthz": "GET, HEAD, OPTIONS",
	} {
		res := call(t, h, http.MethodOptions, path, "", "Origin: https://evil.example",
			"Access-Control-Request-Method: POST")
		if res.StatusCode != 204 || res.Header.Get("Allow") != want ||
			res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d, %v", path, res.StatusCode, res.Header)
		}
	}
	call(t, h, http.MethodOptions, "/nope", "").problem(t, 404)
}
