package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	key = "a-key-of-sixteen"
	id1 = "0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"
)

// connect returns a client of a server that is served by the handler.
func connect(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(h)
	c, err := New(server.URL, key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		server.Close()
	})
	return c
}

// answer is what a server of a test does.
type answer struct {
	status      int
	contentType string
	body        string
	header      map[string]string
}

func (a answer) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", a.contentType)
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	_, _ = io.WriteString(w, a.body)
}

// ownKey stands for an Idempotency-Key that the client makes.
const ownKey = "own"

var ownKeys = regexp.MustCompile(`^"[A-Z2-7]{26}"$`)

// exchange is one request as the server must see it, and its answer.
type exchange struct {
	request     string // METHOD /path?query
	contentType string
	ifMatch     string
	once        string // Idempotency-Key
	body        string // JSON compared as values, other text as it is
	answer      answer
}

// serve checks that exactly this exchange happens.
func (e exchange) serve(t *testing.T) *Client {
	t.Helper()
	seen := 0
	c := connect(t, func(w http.ResponseWriter, r *http.Request) {
		seen++
		if got := r.Method + " " + r.URL.RequestURI(); got != e.request {
			t.Errorf("request %s, want %s", got, e.request)
		}
		for name, want := range map[string]string{
			"Authorization": "Bearer " + key, "Content-Type": e.contentType, "If-Match": e.ifMatch,
			"Idempotency-Key": e.once,
			"User-Agent":      "belfry-client",
		} {
			if got := ownKeys.ReplaceAllString(r.Header.Get(name), ownKey); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || !sameBody(string(body), e.body) {
			t.Errorf("body %s (%v), want %s", body, err, e.body)
		}
		e.answer.write(w)
	})
	t.Cleanup(func() {
		if seen != 1 {
			t.Errorf("%d requests, want one", seen)
		}
	})
	return c
}

func sameBody(got, want string) bool {
	var a, b any
	if json.Unmarshal([]byte(want), &b) != nil {
		return got == want
	}
	return json.Unmarshal([]byte(got), &a) == nil && cmp.Equal(a, b)
}

func ok(body string) answer {
	return answer{contentType: "application/json; charset=utf-8", body: body}
}

func equal(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, tc := range []struct{ url, key, want string }{
		{"", "", "must be of the form"},
		{"localhost:3000", "", "must be of the form"},
		{"ftp://x", "", "must be of the form"},
		{"http://", "", "must be of the form"},
		{"http://a b", "", "server URL"},
		{"http://user@x", "", "must not hold"},
		{"http://x?y=1", "", "must not hold"},
		{"http://x#y", "", "must not hold"},
		{"http://x", "a\r\nb", "holds a space or a line break"},
	} {
		if _, err := New(tc.url, tc.key); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("New(%q, %q): %v, want %s", tc.url, tc.key, err, tc.want)
		}
	}
}

func TestWithoutAKeyNoneIsSent(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, there := r.Header["Authorization"]; there {
			t.Error("there is an Authorization header")
		}
		if r.URL.Path != "/belfry/jobs/"+id1 {
			t.Errorf("path %s", r.URL.Path)
		}
		ok(`{}`).write(w)
	}))
	defer server.Close()
	c, err := New(server.URL+"/belfry/", "") // behind a proxy that adds a prefix
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Jobs.Get(t.Context(), id1); err != nil {
		t.Error(err)
	}
}

