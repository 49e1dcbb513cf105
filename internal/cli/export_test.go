package cli

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// serveLines is a server with an export of n lines that may break off.
func serveLines(t *testing.T, n int, breaks bool) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/jobs/export" && r.URL.Path != "/executions/export" {
			t.Errorf("request to %s", r.URL)
		}
		w.Header().Set("Content-Type", "application/x-ndjson")
		for i := range n {
			_, _ = fmt.Fprintf(w, "{\"line\":%d}\n", i)
		}
		if breaks {
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// filesIn lists a folder, hidden files too.
func filesIn(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return strings.Join(names, " ")
}

// TestABrokenExportLeavesTheOldFile: the last good export stays, and nothing
// is left beside it.
func TestABrokenExportLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "jobs.ndjson")
	t.Chdir(t.TempDir())
	export := func(server string) (int, string) {
		s, _, errs := testShell()
		return s.run(t.Context(), []string{"export", "--server", server, "-o", name}), errs.String()
	}
	if code, errs := export(serveLines(t, 5_000, true)); code != exitFailure ||
		!strings.Contains(errs, "cannot be used") || filesIn(t, dir) != "" {
		t.Errorf("exit code %d, %q, files: %s", code, errs, filesIn(t, dir))
	}
	if code, errs := export(serveLines(t, 3, false)); code != exitOK || errs != "exported 3 jobs to "+name+"\n" {
		t.Errorf("exit code %d, %q", code, errs)
	}
	if code, _ := export(serveLines(t, 5_000, true)); code != exitFailure || filesIn(t, dir) != "jobs.ndjson" {
		t.Errorf("exit code %d, files: %s", code, filesIn(t, dir))
	}
	text, err := os.ReadFile(name)
	if err != nil || string(text) != "{\"line\":0}\n{\"line\":1}\n{\"line\":2}\n" {
		t.Errorf("the file holds %q (%v)", text, err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestABrokenExportToAPipeIsAFailure: what was received is written, and the exit code
// reports that it is incomplete.
func TestABrokenExportToAPipeIsAFailure(t *testing.T) {
	t.Chdir(t.TempDir())
	s, out, _ := testShell()
	if code := s.run(t.Context(), []string{"export", "--server", serveLines(t, 5_000, true)}); code != exitFailure {
		t.Errorf("exit code %d", code)
	}
	if !strings.HasPrefix(out.String(), "{\"line\":0}\n") {
		t.Errorf("nothing was written: %q", out)
	}
	s, _, errs := testShell()
	s.out = brokenPipe{}
	if code := s.run(t.Context(), []string{"export", "--server", serveLines(t, 3, false)}); code != exitFailure ||
		errs.String() != "belfry: nobody reads\n" {
		t.Errorf("exit code %d, %q", code, errs)
	}
}

// TestHistory: as jobs, executions are written whole or not at all.
func TestHistory(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "day.ndjson")
	t.Chdir(t.TempDir())
	history := func(server string, args ...string) (int, string, string) {
		s, out, errs := testShell()
		code := s.run(t.Context(), append([]string{"history", "--server", server, "--from", "5"}, args...))
		return code, out.String(), errs.String()
	}
	if code, _, errs := history(serveLines(t, 5_000, true), "-o", name); code != exitFailure ||
		!strings.Contains(errs, "cannot be used") || filesIn(t, dir) != "" {
		t.Errorf("exit code %d, %q, files: %s", code, errs, filesIn(t, dir))
	}
	if code, _, errs := history(serveLines(t, 3, false), "-o", name); code != exitOK ||
		errs != "exported 3 executions to "+name+"\n" {
		t.Errorf("exit code %d, %q", code, errs)
	}
	if code, out, errs := history(serveLines(t, 2, false)); code != exitOK ||
		out != "{\"line\":0}\n{\"line\":1}\n" || errs != "" {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
	if code, _, _ := history(serveLines(t, 5_000, true)); code != exitFailure {
		t.Errorf("exit code %d of a broken one", code)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("nobody reads") }

// TestHealth: the exit code is the answer.
func TestHealth(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tc := range []struct {
		status            int
		contentType, body string
		code              int
		out, errs         string
	}{
		{200, "application/json", `{"status":"ready"}`, exitOK, "ready\n", ""},
		{503, "application/json", `{"status":"unready","failing":["store","timetable"]}`, exitFailure, "",
			"belfry: the server at SERVER is not ready: store, timetable\n"},
		{503, "application/json", `{"status":"unready"}`, exitFailure, "",
			"belfry: the server at SERVER is not ready\n"},
		{503, "text/plain", "no upstream", exitFailure, "", "belfry: Service Unavailable (HTTP 503)\n"},
		{200, "text/html", "<h1>hello</h1>", exitFailure, "",
			"belfry: the answer of the server cannot be used: it is \"text/html\", not JSON\n"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", tc.contentType)
			w.WriteHeader(tc.status)
			_, _ = io.WriteString(w, tc.body)
		}))
		s, out, errs := testShell("BELFRY_SERVER=" + server.URL)
		code := s.run(t.Context(), []string{"health"})
		told := strings.ReplaceAll(errs.String(), server.URL, "SERVER")
		server.Close()
		if code != tc.code || out.String() != tc.out || told != tc.errs {
			t.Errorf("%s: exit code %d, %q, %q", tc.body, code, out, told)
		}
	}
}
