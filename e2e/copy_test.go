package e2e

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/receiver"
)

// belfryOnce runs a command to its end.
func belfryOnce(t *testing.T, binary string, env []string, args ...string) (code int, out string) {
	t.Helper()
	c := exec.Command(binary, args...)
	var said bytes.Buffer
	c.Env, c.Dir, c.Stdout, c.Stderr = cleanEnv(env...), t.TempDir(), &said, &said
	err := c.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), said.String()
}

// refusesStart checks that no server starts on a database, and what it says.
func refusesStart(t *testing.T, when, reason string, env ...string) {
	t.Helper()
	code, out := belfryOnce(t, binary, env, "serve")
	if code != 1 || !strings.Contains(out, reason) {
		t.Errorf("%s: serve ended with %d, want 1 and %q:\n%s", when, code, reason, out)
	}
}

// TestCopyLosesAndDoublesNothing: a server on files is stopped, its data is copied to PostgreSQL by a
// command that is killed at each of its steps, and a server goes on there. That one is killed, and its data
// is copied back to new files, where a third one goes on. The receiver has each fire once, but for those that
// the killed one may not have recorded.
func TestCopyLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	needFailing(t)
	database, tg := newPostgres(t), newTarget(t)
	url, files, back := database.Database(t), t.TempDir(), filepath.Join(t.TempDir(), "jobs.db")
	key, inFiles := "BELFRY_ENCRYPTION_KEY="+postgresKey, filepath.Join(files, "jobs.db")
	p := serve(t, files)
	ids := p.importJobs(everySecond(100, tg.url+"/ok"))
	first, machine := (time.Now().UnixMilli()/1000+2)*1000, watchStalls(t)
	pass(first + 3_000)
	if code := p.terminate(); code != 0 {
		t.Fatalf("exit code %d after SIGTERM", code)
	}

	there := []string{"copy", "--from", inFiles, "--to", url}
	for _, step := range []string{"begun", "versions", "executions", "filled", "audited", "moved"} {
		code, out := belfryOnce(t, failing, []string{key, "BELFRY_FAILPOINT=copy." + step + "=kill@1"}, there...)
		if code != -1 {
			t.Fatalf("copy was not killed at %s: %d\n%s", step, code, out)
		}
		refusesStart(t, "killed at "+step, "has not ended", "DATABASE_URL="+url, key)
	}
	refusesStart(t, "killed when it was moved", "were moved to", "DB_PATH="+inFiles)
	code, out := belfryOnce(t, binary, []string{key}, there...)
	if code != 0 || !strings.Contains(out, "same") || strings.Contains(out, "DIFFERS") {
		t.Fatalf("copy ended with %d\n%s", code, out)
	}
	refusesStart(t, "after the copy", "were moved to", "DB_PATH="+inFiles)

	p = servePostgres(t, url)
	eventually(t, "the server on PostgreSQL fires the jobs", func() bool { return p.metric("belfry_jobs") == 100 })
	pass(time.Now().UnixMilli() + 3_000)
	p.kill()
	kills := []int64{time.Now().UnixMilli()}

	var ended string
	eventually(t, "the server is known to be gone", func() bool { // its row is 10 s old by then
		code, ended = belfryOnce(t, binary, []string{key}, "copy", "--from", url, "--to", back)
		return code == 0
	})
	if strings.Contains(ended, "DIFFERS") {
		t.Fatal(ended)
	}
	refusesStart(t, "after the copy back", "were moved to", "DATABASE_URL="+url, key)
	refusesStart(t, "after the copy back", "were moved to", "DB_PATH="+inFiles)
	p = serve(t, filepath.Dir(back), key)
	last := (time.Now().UnixMilli()/1000 + 3) * 1000
	pass(last)
	got := tg.waitFor(t, ids, first, last)
	unrecorded := machine.longestMs() + 3_000
	got.check(t, ids, first, last, func(got []receiver.Entry) bool { return repeated(got, kills, unrecorded) })
	checkRecord(t, p, ids[:20], first, last)
}

// TestCopyTakesAlongWhatHasNotEnded: a server on files is killed while calls are in flight and retries wait. After a
// copy a server on PostgreSQL ends them, and its record has what was before.
func TestCopyTakesAlongWhatHasNotEnded(t *testing.T) {
	t.Parallel()
	database, tg := newPostgres(t), newTarget(t)
	url, files := database.Database(t), t.TempDir()
	p := serve(t, files)
	var runs []string
	start := func(path string) {
		job, err := p.api.Jobs.Create(t.Context(), client.Spec{
			Schedule: "0 0 0 1 1 *", API: tg.url + path, Type: "ATLEAST_ONCE",
			Headers: map[string]string{"Authorization": "Bearer canary"},
		})
		if err != nil {
			t.Fatal(err)
		}
		run, err := p.api.Jobs.Trigger(t.Context(), job.JobID)
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run.ExecutionID)
	}
	status := func(id string) (string, int) {
		e, err := p.api.Executions.Get(t.Context(), id)
		if err != nil {
			return err.Error(), 0
		}
		return e.Status, e.RetryCount
	}
	start("/ok")
	eventually(t, "one has ended", func() bool { s, _ := status(runs[0]); return s == "SUCCESS" })
	for range 3 {
		start("/slow?ms=2000")
		start("/flaky?fail=2")
	}
	p.kill()

	key := "BELFRY_ENCRYPTION_KEY=" + postgresKey
	code, out := belfryOnce(t, binary, []string{key, "DATABASE_URL=" + url}, "copy", "--from",
		filepath.Join(files, "jobs.db"), "--to", "-")
	if code != 0 {
		t.Fatalf("copy ended with %d\n%s", code, out)
	}
	p = servePostgres(t, url)
	for i, id := range runs {
		eventually(t, "execution "+strconv.Itoa(i)+" has ended", func() bool {
			s, _ := status(id)
			return s == "SUCCESS"
		})
		if s, retries := status(id); i > 0 && i%2 == 0 && retries < 2 {
			t.Errorf("execution %d is %s after %d retries, want 2 at least: the attempts before the copy count", i, s,
				retries)
		}
	}
}
