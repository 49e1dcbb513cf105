package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/receiver"
	"github.com/belfry-scheduler/belfry/internal/store/postgres/postgrestest"
)

// postgresKey is an encryption key: 32 bytes in base64.
const postgresKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// newPostgres starts a PostgreSQL server of the test.
func newPostgres(t *testing.T) *postgrestest.Server {
	t.Helper()
	return newPostgresWith(t, postgrestest.Options{Fsync: true})
}

func newPostgresWith(t *testing.T, options postgrestest.Options) *postgrestest.Server {
	t.Helper()
	s, err := postgrestest.Start(options)
	postgrestest.Need(t, err)
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// servePostgres starts a server on a PostgreSQL database.
func servePostgres(t *testing.T, url string, env ...string) *process {
	t.Helper()
	return startWith(t, binary, "belfry is running", "address",
		cleanEnv(append(env, "DATABASE_URL="+url, "BELFRY_ENCRYPTION_KEY="+postgresKey)...), "serve")
}

// repeated reports whether all sends of a fire but the first came after a kill that the one before it preceded by no
// more than what may not have been on record.
func repeated(got []receiver.Entry, kills []int64, unrecorded int64) bool {
	for i := 1; i < len(got); i++ {
		a, b := got[i-1].ReceivedAt, got[i].ReceivedAt
		if !slices.ContainsFunc(kills, func(kill int64) bool { return a <= kill && a > kill-unrecorded && b >= kill }) {
			return false
		}
	}
	return true
}

// TestPostgresKillAndRestartLosesNothing: a server on PostgreSQL is killed under load, and PostgreSQL itself stops like
// a crash. Every fire is sent, and has one record.
func TestPostgresKillAndRestartLosesNothing(t *testing.T) {
	t.Parallel()
	database, tg := newPostgres(t), newTarget(t)
	url := database.Database(t)
	p := servePostgres(t, url)
	ids := p.importJobs(everySecond(200, tg.url+"/ok"))
	first, machine := (time.Now().UnixMilli()/1000+2)*1000, watchStalls(t)

	pass(time.Now().UnixMilli() + 4_300)
	p.kill()
	kills := []int64{time.Now().UnixMilli()}
	p = servePostgres(t, url)
	fires := func() bool { return p.metric("belfry_jobs") == 200 }
	eventually(t, "the next server fires the jobs of the one that was killed", fires)

	pass(time.Now().UnixMilli() + 3_000)
	if err := database.End(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	pass(time.Now().UnixMilli() + 5_000)
	if err := database.Launch(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server is healthy again", func() bool {
		status, _ := ask(t, "GET", p.url+"/observability/health", "", "")
		return status == 200
	})
	eventually(t, "the server fires the jobs again", fires)
	last := (time.Now().UnixMilli()/1000 + 3) * 1000
	pass(last)
	got := tg.waitFor(t, ids, first, last)
	unrecorded := machine.longestMs() + 3_000
	got.check(t, ids, first, last, func(got []receiver.Entry) bool { return repeated(got, kills, unrecorded) })

	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0", code)
	}
	p = servePostgres(t, url)
	checkRecord(t, p, ids[:20], first, last)
}

// TestPostgresNodesShareTheJobs: servers on one database fire the jobs together. When one is killed the
// others take its jobs over within seconds; when one stops they do so at once. No fire is lost, and none is
// sent twice but for the kill.
func TestPostgresNodesShareTheJobs(t *testing.T) {
	t.Parallel()
	database, tg := newPostgres(t), newTarget(t)
	url := database.Database(t)
	a, b := servePostgres(t, url), servePostgres(t, url)
	ids := a.importJobs(everySecond(200, tg.url+"/ok"))
	first, machine := (time.Now().UnixMilli()/1000+2)*1000, watchStalls(t)
	pass(first + 25_000) // members are the same for 10 s before shards move
	for _, p := range []*process{a, b} {
		if got := p.metric("belfry_jobs"); got < 40 || got > 160 {
			t.Errorf("one of two servers fires %v of 200 jobs", got)
		}
	}
	b.kill()
	kills := []int64{time.Now().UnixMilli()}
	eventually(t, "the other server fires all jobs", func() bool { return a.metric("belfry_jobs") == 200 })
	t.Logf("the other server took over %d ms after the kill", time.Now().UnixMilli()-kills[0])
	c := servePostgres(t, url)
	pass(time.Now().UnixMilli() + 25_000)
	if code := a.terminate(); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0", code)
	}
	eventually(t, "the third server fires all jobs", func() bool { return c.metric("belfry_jobs") == 200 })
	last := (time.Now().UnixMilli()/1000 + 2) * 1000
	pass(last)
	got := tg.waitFor(t, ids, first, last)
	unrecorded := machine.longestMs() + 3_000
	got.check(t, ids, first, last, func(got []receiver.Entry) bool { return repeated(got, kills, unrecorded) })
	checkRecord(t, c, ids[:20], first, last)
}

