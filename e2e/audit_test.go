package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// A record that somebody deletes by hand is missed: the command names the job
// and says so by its exit code. Before that it has nothing to say.
func TestAuditFindsADeletedRow(t *testing.T) {
	t.Parallel()
	tg, dir := newTarget(t), t.TempDir()
	p := serve(t, dir)
	id := p.importJobs(everySecond(1, tg.url+"/ok"))[0]
	audit := func() (code int, out string) {
		return runOut(t, cleanEnv(), "audit", "--server", p.url)
	}
	eventually(t, "three fires are on record", func() bool {
		code, out := audit()
		if code != 0 {
			t.Fatalf("before anything was deleted: exit code %d\n%s", code, out)
		}
		return p.metric("belfry_executions_total") >= 3 && p.metric("belfry_watermark_lag_seconds") < 2
	})
	days, err := filepath.Glob(filepath.Join(dir, "history", "*.db"))
	if err != nil || len(days) == 0 {
		t.Fatalf("history files %v, %v", days, err)
	}
	c, err := sqlite.OpenConn(days[0], sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	c.SetBlockOnBusy()
	err = sqlitex.ExecuteTransient(c, "DELETE FROM execution WHERE scheduled_at = (SELECT min(scheduled_at) FROM "+
		"execution)", nil)
	if err != nil || c.Changes() != 1 {
		t.Fatalf("%d rows deleted, %v", c.Changes(), err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if code, out := audit(); code != 2 || !strings.Contains(out, id) {
		t.Errorf("after a row was deleted: exit code %d, want 2 and the job %s named\n%s", code, id, out)
	}
}