func TestRefusalsAreProblems(t *testing.T) {
	fields := `{"type":"/docs#problem-invalid","title":"The document has wrong fields","status":422,"detail":"2 ` +
		`fields are wrong",` +
		`"errors":[{"field":"api","code":"required","message":"is required"},{"field":"retry.maxRetries",` +
		`"message":"must be from 0 to ` +
		`100","value":-1}]}`
	for name, tc := range map[string]struct {
		answer answer
		want   Problem
		text   string
	}{
		"fields": {answer{422, typeProblem, fields, nil}, Problem{
			Type: "/docs#problem-invalid", Title: "The document has wrong fields", Status: 422,
			Detail: "2 fields are wrong",
			Errors: []FieldError{{"api", "is required", nil, "required"},
				{"retry.maxRetries", "must be from 0 to 100", -1.0, ""}},
		}, "api: is required; retry.maxRetries: must be from 0 to 100 (HTTP 422)"},
		"detail": {answer{404, typeProblem, `{"title":"There is no such thing","status":404,"detail":"job x does not ` +
			`exist"}`, nil},
			Problem{Title: "There is no such thing", Status: 404, Detail: "job x does not exist"},
			"job x does not exist (HTTP 404)"},
		"the line's status counts": {answer{409, typeProblem, `{"title":"t","status":200}`, nil},
			Problem{Title: "t", Status: 409}, "t (HTTP 409)"},
		"no problem document": {answer{502, "text/html", "<h1>Bad Gateway</h1>", nil},
			Problem{Title: "Bad Gateway", Status: 502}, "Bad Gateway (HTTP 502)"},
		"a broken one": {answer{500, typeProblem, `{"title":`, nil},
			Problem{Title: "Internal Server Error", Status: 500, Detail: "the server's explanation cannot be read"},
			"the server's explanation cannot be read (HTTP 500)"},
		"a redirect": {answer{307, "text/plain", "", map[string]string{"Location": "http://elsewhere/"}},
			Problem{Title: "Temporary Redirect", Status: 307,
				Detail: "the server redirects to http://elsewhere/; redirects are not followed, so name the " +
					"right server"},
			"the server redirects to http://elsewhere/; redirects are not followed, so name the right " +
				"server (HTTP 307)"},
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, func(w http.ResponseWriter, _ *http.Request) { tc.answer.write(w) })
			_, err := c.Jobs.Create(t.Context(), Spec{})
			p, isProblem := errors.AsType[*Problem](err)
			if !isProblem {
				t.Fatalf("no problem: %v", err)
			}
			equal(t, *p, tc.want)
			equal(t, p.Error(), tc.text)
		})
	}
}

// TestBadAnswersAreErrors: what is no complete answer of Belfry is not taken
// for one.
func TestBadAnswersAreErrors(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"no JSON":   func(w http.ResponseWriter, _ *http.Request) { answer{200, "text/html", "{}", nil}.write(w) },
		"no type":   func(w http.ResponseWriter, _ *http.Request) { answer{200, "", "{}", nil}.write(w) },
		"truncated": func(w http.ResponseWriter, _ *http.Request) { ok(`{"id":"x"`).write(w) },
		"empty":     func(w http.ResponseWriter, _ *http.Request) { ok("").write(w) },
		"wrong kind": func(w http.ResponseWriter, _ *http.Request) {
			ok(`{"id":7,"executions":7,"results":7,"jobs":7}`).write(w)
		},
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			ok(`{"id":"x"`).write(w)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, h)
			_, err := c.Jobs.Get(t.Context(), id1)
			if !errors.Is(err, ErrAnswer) {
				t.Errorf("GetJob: %v", err)
			}
			_, err = c.Jobs.Import(t.Context(), Lines, strings.NewReader("{}\n"))
			if !errors.Is(err, ErrAnswer) {
				t.Errorf("Import: %v", err)
			}
			for _, err := range c.Executions.OfJob(t.Context(), id1, 0) {
				if !errors.Is(err, ErrAnswer) {
					t.Errorf("JobExecutions: %v", err)
				}
			}
		})
	}
}

func TestIDsThatWouldBeOtherPaths(t *testing.T) {
	c := connect(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.EscapedPath() != "/jobs/..%2Fx%3Fy" {
			t.Errorf("request to %s", r.URL)
		}
	})
	for _, id := range []string{"", ".", ".."} {
		if _, err := c.Jobs.Get(t.Context(), id); err == nil || err.Error() != fmt.Sprintf("%q is no id", id) {
			t.Errorf("GetJob(%q): %v", id, err)
		}
	}
	if _, err := c.Jobs.Get(t.Context(), "../x?y"); !errors.Is(err, ErrAnswer) {
		t.Error(err)
	}
}

func TestTheContextEndsACall(t *testing.T) {
	arrived := make(chan struct{})
	c := connect(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	if _, err := c.Jobs.Get(ctx, id1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