// TestPostgresCallsEndWhereTheyBegan: a call that is in flight while its job moves to another server is
// not sent a second time. The server that stops ends it and records it.
func TestPostgresCallsEndWhereTheyBegan(t *testing.T) {
	t.Parallel()
	database, tg := newPostgres(t), newTarget(t)
	url := database.Database(t)
	a := servePostgres(t, url)
	id := a.importJobs(`{"schedule":"0 0 1 1 * *","api":"` + tg.url + `/slow?ms=8000","type":"ATLEAST_ONCE"}`)[0]
	eventually(t, "the first server fires the job", func() bool { return a.metric("belfry_jobs") == 1 })
	b := servePostgres(t, url)
	if status, _ := ask(t, "POST", a.url+"/jobs/"+id+"/trigger", "application/json", ""); status >= 300 {
		t.Fatalf("the trigger answers %d", status)
	}
	eventually(t, "the call is in flight", func() bool { return a.metric("belfry_in_flight") == 1 })
	if code := a.terminate(); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0", code)
	}
	eventually(t, "the second server fires the job", func() bool { return b.metric("belfry_jobs") == 1 })
	eventually(t, "the call is on record", func() bool {
		for x, err := range b.api.Executions.OfJob(t.Context(), id, 10) {
			return err == nil && x.Status == "SUCCESS"
		}
		return false
	})
	if got := tg.since(t, 0); len(got) != 1 {
		t.Errorf("the call was sent %d times", len(got))
	}
}

// TestPostgresServesWhatFilesDo: jobs, secrets, triggers and lists on PostgreSQL, over a restart. The
// password of the database is in no line of the log.
func TestPostgresServesWhatFilesDo(t *testing.T) {
	t.Parallel()
	database, tg := newPostgres(t), newTarget(t)
	url := strings.Replace(database.Database(t), "postgres://belfry@", "postgres://belfry:CANARY@", 1)
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte(url+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"DATABASE_URL_FILE=" + file, "BELFRY_ENCRYPTION_KEY=" + postgresKey, "DB_VERBOSE=true",
		"LOG_LEVEL=debug"}
	start := func() *process {
		return startWith(t, binary, "belfry is running", "address", cleanEnv(env...), "serve")
	}
	p := start()
	id := p.importJobs(`{"schedule":"0 0 1 1 * *","api":"` + tg.url + `/ok","type":"ATLEAST_ONCE","key":"yearly",` +
		`"headers":{"Authorization":"Bearer secret"}}`)[0]
	if status, _ := ask(t, "POST", p.url+"/jobs/"+id+"/trigger", "application/json", ""); status >= 300 {
		t.Fatalf("the trigger answers %d", status)
	}
	eventually(t, "the trigger is on record", func() bool {
		for x, err := range p.api.Executions.OfJob(t.Context(), id, 10) {
			return err == nil && x.Status == "SUCCESS"
		}
		return false
	})
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0", code)
	}
	if strings.Contains(p.log(), "CANARY") {
		t.Errorf("the password is in the log:\n%s", p.log())
	}
	p = start()
	job, err := p.api.Jobs.Get(t.Context(), id)
	if err != nil || job.Version != 1 {
		t.Fatalf("after a restart: %+v, %v", job, err)
	}
	p.kill()
	if code, stderr := run(t, cleanEnv("DATABASE_URL_FILE="+file), "serve"); code != 1 ||
		!strings.Contains(stderr, "openssl rand -base64 32") || strings.Contains(stderr, "CANARY") {
		t.Errorf("without a key: exit code %d, %s", code, stderr)
	}
}
