package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/access"
)

func TestWantsPage(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "application/json": false, "text/html": true, "TEXT/HTML": true, "text/*": false,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": true, "text/html;q=0": false,
		"application/json, text/html;q=0.9": false, "application/json;q=0.5, text/html;level=1;q=0.9": true,
		"text/html;q=none": false, "application/json, text/plain, */*": false, "text/html, application/json": true,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept", accept)
		if got := wantsPage(r); got != want {
			t.Errorf("%q: %v", accept, got)
		}
	}
}

// Who asks for the dashboard needs no key; who asks the API does, whatever he accepts.
func TestAsksForUI(t *testing.T) {
	for _, c := range []struct {
		method, path string
		want         bool
	}{
		{"GET", "/", true}, {"HEAD", "/", true}, {"POST", "/", false}, {"GET", "/ui", true},
		{"GET", "/ui/jobs/x", true},
		{"HEAD", "/ui/assets/a.js", true}, {"DELETE", "/ui/jobs", false}, {"GET", "/uix", false},
		{"GET", "/jobs", false},
		{"GET", "/jobs/ui/", false}, {"GET", "/docs", false},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		r.Header.Set("Accept", "text/html")
		if got := asksForUI(r); got != c.want {
			t.Errorf("%s %s: %v", c.method, c.path, got)
		}
	}
}

// The root answers a browser with the page and a program with JSON, and the page needs no key where all else does.
func TestPageBesideTheAPI(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("page " + r.Pattern))
	})
	f := newFixture(t)
	for _, keys := range []*access.Keyring{ring(t, f), ring(t, f, strings.Repeat("k", 40))} {
		h := newAPI(t, f, func(c *Config) { c.Page, c.Keys = page, keys })
		locked := 200
		if !keys.Empty() {
			locked = 401
		}
		for _, c := range []struct {
			method, path, accept string
			status               int
			body                 string
		}{
			{"GET", "/", "text/html", 200, "page GET /"}, {"HEAD", "/", "text/html", 200, ""},
			{"GET", "/", "application/json", locked, "{"}, {"GET", "/", "", locked, "{"},
			{"GET", "/ui", "", 200, "page GET /ui"}, {"GET", "/ui/jobs/x", "", 200, "page GET /ui/{path...}"},
			{"GET", "/ui/../jobs", "", 404, "{"}, {"GET", "/jobs", "text/html", locked, "{"},
			{"POST", "/", "text/html", 403, "{"}, {"PUT", "/ui/x", "", 403, "{"}, // an anonymous editor
		} {
			if c.status == 403 && locked == 401 {
				c.status = 401
			}
			r := httptest.NewRequest(c.method, "http://localhost"+c.path, nil)
			r.Header.Set("Accept", c.accept)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != c.status || !strings.HasPrefix(w.Body.String(), c.body) {
				t.Errorf("%s %s (%s): %d %.100s", c.method, c.path, c.accept, w.Code, w.Body)
			}
			if c.path == "/" && w.Code == 200 && w.Header().Get("Vary") != "Accept" {
				t.Errorf("%s: %v", c.path, w.Header())
			}
		}
	}
}
