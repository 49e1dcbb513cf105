package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/engine"
	"github.com/belfry-scheduler/belfry/internal/front"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

func logTo(w io.Writer) func(*Config) {
	return func(c *Config) {
		c.Log = slog.New(telemetry.NameRequests(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})))
	}
}

// panickingCreate is a store that panics where it should create jobs.
type panickingCreate struct{ store.Store }

func (s panickingCreate) Jobs() store.Jobs { return panickingJobs{s.Store.Jobs()} }

type panickingJobs struct{ store.Jobs }

func (panickingJobs) Create(context.Context, []domain.Version) error { panic("canary-panic") }

func panicsInCreate(c *engine.Config) { c.Store = panickingCreate{c.Store} }

// mute is an editor that does not answer for the jobs that it was given.
type mute struct{ *edit.Editor }

func (mute) Create(context.Context, []domain.SpecDoc) []edit.Created { return nil }

func TestPanicIsA500(t *testing.T) {
	var log bytes.Buffer
	h := newAPI(t, newFixture(t, panicsInCreate), logTo(&log))
	res := call(t, h, "POST", "/jobs", minimal)
	p := res.problem(t, 500)
	if strings.Contains(res.text, "canary") || strings.Contains(res.text, "goroutine") {
		t.Errorf("the answer tells about the panic: %s", res.text)
	}
	for _, want := range []string{"canary-panic", p.Instance, res.Header.Get(front.RequestIDHeader),
		"middleware_test.go"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is not in the log", want)
		}
	}
	if m := call(t, h, "GET", "/metrics", ""); !strings.Contains(m.text, "belfry_panics_total 1") {
		t.Error("the panic was not counted")
	}
	if res := call(t, h, "GET", "/jobs", ""); res.StatusCode != 200 {
		t.Errorf("the next request: %d", res.StatusCode)
	}
}

// The commit of an import has a goroutine of its own.
func TestPanicInAnImportIsA500(t *testing.T) {
	var log bytes.Buffer
	h := newAPI(t, newFixture(t, panicsInCreate), logTo(&log))
	res := call(t, h, "POST", "/jobs/import", "["+minimal+"]")
	if res.problem(t, 500); strings.Contains(res.text, "canary") || !strings.Contains(log.String(), "canary-panic") {
		t.Errorf("the answer is %s, the log %s", res.text, log.String())
	}
	if m := call(t, h, "GET", "/metrics", ""); !strings.Contains(m.text, "belfry_panics_total 1") {
		t.Error("the panic was not counted")
	}
}

func TestAnEngineThatDoesNotAnswerIsA500(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f, func(c *Config) { c.Editor = mute{f.edit} })
	call(t, h, "POST", "/jobs", minimal).problem(t, 500)
}

// A fault is a fault, also when the client has gone.
func TestPanicWithoutAClientIsLogged(t *testing.T) {
	var log bytes.Buffer
	h := newAPI(t, newFixture(t, panicsInCreate), logTo(&log))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := httptest.NewRequest("POST", "/jobs", strings.NewReader(minimal)).WithContext(ctx)
	r.Header.Set("Content-Type", "application/json")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if !strings.Contains(log.String(), "canary-panic") {
		t.Error("the panic is not in the log")
	}
}

// broken is a client that went away.
type broken struct{ *httptest.ResponseRecorder }

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestAClientThatWentAwayIsNoFault(t *testing.T) {
	var log bytes.Buffer
	h := newAPI(t, newFixture(t), logTo(&log))
	create(t, h, minimal)
	for _, path := range []string{"/jobs", "/nope", "/docs", "/jobs/export"} {
		func() {
			defer func() {
				fault := recover()
				if err, _ := fault.(error); errors.Is(err, http.ErrAbortHandler) != (path == "/jobs/export") {
					t.Errorf("%s: panic %v", path, fault)
				}
			}()
			h.ServeHTTP(broken{httptest.NewRecorder()}, httptest.NewRequest("GET", path, nil))
		}()
	}
	if strings.Contains(log.String(), `"level":"ERROR"`) {
		t.Error(log.String())
	}
	if m := call(t, h, "GET", "/metrics", ""); !strings.Contains(m.text, "belfry_panics_total 0") {
		t.Error("a client that went away was counted as a panic")
	}
}

