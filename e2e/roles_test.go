package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestRoles: a server with the role api takes jobs and fires none, and says so while nobody else does. One with the
// role scheduler fires them and has no API for clients. Both are ready.
func TestRoles(t *testing.T) {
	t.Parallel()
	database, tg := newPostgres(t), newTarget(t)
	url := database.Database(t)
	api := servePostgres(t, url, "BELFRY_ROLE=api")
	warning := func() string {
		_, health := ask(t, "GET", api.url+"/observability/health", "", "")
		check := health["checks"].(map[string]any)["cluster"].(map[string]any)
		text, _ := check["warning"].(string)
		return text
	}
	eventually(t, "the server with the API warns", func() bool {
		return strings.Contains(warning(), "no node of the cluster fires jobs")
	})
	ids := api.importJobs(everySecond(8, tg.url+"/ok"))
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, _ := ask(t, "GET", api.url+path, "", ""); status != 200 {
			t.Errorf("%s of a server with the API alone answers %d", path, status)
		}
	}
	if got := len(tg.entries(t)); got > 0 {
		t.Errorf("%d fires were sent without a scheduler", got)
	}

	scheduler := servePostgres(t, url, "BELFRY_ROLE=scheduler")
	eventually(t, "the jobs are fired", func() bool { return len(tg.entries(t)) >= 2*len(ids) })
	eventually(t, "the warning ends", func() bool { return warning() == "" })
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/jobs": 503} {
		if status, _ := askWithKey(t, scheduler.url+path, ""); status != want {
			t.Errorf("%s of a server that fires alone answers %d, want %d", path, status, want)
		}
	}
	eventually(t, "the scheduler has all jobs", func() bool {
		return scheduler.metric("belfry_jobs") == float64(len(ids))
	})
	if jobs := api.metric("belfry_jobs"); jobs != 0 {
		t.Errorf("the server with the API has %v jobs", jobs)
	}
	status, paused := ask(t, "POST", api.url+"/jobs/"+ids[0]+"/pause", "application/json", "")
	if status != 200 {
		t.Errorf("a pause through the server with the API: %d %v", status, paused)
	}
}

// TestMigrateBesideServers: the command makes the tables, and can be repeated while a server runs on them.
func TestMigrateBesideServers(t *testing.T) {
	t.Parallel()
	url := newPostgres(t).Database(t)
	env := cleanEnv("DATABASE_URL="+url, "BELFRY_ENCRYPTION_KEY="+postgresKey)
	migrate := func() {
		t.Helper()
		code, out := runOut(t, env, "migrate")
		if code != 0 || !strings.Contains(out, " are those of this version\n") {
			t.Errorf("migrate exits with %d: %s", code, out)
		}
	}
	migrate()
	p, tg := servePostgres(t, url), newTarget(t)
	p.importJobs(everySecond(1, tg.url+"/ok"))
	migrate()
	seen := len(tg.entries(t))
	eventually(t, "the server goes on", func() bool { return len(tg.entries(t)) > seen+1 })
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
}

// TestPostgresStopKeepsItsGrace: a stop ends in good order within its grace also where the other server, which is to
// take the shards, is frozen, and a call in flight does not end.
func TestPostgresStopKeepsItsGrace(t *testing.T) {
	t.Parallel()
	database, tg := newPostgres(t), newTarget(t)
	url := database.Database(t)
	const grace = 12 * time.Second
	a := servePostgres(t, url, "BELFRY_SHUTDOWN_GRACE="+grace.String())
	a.importJobs(strings.Replace(everySecond(1, tg.url+"/slow?ms=60000"), "ATLEAST_ONCE",
		`ATLEAST_ONCE","timeoutMs":90000,"overlap":"SKIP`, 1))
	eventually(t, "a call is in flight", func() bool { return a.metric("belfry_in_flight") == 1 })
	b := servePostgres(t, url)
	if err := b.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.cmd.Process.Signal(syscall.SIGCONT) }()
	begun := time.Now()
	if code := a.terminate(); code != 0 {
		t.Errorf("exit code %d after SIGTERM, %s later", code, time.Since(begun))
	}
	if took := time.Since(begun); took > 2*grace { // twice, since the machine may be busy; the call takes a minute
		t.Errorf("the stop took %s, and its grace is %s", took, grace)
	}
}
