package e2e

import (
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// alter changes the jobs database of a server that is down.
func alter(t *testing.T, dir, query string, args ...any) {
	t.Helper()
	c, err := sqlite.OpenConn(filepath.Join(dir, "jobs.db"), sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := sqlitex.ExecuteTransient(c, query, &sqlitex.ExecOptions{Args: args}); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// rowID is a job's id as it is stored.
func rowID(t *testing.T, id string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// A stored job that cannot be read or compiled is set aside: the others run, it
// is shown with its error, and a change, a deletion or a program that can read
// it record its fires.
func TestBadRows(t *testing.T) {
	t.Parallel()
	tg, dir := newTarget(t), t.TempDir()
	p := serve(t, dir)
	long := p.importJobs(everySecond(1, tg.url+"/ok"))[0] // has fired before it becomes unreadable
	eventually(t, "a job fires", func() bool { return len(tg.entries(t)) >= 2 })
	bad := []struct{ column, value, shown string }{
		{"timezone", "Europe/Atlantis", "timezone: "},
		{"schedule", "1 2 3 BRANDNEW", "schedule: "},
		{"type", "EXACTLY_ONCE", "type: "},
		{"headers", `{"A": `, "headers: cannot be read"},
		{"tags", `{"not":"an array"}`, "tags: cannot be read"},
		{"body", `{"cut`, "body: cannot be read"},
		{"options", `{"overlap":"REPLACE"}`, "overlap: "},
		{"options", `{"retry":"often"}`, "retry: cannot be read"},
	}
	ids := p.importJobs(everySecond(len(bad)+1, tg.url+"/ok"))
	good := ids[len(bad)]
	if code := p.terminate(); code != 0 {
		t.Fatalf("exit code %d after SIGTERM", code)
	}
	for i, b := range bad {
		alter(t, dir, "UPDATE version SET "+b.column+" = ? WHERE job_id = ?", b.value, rowID(t, ids[i]))
	}
	alter(t, dir, "UPDATE version SET timezone = 'Europe/Atlantis' WHERE job_id = ?", rowID(t, long))
	began := time.Now().UnixMilli()
	p = serve(t, dir)
	eventually(t, "the good job fires", func() bool { return len(tg.since(t, began)) > 1 })
	for _, e := range tg.since(t, began) {
		if e.JobID.String() != good {
			t.Errorf("job %s was sent: it is set aside", e.JobID)
		}
	}
	for i, b := range bad {
		status, job := ask(t, "GET", p.url+"/jobs/"+ids[i], "", "")
		if shown, _ := job["error"].(string); status != 200 || !strings.Contains(shown, b.shown) ||
			job["nextFireAt"] != nil {
			t.Errorf("%s = %s: status %d, error %q, next %v", b.column, b.value, status, shown, job["nextFireAt"])
		}
		if status, _ := ask(t, "POST", p.url+"/jobs/"+ids[i]+"/trigger", "", ""); status != 409 {
			t.Errorf("%s: a trigger answers %d, want 409", b.column, status)
		}
	}
	_, page := ask(t, "GET", p.url+"/jobs/"+long+"/executions?limit=2", "", "")
	if list, _ := page["executions"].([]any); len(list) != 2 {
		t.Errorf("what a job that is set aside has fired: %v", page)
	}
	if _, report := ask(t, "GET", p.url+"/audit", "", ""); report["unexpected"] != 0.0 || report["lostCount"] != 0.0 {
		t.Errorf("audit: %v", report)
	}
	for _, path := range []string{"/jobs", "/jobs?tag=x", "/jobs/" + ids[0] + "/executions", "/audit", "/changes"} {
		if status, body := ask(t, "GET", p.url+path, "", ""); status >= 500 {
			t.Errorf("GET %s: %d %v", path, status, body)
		}
	}
	_, health := ask(t, "GET", p.url+"/observability/health", "", "")
	if got := fmt.Sprint(health["checks"]); health["status"] != "healthy" ||
		!strings.Contains(got, "9 jobs cannot be run: ") {
		t.Errorf("health %v", health)
	}
	eventually(t, "the metric says 9", func() bool { return p.metric(`belfry_jobs{state="set_aside"}`) == 9 })

	code, exported := runOut(t, cleanEnv("BELFRY_SERVER="+p.url), "export")
	if n := strings.Count(exported, `,"error":"`); code != 0 || n != len(bad)+1 ||
		strings.Count(exported, "\n") != len(bad)+2 {
		t.Errorf("export: exit code %d, %d jobs with an error:\n%s", code, n, exported)
	}
	if status, body := ask(t, "POST", p.url+"/jobs/import", "application/x-ndjson", exported); status >= 500 ||
		body["imported"] != 1.0 {
		t.Errorf("an import of it: %d %v", status, body)
	}

	// A change that leaves what is wrong is refused by name; one that mends it holds.
	if status, _ := ask(t, "PUT", p.url+"/jobs/"+ids[3], "application/json", `{"name":"x"}`); status != 422 {
		t.Errorf("a change that leaves unreadable headers: %d, want 422", status)
	}
	mended := time.Now().UnixMilli()
	for i, change := range map[int]string{
		0: `{"timezone":"UTC"}`, 3: `{"headers":{"A":"b"}}`, 4: `{"tags":[]}`, 5: `{"body":null}`,
		7: `{"retry":{"maxRetries":1,"delayMs":1000,"backoff":"FIXED","maxDelayMs":1000}}`,
	} {
		if status, body := ask(t, "PUT", p.url+"/jobs/"+ids[i], "application/json", change); status != 200 {
			t.Errorf("PUT %s: %d %v", change, status, body)
		}
	}
	if status, body := ask(t, "DELETE", p.url+"/jobs/"+ids[1], "", ""); status != 200 {
		t.Errorf("DELETE: %d %v", status, body)
	}
	eventually(t, "the mended job fires", func() bool {
		for _, e := range tg.since(t, mended) {
			if e.JobID.String() == ids[0] {
				return true
			}
		}
		return false
	})
	eventually(t, "the time for which it was set aside is on record",
		func() bool { return p.missed(ids[0], "not known") && p.missed(ids[3], "not known") })

	// The time zone of a newer release, read by it: here the row is put right.
	if code := p.terminate(); code != 0 {
		t.Fatalf("exit code %d after SIGTERM", code)
	}
	alter(t, dir, "UPDATE version SET type = 'ATLEAST_ONCE' WHERE job_id = ?", rowID(t, ids[2]))
	from := time.Now()
	p = serve(t, dir)
	eventually(t, "what it missed is on record",
		func() bool { return p.missed(ids[2], "until the server was able to read it again") })
	eventually(t, "nothing is lost", func() bool {
		_, report := ask(t, "GET", fmt.Sprintf("%s/audit?from=%d&to=%d", p.url, from.Add(-time.Minute).UnixMilli(),
			from.UnixMilli()), "", "")
		return report["lostCount"] == 0.0
	})
}

// missed reports whether a job has a MISSED record whose reason has the text.
func (p *process) missed(id, reason string) bool {
	p.t.Helper()
	_, page := ask(p.t, "GET", p.url+"/jobs/"+id+"/executions?limit=100", "", "")
	list, _ := page["executions"].([]any)
	for _, x := range list {
		x, _ := x.(map[string]any)
		if text, _ := x["error"].(string); x["status"] == "MISSED" && strings.Contains(text, reason) {
			return true
		}
	}
	return false
}

// A name that only a file system takes for a zone is refused, with and without zone files on the machine.
func TestZoneNamesOfTheFileSystem(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir(), "ZONEINFO=/usr/share/zoneinfo")
	for _, name := range []string{"Europe//Berlin", "Europe/Berlin/", "Europe/./Berlin", "posix/UTC", "right/UTC",
		"posixrules", "Local", "localtime", "europe/berlin"} {
		body := fmt.Sprintf(`{"schedule":"@daily","timezone":%q,"api":"http://127.0.0.1:9/","type":"ATLEAST_ONCE",`+
			`"isActive":false}`, name)
		if status, answer := ask(t, "POST", p.url+"/jobs", "application/json", body); status < 400 || status >= 500 {
			t.Errorf("%s: %d %v", name, status, answer)
		}
		if code, _ := run(t, cleanEnv("ZONEINFO=/usr/share/zoneinfo"), "preview", "@daily", "--timezone",
			name); code == 0 {
			t.Errorf("preview takes %s", name)
		}
	}
}

// A job whose secrets were sealed with a key that is lost is set aside, and runs
// again when they are sent again or the key is back. Where the keys open no secret
// at all they are the wrong ones, and the server does not start.
func TestLostKeySetsJobsAside(t *testing.T) {
	t.Parallel()
	tg, dir := newTarget(t), t.TempDir()
	first, second := "BELFRY_ENCRYPTION_KEY="+strings.Repeat("A", 42)+"E=",
		"BELFRY_ENCRYPTION_KEY="+strings.Repeat("B", 42)+"A="
	job := func(secret string) string {
		return fmt.Sprintf(`{"schedule":"* * * * * *","api":%q,"type":"ATLEAST_ONCE",%s}`+"\n", tg.url+"/ok", secret)
	}
	const header, signing = `"headers":{"X-Api-Key":"one"}`, `"signing":{"secrets":["whsec_` + canary +
		`JOBJOBJOBJOBJOBJOBJOBJ"]}`
	p := serve(t, dir, first)
	ids := p.importJobs(job(header) + job(signing) + job(header))
	if code := p.terminate(); code != 0 {
		t.Fatalf("exit code %d after SIGTERM", code)
	}
	env := cleanEnv(second, "DB_PATH="+filepath.Join(dir, "jobs.db"))
	if code, _, errs := runAll(t, env, "serve"); code == 0 || !strings.Contains(errs, "none of the sealed secrets") {
		t.Errorf("a start with a wrong key: exit code %d, %s", code, errs)
	}

	// seals all anew, in the background
	p = serve(t, dir, second+","+strings.TrimPrefix(first, "BELFRY_ENCRYPTION_KEY="))
	ids = append(ids, p.importJobs(job(header)+job(signing))...)
	eventually(t, "all is sealed with the new key",
		func() bool { return strings.Contains(p.log(), "sealed stored secrets") })
	if code := p.terminate(); code != 0 {
		t.Fatalf("exit code %d after SIGTERM", code)
	}
	for _, id := range ids[:3] { // as a backup of before would have them
		alter(t, dir, `UPDATE version SET headers = replace(headers, ?1, ?2), options = replace(options, ?1, ?2) `+
			`WHERE job_id = ?3`,
			"sealed:v1:"+keyOf(t, dir, ids[3]), "sealed:v1:0123abcd", rowID(t, id))
	}
	began := time.Now().UnixMilli()
	p = serve(t, dir, second)
	sent := func(id string) bool {
		for _, e := range tg.since(t, began) {
			if e.JobID.String() == id {
				return true
			}
		}
		return false
	}
	eventually(t, "the good jobs fire", func() bool { return sent(ids[3]) && sent(ids[4]) })
	for i, field := range []string{"headers: ", "signing: ", "headers: "} {
		status, shown := ask(t, "GET", p.url+"/jobs/"+ids[i], "", "")
		fault, _ := shown["error"].(string)
		if status != 200 || !strings.Contains(fault, field) || !strings.Contains(fault, "its key is 0123abcd") ||
			sent(ids[i]) {
			t.Errorf("job %d: status %d, error %q, sent %v", i, status, fault, sent(ids[i]))
		}
	}
	_, health := ask(t, "GET", p.url+"/observability/health", "", "")
	if got := fmt.Sprint(health["checks"]); health["status"] != "healthy" ||
		!strings.Contains(got, "3 jobs cannot be run: ") {
		t.Errorf("health %v", health)
	}
	eventually(t, "the metric says 3", func() bool { return p.metric(`belfry_jobs{state="set_aside"}`) == 3 })
	if status, _ := ask(t, "PUT", p.url+"/jobs/"+ids[0], "application/json", `{"name":"x"}`); status != 422 {
		t.Errorf("a change that leaves the secret: %d, want 422", status)
	}
	for i, change := range []string{`{` + header + `}`, `{` + signing + `}`} {
		if status, body := ask(t, "PUT", p.url+"/jobs/"+ids[i], "application/json", change); status != 200 {
			t.Errorf("PUT %s: %d %v", change, status, body)
		}
	}
	eventually(t, "the mended jobs fire", func() bool { return sent(ids[0]) && sent(ids[1]) })
	if sent(ids[2]) {
		t.Error("a job that is set aside was sent")
	}
}

// keyOf returns the id of the key that seals a header of a job.
func keyOf(t *testing.T, dir, id string) (key string) {
	t.Helper()
	c, err := sqlite.OpenConn(filepath.Join(dir, "jobs.db"), sqlite.OpenReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = sqlitex.ExecuteTransient(c, `SELECT headers FROM version WHERE job_id = ?`, &sqlitex.ExecOptions{
		Args: []any{rowID(t, id)},
		ResultFunc: func(s *sqlite.Stmt) error {
			_, rest, _ := strings.Cut(s.ColumnText(0), "sealed:v1:")
			key, _, _ = strings.Cut(rest, ":")
			return nil
		},
	})
	if err != nil || key == "" {
		t.Fatalf("job %s: key %q, error %v", id, key, err)
	}
	return key
}
