package front

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// newTestHandler returns a handler whose answer to a panic is a 500 with number 7.
func newTestHandler(t *testing.T, next http.Handler, log io.Writer) *Handler {
	t.Helper()
	h, err := NewHandler(Config{
		Next: next, Clock: clock.System{}, Metrics: telemetry.NewMetrics(), Unclear: unclear,
		Fault: func() (string, http.Handler) {
			return "7", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = io.WriteString(w, "7")
			})
		},
		Log: slog.New(telemetry.NameRequests(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestPanics: what a handler panics with decides whether it is a fault, and what the
// client sees.
func TestPanics(t *testing.T) {
	gone := errors.New("broken pipe")
	for _, tc := range []struct {
		name    string
		next    http.HandlerFunc
		write   error // of the client's connection
		status  int
		faults  float64
		aborted bool
	}{
		{"none", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, nil, 204, 0, false},
		{"before the status", func(http.ResponseWriter, *http.Request) { panic("canary") }, nil, 500, 1, false},
		{"after the status", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(200)
			panic("canary")
		}, nil, 200, 1, false},
		{"the client is gone", func(w http.ResponseWriter, _ *http.Request) {
			_, err := io.WriteString(w, "x")
			panic(err)
		}, gone, 200, 0, false},
		{"another fault after the client has gone", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "x")
			panic(errors.New("canary"))
		}, gone, 200, 1, false},
		{"the connection is to be closed", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(200)
			panic(http.ErrAbortHandler)
		}, nil, 200, 0, true},
	} {
		var log bytes.Buffer
		h := newTestHandler(t, tc.next, &log)
		w := httptest.NewRecorder()
		fault := func() (err error) {
			defer func() { err, _ = recover().(error) }()
			h.ServeHTTP(failing{w, tc.write}, httptest.NewRequest("GET", "/", nil))
			return nil
		}()
		if w.Code != tc.status || testutil.ToFloat64(h.Metrics.Panics) != tc.faults ||
			errors.Is(fault, http.ErrAbortHandler) != tc.aborted {
			t.Errorf("%s: status %d, panics %v, passed on: %v", tc.name, w.Code,
				testutil.ToFloat64(h.Metrics.Panics), fault)
		}
		if told := strings.Contains(log.String(), "instance=7"); told != (tc.faults > 0) {
			t.Errorf("%s: the log: %s", tc.name, log.String())
		}
	}
}

// failing is a client whose connection fails, if err is not nil.
type failing struct {
	*httptest.ResponseRecorder
	err error
}

func (f failing) Write(b []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return f.ResponseRecorder.Write(b)
}

// TestRoutesAreCounted: by the pattern that the mux has left in the request, also
// after a panic.
func TestRoutesAreCounted(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /jobs/{id}", func(_ http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") == "panic" {
			panic("canary")
		}
	})
	h := newTestHandler(t, mux, io.Discard)
	for _, path := range []string{"/jobs/1", "/jobs/panic", "//jobs/2/", "/nothing"} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "http://a.test"+path, nil))
	}
	w := httptest.NewRecorder()
	h.Metrics.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`belfry_http_request_seconds_count{class="5xx",method="GET",route="/jobs/{id}"} 1`,
		`belfry_http_request_seconds_count{class="4xx",method="GET",route="none"} 1`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is not in the metrics:\n%s", want, w.Body)
		}
	}
}

// TestCleanPaths: only slashes are taken off.
func TestCleanPaths(t *testing.T) {
	for path, want := range map[string]string{
		"/": "/", "//": "/", "/jobs": "/jobs", "/jobs/": "/jobs", "//jobs///x//": "/jobs/x", "/a/../b/": "/a/../b",
		"/a%2fb/": "/a/b/",
	} {
		r := httptest.NewRequest("GET", "http://a.test"+path, nil)
		if got := withCleanPath(r).URL.Path; got != want {
			t.Errorf("%s became %s, want %s", path, got, want)
		}
		if withCleanPath(r).URL == r.URL && r.URL.Path != want {
			t.Errorf("%s was changed in place", path)
		}
	}
}

func TestHandlerConfig(t *testing.T) {
	if _, err := NewHandler(Config{}); err == nil {
		t.Error("an empty config was taken")
	}
}
