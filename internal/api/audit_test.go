package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/store"
)

func askAudit(t *testing.T, h http.Handler, query string) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/audit"+query, nil)
	h.ServeHTTP(rec, r)
	return rec
}

func TestAuditOfARealStore(t *testing.T) {
	h, _ := newReal(t)
	for _, query := range []string{"", "?from=2026-01-01T00:00:00Z&to=1767312000000",
		"?jobId=0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"} {
		rec := askAudit(t, h, query)
		if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `"lost":[]`) {
			t.Errorf("%s: %d %s", query, rec.Code, rec.Body)
		}
	}
	for query, want := range map[string]string{
		"?from=yesterday": "must be Unix milliseconds, as in",
		"?to=-1":          "before 2001: milliseconds?",
		"?from=1767225600": `"from is before 2001: milliseconds? 1767225600 seconds are ` +
			`1767225600000 milliseconds`,
		"?from=1767225600000&to=1767225599999": `"to must not be before from"`,
		"?from=0&to=1767225600000":             `"from must be at most 31 days before to"`,
		"?jobId=7":                             "must be a UUID",
	} {
		rec := askAudit(t, h, query)
		if rec.Code != http.StatusBadRequest || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%s: %d %s, want 400 with %q", query, rec.Code, rec.Body, want)
		}
	}
}

// heldStore lends its shard when the test says so.
type heldStore struct {
	store.Store

	asked, release chan struct{}
}

func (s heldStore) Shards() store.Shards {
	close(s.asked)
	<-s.release
	panic("held: the audit is over")
}

// One audit at a time: the next is told to come back.
func TestAuditsDoNotPileUp(t *testing.T) {
	f := newFixture(t)
	held := heldStore{f.store, make(chan struct{}), make(chan struct{})}
	h := newAPI(t, f, func(c *Config) { c.Store = held })
	first := make(chan int)
	go func() { first <- askAudit(t, h, "").Code }()
	<-held.asked
	rec := askAudit(t, h, "")
	if rec.Code != http.StatusTooManyRequests || rec.Header().Get("Retry-After") == "" {
		t.Errorf("second audit: %d %s", rec.Code, rec.Body)
	}
	close(held.release)
	if code := <-first; code != http.StatusInternalServerError {
		t.Errorf("first audit: %d", code)
	}
}
