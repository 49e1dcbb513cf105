package app_test

import (
	"context"
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
	const remove = `DELETE FROM execution WHERE scheduled_at = (SELECT min(scheduled_at) FROM execution) RETURNING scheduled_at`
	err = sqlitex.ExecuteTransient(c, remove, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
		scheduledAt = s.ColumnInt64(0)
		return nil
	}})
	if err != nil || scheduledAt == 0 {
		t.Fatalf("deleted %d, error %v", scheduledAt, err)
	}
	return scheduledAt
}

// TestAuditNamesARowDeletedByHand: nobody but the auditor can see it.
func TestAuditNamesARowDeletedByHand(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer target.Close()
	dir := t.TempDir()
	s := start(t, dir, func(a *app.App) { app.AuditEvery(a, 10*time.Millisecond) })
	defer s.stop(t)
	job := s.post(t, "/jobs", `{"schedule":"* * * * * *","api":"`+target.URL+`/hook","type":"ATLEAST_ONCE"}`, http.StatusCreated)["jobId"]

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	a := s.audit(t)
	for ; a.Succeeded < 2 && ctx.Err() == nil; a = s.audit(t) {
		if a.LostCount != 0 || a.Unexpected > 0 {
			t.Fatalf("before anything was deleted: %+v", a)
		}
	}
	at := deleteFirst(t, dir)
	a = s.audit(t)
	if a.LostCount != 1 || len(a.Lost) != 1 || a.Lost[0].JobID != job || a.Lost[0].ScheduledAt != at {
		t.Fatalf("after the record of %d of job %v was deleted: %+v", at, job, a)
	}
	for !strings.Contains(s.metrics(t), "\nbelfry_lost_fires_total 1\n") {
		if ctx.Err() != nil {
			t.Fatal("the auditor has not counted it")
		}
	}
}
