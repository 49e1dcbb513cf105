package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/belfry-scheduler/belfry/internal/app"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// audited is what the test reads of an audit.
type audited struct {
	Expected, Succeeded, Unexpected, LostCount int64
	Lost                                       []struct {
		JobID       string
		ExecutionID string
		ScheduledAt int64
	}
}

func (s *server) audit(t *testing.T) (a audited) {
	t.Helper()
	s.get(t, "/audit", &a)
	return a
}

func (s *server) get(t *testing.T, path string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d, error %v", path, res.StatusCode, err)
	}
}

func (s *server) metrics(t *testing.T) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// deleteFirst takes the first record of a history away behind the server's
// back and returns its instant.
func deleteFirst(t *testing.T, dir string) (scheduledAt int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "history", "*.db"))
	if err != nil || len(files) == 0 {
		t.Fatalf("history files %v, error %v", files, err)
	}
	c, err := sqlite.OpenConn(files[0], sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetBlockOnBusy()
	const remove = `DELETE FROM execution WHERE scheduled_at = (SELECT min(scheduled_at) FROM execution) ` +
		`RETURNING scheduled_at`
	err = sqlitex.ExecuteTransient(c, remove, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
		scheduledAt = s.ColumnInt64(0)
		return nil
	}})
	if err != nil || scheduledAt == 0 {
		t.Fatalf("deleted %d, error %v", scheduledAt, err)
	}
	return scheduledAt
}

// auditMaxWait is how long it may take until a loss is reported. After a round the
// auditor pauses fifty times as long as the round took, and a stall of five seconds may
// be part of it.
const auditMaxWait = 5 * time.Minute

// eventually asks until the condition holds. It asks now and then only: what takes
// the processor from the auditor makes it rest for longer.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(auditMaxWait); !holds(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %s in vain: %s", auditMaxWait, what)
		}
	}
}

// TestAuditNamesARowDeletedByHand: nobody but the auditor can see it.
func TestAuditNamesARowDeletedByHand(t *testing.T) {
	t.Parallel()
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer target.Close()
	dir := t.TempDir()
	s := start(t, dir, func(a *app.App) { app.AuditEvery(a, 10*time.Millisecond) })
	defer s.stop(t)
	job := s.post(t, "/jobs", `{"schedule":"* * * * * *","api":"`+target.URL+`/hook","type":"ATLEAST_ONCE"}`,
		http.StatusCreated)["jobId"]

	eventually(t, "two fires are on record", func() bool {
		a := s.audit(t)
		if a.LostCount != 0 || a.Unexpected > 0 {
			t.Fatalf("before anything was deleted: %+v", a)
		}
		return a.Succeeded >= 2
	})
	at := deleteFirst(t, dir)
	a := s.audit(t)
	if a.LostCount != 1 || len(a.Lost) != 1 || a.Lost[0].JobID != job || a.Lost[0].ScheduledAt != at {
		t.Fatalf("after the record of %d of job %v was deleted: %+v", at, job, a)
	}
	eventually(t, "the auditor has counted it",
		func() bool { return strings.Contains(s.metrics(t), "\nbelfry_lost_fires_total 1\n") })
	wantLostAlert(t, s, job, at, 1)
}

// A lost fire is not reported again after a restart: when the next one is counted, it is
// the only one.
func TestLossesAreNotToldAgainAfterARestart(t *testing.T) {
	t.Parallel()
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer target.Close()
	dir := t.TempDir()
	var job any
	for round := int64(1); round <= 2; round++ {
		s := start(t, dir, func(a *app.App) { app.AuditEvery(a, 10*time.Millisecond) })
		if job == nil {
			job = s.post(t, "/jobs", `{"schedule":"* * * * * *","api":"`+target.URL+`/hook","type":"ATLEAST_ONCE"}`,
				http.StatusCreated)["jobId"]
		}
		eventually(t, "two fires are on record", func() bool { return s.audit(t).Succeeded >= 2 })
		at := deleteFirst(t, dir)
		eventually(t, "a loss is counted",
			func() bool { return !strings.Contains(s.metrics(t), "\nbelfry_lost_fires_total 0\n") })
		if !strings.Contains(s.metrics(t), "\nbelfry_lost_fires_total 1\n") {
			t.Errorf("round %d: more than the fire at %d was counted, or nothing", round, at)
		}
		wantLostAlert(t, s, job, at, round)
		s.stop(t)
	}
}

// wantLostAlert asserts that one alert names the job and the latest lost fire.
func wantLostAlert(t *testing.T, s *server, job any, at, count int64) {
	t.Helper()
	var body struct {
		Alerts []struct {
			JobID, Kind, Error string
			Open               bool
			Count              int64
		}
	}
	s.get(t, "/observability/alerts?open=true", &body)
	if len(body.Alerts) != 1 {
		t.Fatalf("alerts %+v, want one", body.Alerts)
	}
	if a := body.Alerts[0]; a.JobID != job || a.Kind != "LOST" || !a.Open || a.Count != count ||
		a.Error != domain.LossText(at) {
		t.Errorf("alert %+v, want that of job %v, %d fires, the latest at %d", a, job, count, at)
	}
}
