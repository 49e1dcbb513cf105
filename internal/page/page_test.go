package page

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func built(t *testing.T) *Page {
	t.Helper()
	p, err := New(fstest.MapFS{
		".keep":             {},
		"index.html":        {Data: []byte("<!doctype html>the shell")},
		"assets/app-AB.js":  {Data: []byte("let one = 1;" + strings.Repeat(" ", 1000))},
		"assets/app-CD.css": {Data: []byte("body { margin: 0 }")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func get(h http.Handler, path string, headers ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func textOf(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPaths(t *testing.T) {
	p := built(t)
	for path, want := range map[string]struct {
		status                  int
		text, kind, kept, speak string
	}{
		"/":                             {200, "the shell", "text/html; charset=utf-8", "no-cache", policy},
		"/ui":                           {200, "the shell", "text/html; charset=utf-8", "no-cache", policy},
		"/ui/":                          {200, "the shell", "text/html; charset=utf-8", "no-cache", policy},
		"/ui/jobs/x?status=FAILED":      {200, "the shell", "text/html; charset=utf-8", "no-cache", policy},
		"/ui/index.html":                {200, "the shell", "text/html; charset=utf-8", "no-cache", policy},
		"/ui/assets/app-AB.js":          {200, "let one", "text/javascript; charset=utf-8", keptAYear, ""},
		"/ui/assets/app-CD.css":         {200, "body {", "text/css; charset=utf-8", keptAYear, ""},
		"/ui/assets/app-EF.js":          {404, "Reload", "text/plain; charset=utf-8", "", ""},
		"/ui/assets/":                   {404, "Reload", "text/plain; charset=utf-8", "", ""},
		"/ui/assets/../index.html":      {404, "Reload", "text/plain; charset=utf-8", "", ""},
		"/ui/assets/%2e%2e/app-AB.js":   {404, "Reload", "text/plain; charset=utf-8", "", ""},
		"/ui/assets/app-AB.js/and/more": {404, "Reload", "text/plain; charset=utf-8", "", ""},
	} {
		res := get(p, path)
		h := res.Header
		if text := textOf(t, res); res.StatusCode != want.status || !strings.Contains(text, want.text) {
			t.Errorf("%s: %d %q", path, res.StatusCode, text)
		}
		if h.Get("Content-Type") != want.kind || h.Get("Cache-Control") != want.kept ||
			h.Get("Content-Security-Policy") != want.speak {
			t.Errorf("%s: %v", path, h)
		}
	}
}

// A binary without the page says so, on every path of it, and its tag differs from that of a page.
func TestWithoutThePage(t *testing.T) {
	p, err := New(fstest.MapFS{".keep": {}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Built() || !built(t).Built() {
		t.Error("what is built and what is not is not told apart")
	}
	for _, path := range []string{"/", "/ui/jobs"} {
		res := get(p, path)
		if text := textOf(t, res); res.StatusCode != 200 || !strings.Contains(text, "built without the dashboard") {
			t.Errorf("%s: %d %q", path, res.StatusCode, text)
		}
		if strings.Contains(notBuilt, "<style") || strings.Contains(notBuilt, "style=") {
			t.Error("the policy forbids inline styles")
		}
	}
	if tag := get(p, "/").Header.Get("ETag"); tag == get(built(t), "/").Header.Get("ETag") {
		t.Errorf("both have the tag %s", tag)
	}
}

func TestCodings(t *testing.T) {
	p := built(t)
	for accepts, zipped := range map[string]bool{
		"": false, "gzip": true, "gzip, deflate, br, zstd": true, "br": false, "deflate,GZIP;q=0.5": true,
		"gzip;q=0":    false,
		"gzip; q=0.0": false, "*": true, "*;q=0": false, "identity": false, "gzip;q=0, *": false, "gzip;q=x": false,
	} {
		res := get(p, "/ui/assets/app-AB.js", "Accept-Encoding", accepts)
		if got := res.Header.Get("Content-Encoding") == "gzip"; got != zipped {
			t.Errorf("%q: compressed %v", accepts, got)
			continue
		}
		var body io.Reader = res.Body
		if zipped {
			z, err := gzip.NewReader(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		if text, err := io.ReadAll(body); err != nil || !strings.HasPrefix(string(text), "let one = 1;") {
			t.Errorf("%q: %q, %v", accepts, text, err)
		}
		if res.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: Vary %q", accepts, res.Header.Get("Vary"))
		}
	}
}

func TestTags(t *testing.T) {
	p := built(t)
	plain := get(p, "/").Header.Get("ETag")
	zipped := get(p, "/", "Accept-Encoding", "gzip").Header.Get("ETag")
	if plain == zipped || plain == "" {
		t.Fatalf("the tags are %s and %s", plain, zipped)
	}
	for _, c := range []struct {
		accepts, known string
		status         int
	}{
		{"", plain, 304}, {"", "W/" + plain, 304}, {"", `"x", ` + plain, 304}, {"", "*", 304}, {"", `"x"`, 200},
		{"", zipped, 200}, {"gzip", zipped, 304}, {"gzip", plain, 200}, {"", "", 200},
	} {
		res := get(p, "/", "Accept-Encoding", c.accepts, "If-None-Match", c.known)
		text := textOf(t, res)
		if res.StatusCode != c.status || (text == "") != (c.status == 304) {
			t.Errorf("%q %s: %d %q", c.accepts, c.known, res.StatusCode, text)
		}
		if res.Header.Get("ETag") == "" || res.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%q %s: %v", c.accepts, c.known, res.Header)
		}
	}
}

// The page that is embedded is small, and its shell names only files that are there.
func TestPageIsSmall(t *testing.T) {
	p, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	if !p.Built() {
		if os.Getenv("BELFRY_TEST_PAGE") != "" {
			t.Fatal("the page is not built")
		}
		t.Skip("the page is not built: make build")
	}
	if size := p.Size(); size > MaxCompressed {
		t.Errorf("the page takes %d bytes, of %d", size, MaxCompressed)
	} else {
		t.Logf("%d bytes", size)
	}
	shell := string(p.shell.plain)
	for name := range p.assets {
		if !strings.Contains(shell, `"`+Prefix+name+`"`) {
			t.Errorf("the shell does not name %s", name)
		}
	}
	for _, inline := range []string{"<style", "style=", "onload=", "http://", "https://"} {
		if at := strings.Index(shell, inline); at >= 0 && !strings.Contains(shell[:at], "xmlns=") {
			t.Errorf("the shell has %s", inline)
		}
	}
}
