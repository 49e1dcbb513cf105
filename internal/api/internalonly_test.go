package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestSchedulersAnswerNoClients: a server without an API for clients answers probes, and refuses the
// rest as something that another server can answer.
func TestSchedulersAnswerNoClients(t *testing.T) {
	h := newAPI(t, newFixture(t), func(c *Config) { c.Cluster.Internal = true })
	for path, want := range map[string]int{
		"/healthz": 200, "/readyz": 200, "/metrics": 200, "/observability/health": 200, "/hosts": 200, "/v1/hosts": 200,
		"/jobs": 503, "/v1/jobs": 503, "/jobs/export": 503, "/docs": 503, "/": 503, "/observability": 503,
		"/metricsx": 503,
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+path, nil))
		if w.Code != want {
			t.Errorf("GET %s answers %d, want %d: %s", path, w.Code, want, w.Body)
		}
		if want == 503 && !strings.Contains(w.Body.String(), "role scheduler") {
			t.Errorf("GET %s does not say why: %s", path, w.Body)
		}
	}
}
