package e2e

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/receiver"
)

// migrationsFolder has the steps of the schema, in the order of their names.
const migrationsFolder = "internal/store/postgres/migrations/"

// buildBefore builds the sources of the commit before the newest step of the schema was added: the last ones whose
// servers do not know it. Where their history is not here, as in a clone without depth, the test is skipped.
func buildBefore(t *testing.T) string {
	t.Helper()
	git := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", ".."}, args...)...).Output()
		if err != nil {
			t.Skipf("SKIPPED, a rolling upgrade is not tested: git %s: %v", strings.Join(args, " "), err)
		}
		return strings.TrimSpace(string(out))
	}
	steps, err := filepath.Glob("../" + migrationsFolder + "*.sql")
	if err != nil || len(steps) == 0 {
		t.Fatalf("%v, %v", steps, err)
	}
	newest := migrationsFolder + filepath.Base(slices.Max(steps))
	added := git("log", "-1", "--diff-filter=A", "--format=%H", "--", newest)
	before := cmp.Or(added, "none") + "~1" // fails where it was not found
	commit := git("rev-parse", "--verify", before+"^{commit}")
	dir := t.TempDir()
	archive := filepath.Join(dir, "sources.tar")
	git("archive", "--output="+archive, commit, "cmd", "internal", "go.mod", "go.sum")
	for _, step := range [][]string{
		{"tar", "-xf", archive},
		{"go", "build", "-trimpath", "-buildvcs=false", "-o", "belfry", "./cmd/belfry"},
	} {
		cmd := exec.CommandContext(t.Context(), step[0], step[1:]...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v of the sources of %s: %v\n%s", step, commit, err, out)
		}
	}
	t.Logf("the build before is of %s; it does not know %s", commit[:12], filepath.Base(newest))
	return filepath.Join(dir, "belfry")
}

// TestRollingUpgrade: servers of the build before, which is older than the tables, are replaced one by one under load.
// The new build changes the tables while they run; they go on, and no further one starts. Servers of both builds
// understand each other's requests. No fire is lost, and none is sent twice.
func TestRollingUpgrade(t *testing.T) {
	t.Parallel()
	old := buildBefore(t)
	database, tg := newPostgres(t), newTarget(t)
	env := cleanEnv("DATABASE_URL="+database.Database(t), "BELFRY_ENCRYPTION_KEY="+postgresKey)
	start := func(binary, name string) *process {
		return startWith(t, binary, "belfry is running", "address", append(slices.Clone(env), "BELFRY_NODE_NAME="+name),
			"serve")
	}
	a, b := start(old, "a"), start(old, "b")
	const jobs = 60
	ids := a.importJobs(everySecond(jobs, tg.url+"/ok"))
	first, machine := (time.Now().UnixMilli()/1000+2)*1000, watchStalls(t)
	fires := func(p *process) float64 { return p.metric("belfry_jobs") }
	shared := func() bool { return fires(a) > jobs/4 && fires(b) > jobs/4 && fires(a)+fires(b) == jobs }
	eventually(t, "two servers of the build before share the jobs", shared)

	if code, out := runOut(t, env, "migrate"); code != 0 {
		t.Fatalf("migrate: exit code %d, %s", code, out)
	}
	late := exec.CommandContext(t.Context(), old, "serve")
	late.Env, late.Dir = env, t.TempDir()
	if out, err := late.CombinedOutput(); err == nil || !strings.Contains(string(out), "newer Belfry") {
		t.Errorf("a server that is older than the tables starts: %v, %s", err, out)
	}

	triggered := make(map[string]bool)
	upgrade := func(p **process, name string, other *process) {
		if code := (*p).terminate(); code != 0 {
			t.Errorf("exit code %d after SIGTERM", code)
		}
		eventually(t, "the other server fires all jobs", func() bool { return fires(other) == jobs })
		*p = start(binary, name)
		eventually(t, "two servers share the jobs", shared)
	}
	upgrade(&a, "a", b)
	for i, p := range []*process{a, b} { // of two builds
		for _, id := range ids[i*10 : i*10+10] {
			made, err := p.api.Jobs.Trigger(t.Context(), id)
			if err != nil {
				t.Errorf("a trigger at server %d: %v", i, err)
			}
			triggered[made.ExecutionID] = true
		}
		if _, err := p.api.Jobs.Pause(t.Context(), ids[jobs-1-i]); err != nil {
			t.Errorf("a pause at server %d: %v", i, err)
		}
	}
	until := client.Pausing{Until: time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}
	shown, err := a.api.Cluster(t.Context())
	if err != nil || shown.Database.Protocol == nil {
		t.Fatalf("%+v, %v", shown, err)
	}
	const knowsPauses = 2 // from this protocol on a server does not lose the end of a pause
	_, err = a.api.Jobs.PauseBecause(t.Context(), ids[jobs-1], until)
	if refused := err != nil && strings.Contains(err.Error(), "older version"); refused !=
		(*shown.Database.Protocol < knowsPauses) {
		t.Errorf("a pause with an end while all servers speak protocol %d: %v", *shown.Database.Protocol, err)
	}
	for _, p := range []*process{a, b} {
		if shown, err := p.api.Cluster(t.Context()); err != nil || len(shown.Nodes) != 2 || shown.Shards.Owned != 64 {
			t.Errorf("%+v, %v", shown, err)
		}
	}
	upgrade(&b, "b", a)
	for i, p := range []*process{a, b} {
		if v, err := p.api.Jobs.PauseBecause(t.Context(), ids[jobs-1-i], until); err != nil || v.PausedUntil == 0 {
			t.Errorf("a pause with an end among servers that know it: %+v, %v", v, err)
		}
	}
	last := (time.Now().UnixMilli()/1000 + 1) * 1000
	pass(last)
	ids = ids[:jobs-2] // the others were paused
	tg.waitFor(t, ids, first, last)
	got := firesOf(slices.DeleteFunc(tg.entries(t), func(e receiver.Entry) bool {
		return triggered[e.ExecutionID.String()] // at an instant of its own, which may be that of a fire
	}))
	got.check(t, ids, first, last, func([]receiver.Entry) bool { return machine.longestMs() > 2_000 })
	checkRecord(t, b, ids[20:40], first, last)
	calls := make(map[string]int)
	for _, e := range tg.entries(t) {
		calls[e.ExecutionID.String()]++
	}
	for id := range triggered {
		if calls[id] != 1 {
			t.Errorf("the trigger %s was called %d times", id, calls[id])
		}
	}
}
