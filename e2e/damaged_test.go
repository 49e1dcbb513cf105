package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A history file of an old day that is no database keeps no job from running.
func TestDamagedHistoryOfAnOldDay(t *testing.T) {
	t.Parallel()
	target, dir := newTarget(t), t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "history"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "history", "2020-02-29.db"),
		[]byte(strings.Repeat("not a database ", 999)), 0o600); err != nil {
		t.Fatal(err)
	}
	p := serve(t, dir)
	p.importJobs(everySecond(1, target.url+"/ok"))
	eventually(t, "results are recorded", func() bool { return p.recorded() > 0 })
	h, err := p.api.Health(t.Context())
	if err != nil || !h.Healthy() || !strings.Contains(h.Checks["history"].Warning, "2020-02-29") {
		t.Errorf("health %+v, error %v: want a warning that names the day", h, err)
	}
	if status, _ := ask(t, "GET", p.url+"/executions/export?from=1582900000000&to=1583000000000", "",
		""); status != 503 {
		t.Errorf("an export over the damaged day: status %d, want 503", status)
	}
}
