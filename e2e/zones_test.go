package e2e

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/cron"
)

// zoneData writes zone data in which a name has the rules of another one.
func zoneData(t *testing.T, release string, zones map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	add := func(name, data string) {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write([]byte(data))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	add("+VERSION", release)
	for name, from := range zones {
		data, known := cron.Zones().Rules(from)
		if !known {
			t.Fatalf("no zone %s", from)
		}
		add(name, data)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "zoneinfo.zip")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Zone data of another release: the jobs whose fires move are logged, the new rules apply
// from then on, and the fires of the old rules are still found, and audited by the old
// rules.
func TestZoneRulesChange(t *testing.T) {
	t.Parallel()
	tg, dir := newTarget(t), t.TempDir()
	first := zoneData(t, "2098a", map[string]string{"UTC": "UTC", "Europe/Berlin": "Etc/GMT-1"})
	second := zoneData(t, "2099a", map[string]string{"UTC": "UTC", "Europe/Berlin": "Etc/GMT-9"})
	p := serve(t, dir, "BELFRY_ZONEINFO="+first)
	hours := func(east int) string { // this hour and those beside it
		h := time.Now().UTC().Hour() + east
		return fmt.Sprintf("%d,%d,%d", (h+23)%24, h%24, (h+1)%24)
	}
	job := func(east int) string {
		return fmt.Sprintf(`{"schedule":"* * %s * * *","timezone":"Europe/Berlin","api":%q,"type":"ATLEAST_ONCE"}`+"\n",
			hours(east), tg.url+"/ok")
	}
	ids := p.importJobs(job(1) + job(9))
	fires := func(id string, from int64) (n int) {
		for _, e := range tg.since(t, from) {
			if e.JobID.String() == id {
				n++
			}
		}
		return n
	}
	eventually(t, "the job of the old rules fires", func() bool { return fires(ids[0], 0) >= 2 })
	if n := fires(ids[1], 0); n > 0 {
		t.Errorf("the job of the new rules was sent %d times by the old ones", n)
	}
	began := time.Now().Add(-time.Minute).UnixMilli()
	if code := p.terminate(); code != 0 {
		t.Fatalf("exit code %d after SIGTERM", code)
	}

	for restart := range 2 { // the second finds no other rules
		started := time.Now().UnixMilli()
		p = serve(t, dir, "BELFRY_ZONEINFO="+second)
		_, health := ask(t, "GET", p.url+"/observability/health", "", "")
		if zones := fmt.Sprint(health["zones"]); !strings.Contains(zones, "2099a") || health["status"] != "healthy" {
			t.Errorf("health: %v", health)
		}
		told := strings.Contains(fmt.Sprint(health["checks"]), "2 jobs fire at other instants")
		if told != (restart == 0) {
			t.Errorf("start %d: the health check says %v", restart, health["checks"])
		}
		for _, id := range ids {
			if told := strings.Contains(p.log(), `"a job fires at other instants by the new rules of its time `+
				`zone","job_id":"`+id); told != (restart == 0) {
				t.Errorf("start %d: whether job %s is told: %t", restart, id, told)
			}
		}
		eventually(t, "the job of the new rules fires", func() bool { return fires(ids[1], started) >= 2 })
		if n := fires(ids[0], started); n > 1 { // one may have been due when the server stopped
			t.Errorf("the job of the old rules was sent %d times by the new ones", n)
		}
		_, page := ask(t, "GET", p.url+"/jobs/"+ids[0]+"/executions?limit=100", "", "")
		if list, _ := page["executions"].([]any); len(list) < 2 {
			t.Errorf("start %d: what was fired by the old rules is not found: %v", restart, page)
		}
		var report map[string]any
		eventually(t, "the audit reaches the present", func() bool {
			_, report = ask(t, "GET", fmt.Sprintf("%s/audit?from=%d", p.url, began), "", "")
			to, _ := report["to"].(float64)
			return int64(to) > time.Now().Add(-4*time.Second).UnixMilli()
		})
		if report["lostCount"] != 0.0 || report["unexpected"] != 0.0 {
			t.Errorf("start %d: audit %v", restart, report)
		}
		if code := p.terminate(); code != 0 {
			t.Fatalf("exit code %d after SIGTERM", code)
		}
	}
}

// TestPostgresNodesFireByTheSameRules: a server whose zone data are of another release fires nothing
// while another one does, and says why. It takes the jobs over when that has stopped, and logs what
// changes.
func TestPostgresNodesFireByTheSameRules(t *testing.T) {
	t.Parallel()
	database, tg := newPostgres(t), newTarget(t)
	url := database.Database(t)
	before := zoneData(t, "2098z", map[string]string{"UTC": "UTC", "Europe/Berlin": "Europe/Berlin"})
	after := zoneData(t, "2099a", map[string]string{"UTC": "UTC", "Europe/Berlin": "Asia/Tokyo"})
	a := servePostgres(t, url, "BELFRY_ZONEINFO="+before)
	id := a.importJobs(fmt.Sprintf(
		`{"schedule":"* * * * * *","timezone":"Europe/Berlin","api":%q,"type":"ATLEAST_ONCE"}`, tg.url+"/ok"))[0]
	b := servePostgres(t, url, "BELFRY_ZONEINFO="+after)
	eventually(t, "the second server says why it fires nothing", func() bool {
		_, health := ask(t, "GET", b.url+"/observability/health", "", "")
		return strings.Contains(fmt.Sprint(health["checks"]),
			"the rules of Europe/Berlin are those of release 2098z, but here of release 2099a")
	})
	if n := b.metric("belfry_jobs"); n != 0 {
		t.Errorf("the second server fires %v jobs", n)
	}
	if code := a.terminate(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	eventually(t, "the second server fires the job", func() bool {
		return b.metric("belfry_jobs") == 1 && strings.Contains(b.log(), "the rules of a time zone have changed")
	})
	started := time.Now().UnixMilli()
	eventually(t, "it is sent", func() bool {
		got := tg.since(t, started)
		return len(got) > 0 && got[0].JobID.String() == id
	})
}
