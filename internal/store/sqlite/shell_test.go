package sqlite

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// shell runs a query in the sqlite3 shell, as a person would, on a file that
// the store has open.
func shell(t *testing.T, path, query string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "sqlite3", "-readonly", path, query).CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3 %s: %v\n%s", query, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestPeopleCanReadTheFiles(t *testing.T) {
	if _, err := exec.LookPath("sqlite3"); err != nil {
		t.Skip("there is no sqlite3 shell here")
	}
	s := newStore(t)
	v := version(1)
	v.Spec.Name, v.Spec.Key, v.Spec.Tags, v.Spec.TimeoutMs = "nightly", "k-1", []string{"a"}, 500
	create(t, s, v)
	retried := failure(1, noon+second)
	retried.RetryCount, retried.Attempts = 1, []domain.Attempt{{Number: 1, StartedAt: noon},
		{Number: 2, StartedAt: noon + 1}}
	manual := success(1, noon+7)
	manual.Nonce = 5
	record(t, s, success(1, noon), retried, manual, missed(1, noon+2*second, noon+5*second, 4))
	begin(t, s, openRun(1, noon+hour))
	id, at := jobID(1).String(), "2026-03-10T12:00:"
	history := s.days.path(dayOf(noon))

	for _, c := range []struct{ path, query, want string }{
		{s.cfg.Path, "SELECT id, key, name, schedule, tags, options, active, created_at FROM jobs",
			id + `|k-1|nightly|* * * * * *|["a"]|{"timeoutMs":500}|yes|` + at + "00.000Z"},
		{s.cfg.Path, "SELECT job_id, key, number, effective_from, effective_to FROM versions",
			id + "|k-1|1|" + at + "00.000Z|"},
		{s.cfg.Path, "SELECT job_id, cause, scheduled_at, next_at FROM open_runs",
			id + "|schedule|2026-03-10T13:00:00.000Z|2026-03-10T13:00:01.000Z"},
		{s.cfg.Path, "SELECT total, active FROM tally", "1|1"},
		{s.cfg.Path, "SELECT epoch, released FROM shards", "0|yes"},
		{history, "SELECT job_id, cause, status, scheduled_at, started_at, completed_at, drift_ms, duration_ms FROM " +
			"executions LIMIT 1",
			id + "|schedule|SUCCESS|" + at + "00.000Z|" + at + "00.001Z|" + at + "00.021Z|1|20"},
		{history, "SELECT cause FROM executions WHERE scheduled_at = '" + at + "00.007Z'", "manual"},
		{history, "SELECT status, error, attempts FROM executions WHERE retry_count = 1",
			`FAILED|500: broken|[{"number":1,"startedAt":1773144000000,"completedAt":0},{"number":2,` +
				`"startedAt":1773144000001,"completedAt":0}]`},
		{history, "SELECT status, completed_at, missed_from, missed_count FROM executions WHERE missed_count",
			"MISSED|" + at + "05.021Z|" + at + "02.000Z|4"},
		{history, "SELECT minute, status, executions, fires FROM counters ORDER BY status",
			"2026-03-10T12:00Z|FAILED|1|1\n2026-03-10T12:00Z|MISSED|1|4\n2026-03-10T12:00Z|SUCCESS|2|2"},
		{history, "SELECT job_id, failures, last_at, recovered_at, error FROM alerts",
			id + "|1|" + at + "01.021Z||500: broken"},
	} {
		if got := shell(t, c.path, c.query); got != c.want {
			t.Errorf("%s\n%s\nwant\n%s", c.query, got, c.want)
		}
	}
	// The schema explains itself: the comments are part of what .schema shows.
	for path, words := range map[string][]string{
		s.cfg.Path: {"NULL: the current version", "how many jobs exist"},
		history:    {"started_at - scheduled_at", "2 FAILED, 3 SKIPPED"},
	} {
		schema := shell(t, path, ".schema")
		for _, word := range words {
			if !strings.Contains(schema, word) {
				t.Errorf(".schema of %s does not say %q", path, word)
			}
		}
	}
}
