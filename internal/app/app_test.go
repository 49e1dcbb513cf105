package app_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/app"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// server is an App that runs in the test's process.
type server struct {
	url    string
	cancel context.CancelFunc
	done   chan error
	app    *app.App
}

func start(t *testing.T, dir string, before ...func(*app.App)) *server {
	t.Helper()
	return startWith(t, dir, nil, before...)
}

// startWith is start with more settings, as in the environment.
func startWith(t *testing.T, dir string, settings []string, before ...func(*app.App)) *server {
	t.Helper()
	cfg, err := config.Load(config.Options{Environ: append([]string{
		"PORT=0", "DB_PATH=" + filepath.Join(dir, "jobs.db"), "BELFRY_SHUTDOWN_GRACE=5s",
	}, settings...)})
	if err != nil {
		t.Fatal(err)
	}
	log := &telemetry.Log{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	ctx, cancel := context.WithCancel(context.Background())
	a, err := app.Open(ctx, cfg, log, telemetry.NewMetrics(), "test")
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	for _, change := range before {
		change(a)
	}
	s := &server{url: "http://" + a.Addr(), cancel: cancel, done: make(chan error, 1), app: a}
	go func() { s.done <- a.Run(ctx) }()
	return s
}

func (s *server) stop(t *testing.T) {
	t.Helper()
	s.cancel()
	if err := <-s.done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if err := s.app.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func (s *server) post(t *testing.T, path, body string, want int) map[string]any {
	t.Helper()
	res, err := http.Post(s.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != want {
		t.Fatalf("POST %s: %d %v, want %d", path, res.StatusCode, out, want)
	}
	return out
}

func TestAppFiresOnTheSecondAndStopsInGoodOrder(t *testing.T) {
	calls := make(chan *http.Request, 100)
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { calls <- r }))
	defer target.Close()
	dir := t.TempDir()
	s := start(t, dir)
	s.post(t, "/jobs", `{"schedule":"* * * * * *","api":"`+target.URL+`/hook","type":"ATLEAST_ONCE"}`,
		http.StatusCreated)
	for range 3 {
		r := <-calls
		if r.Header.Get("Belfry-Scheduled-At") == "" || !strings.HasSuffix(r.Header.Get("Belfry-Scheduled-At"), "000") {
			t.Errorf("Belfry-Scheduled-At = %q, want a whole second", r.Header.Get("Belfry-Scheduled-At"))
		}
	}
	s.stop(t)

	s = start(t, dir)
	defer s.stop(t)
	select {
	case <-calls:
	case <-time.After(time.Minute):
		t.Fatal("the job is not fired after a restart")
	}
}

// A stop that comes before the record was read is one in good order.
func TestStopBeforeTheRecordIsRead(t *testing.T) {
	cfg, err := config.Load(config.Options{Environ: []string{"PORT=0",
		"DB_PATH=" + filepath.Join(t.TempDir(), "jobs.db")}})
	if err != nil {
		t.Fatal(err)
	}
	log := &telemetry.Log{Logger: slog.New(slog.DiscardHandler)}
	a, err := app.Open(t.Context(), cfg, log, telemetry.NewMetrics(), "test")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Run(ctx); err != nil {
		t.Errorf("Run: %v", err)
	}
	<-a.Stopping()
	if err := a.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
