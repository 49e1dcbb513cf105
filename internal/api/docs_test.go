package api

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// TestDocumentsAreMadeAtTheFirstRequest: once, however many ask for it at the same time.
func TestDocumentsAreMadeAtTheFirstRequest(t *testing.T) {
	rt := &router{log: discard}
	var made atomic.Int32
	h := rt.serveOnceMade("text/plain", func() ([]byte, error) {
		made.Add(1)
		return []byte("canary"), nil
	})
	if n := made.Load(); n != 0 {
		t.Errorf("made %d times before a request", n)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if res := call(t, h, http.MethodGet, "/docs", ""); res.StatusCode != 200 || res.text != "canary" ||
				res.Header.Get("Content-Type") != "text/plain" {
				t.Errorf("%d %s %s", res.StatusCode, res.Header.Get("Content-Type"), res.text)
			}
		})
	}
	all.Wait()
	if n := made.Load(); n != 1 {
		t.Errorf("made %d times", n)
	}
}

// TestDocumentThatCannotBeMade: the error is logged, and not told.
func TestDocumentThatCannotBeMade(t *testing.T) {
	rt := &router{log: discard}
	h := rt.serveOnceMade("text/plain", func() ([]byte, error) { return nil, errors.New("canary") })
	if p := call(t, h, http.MethodGet, "/docs", "").problem(t, 500); p.Detail == "canary" {
		t.Error("the cause is told")
	}
}

// TestDocumentAndPageAreMadeTogether: both read the same document at the same time.
func TestDocumentAndPageAreMadeTogether(t *testing.T) {
	h := newAPI(t, idleFixture(t))
	var all sync.WaitGroup
	for _, path := range []string{"/docs", "/openapi.json", "/jobs"} {
		all.Go(func() {
			if res := call(t, h, http.MethodGet, path, ""); res.StatusCode != 200 || len(res.text) < 10 {
				t.Errorf("%s: %d %s", path, res.StatusCode, res.text)
			}
		})
	}
	all.Wait()
}

// TestEveryCodeIsDocumented, of problems and of fields, in docs/api.md.
func TestEveryCodeIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "## Errors for programs")
	for _, k := range kinds {
		if row := fmt.Sprintf("| %#q | %d | %s |", k.slug, k.status, k.title); !strings.Contains(list, row) {
			t.Errorf("docs/api.md has no row %s", row)
		}
	}
	for _, c := range domain.FieldCodes {
		if !strings.Contains(list, "| `"+string(c.Code)+"` | ") {
			t.Errorf("docs/api.md has no row for %s", c.Code)
		}
	}
}