func TestRequestsAreLoggedAndCounted(t *testing.T) {
	var log bytes.Buffer
	h := newAPI(t, newFixture(t), logTo(&log))
	create(t, h, minimal)
	call(t, h, "GET", "/jobs/0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b", "")
	call(t, h, "BREW", "/jobs", "")
	call(t, h, "GET", "/a/b/c", "")
	for _, want := range []string{`"msg":"request"`, `"method":"POST"`, `"http_status":201`, `"http_status":404`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s is not in the log:\n%s", want, log.String())
		}
	}
	metrics := call(t, h, "GET", "/metrics", "").text
	for _, want := range []string{
		`belfry_http_request_seconds_count{class="2xx",method="POST",route="/jobs"} 1`,
		`belfry_http_request_seconds_count{class="4xx",method="GET",route="/jobs/{id}"} 1`,
		`belfry_http_request_seconds_count{class="4xx",method="other",route="none"} 1`,
		`belfry_http_request_seconds_count{class="4xx",method="GET",route="none"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("%s is not in the metrics", want)
		}
	}
	if strings.Contains(metrics, "0192f0c1") || strings.Contains(metrics, "/a/b/c") {
		t.Error("a path is a label")
	}
}

func TestMethodsAndPaths(t *testing.T) {
	f := newFixture(t)
	h := withKey{newAPI(t, f, func(c *Config) { c.Keys = ring(t, f, key1) }), key1}
	id := "/jobs/0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"
	for _, tc := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"PATCH", "/jobs", 405, "GET, HEAD, POST"},
		{"DELETE", "/jobs", 405, "GET, HEAD, POST"},
		{"BREW", "/jobs", 405, "GET, HEAD, POST"},
		{"POST", id, 405, "DELETE, GET, HEAD, PATCH, PUT"},
		{"GET", id + "/trigger", 405, "POST"},
		{"GET", id + "/pause", 405, "POST"},
		{"POST", "/observability/metrics", 405, "GET, HEAD"},
		{"GET", "/schedules/preview", 405, "POST"},
		{"POST", "/docs", 405, "GET, HEAD"},
		{"POST", "/", 405, "GET, HEAD"},
		{"POST", "/executions/export", 405, "GET, HEAD"},
		{"GET", "/nope", 404, ""},
		{"GET", "/jobs%2F", 404, ""},
		{"GET", "/%2Fjobs", 404, ""},
		{"GET", "/jobs/./", 404, ""},
		{"GET", "/docs/../jobs", 404, ""},
		{"GET", id + "/nope", 404, ""},
		{"GET", "/%2e%2e/%00", 404, ""},
		{"GET", "/" + strings.Repeat("x", 4000), 404, ""},
	} {
		res := call(t, h, tc.method, tc.path, "")
		p := res.problem(t, tc.status)
		if got := res.Header.Get("Allow"); got != tc.allow {
			t.Errorf("%s %.40s: Allow %q, want %q", tc.method, tc.path, got, tc.allow)
		}
		if len(p.Detail) > 2*maxEchoBytes {
			t.Errorf("%.40s: the detail has %d bytes", tc.path, len(p.Detail))
		}
	}
	head := call(t, h, "HEAD", "/jobs", "")
	if head.StatusCode != 200 {
		t.Errorf("HEAD: %d", head.StatusCode)
	}
}

func TestHealth(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	var body healthBody
	call(t, h, "GET", "/observability/health", "").into(t, 200, &body)
	if body.Status != "healthy" || !body.Checks["store"].OK || body.Version != "1.2.3" || body.UptimeSeconds < 90 {
		t.Errorf("%+v", body)
	}
	f.health = &domain.Health{Ready: true, Checks: []domain.Check{{Name: "store", Detail: "no commit for 4.2s"},
		{Name: "timetable", OK: true}}}
	call(t, h, "GET", "/observability/health", "").into(t, 503, &body)
	if body.Status != "unhealthy" || body.Checks["store"].OK || body.Checks["store"].Detail != "no commit for 4.2s" {
		t.Errorf("%+v", body)
	}
	var ready readyBody
	res := call(t, h, "GET", "/readyz", "")
	res.into(t, 503, &ready)
	if ready.Status != "unready" || len(ready.Failing) != 1 || ready.Failing[0] != "store" ||
		strings.Contains(res.text, "4.2s") {
		t.Errorf("%s", res.text)
	}
	f.health = &domain.Health{Ready: false}
	call(t, h, "GET", "/readyz", "").into(t, 503, &ready)
	call(t, h, "GET", "/observability/health", "").into(t, 503, &body)
	if res := call(t, h, "GET", "/healthz", ""); res.StatusCode != 200 {
		t.Errorf("healthz: %d", res.StatusCode)
	}
}

func TestConfigIsChecked(t *testing.T) {
	f := newFixture(t)
	for name, c := range map[string]Config{
		"nothing":        {},
		"no clock":       {Editor: f.edit, View: viewOf(t, f.store, f), Store: f.store},
		"negative limit": {Editor: f.edit, View: viewOf(t, f.store, f), Store: f.store, Limits: Limits{MaxBody: -1}},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

var discard = slog.New(slog.DiscardHandler)
