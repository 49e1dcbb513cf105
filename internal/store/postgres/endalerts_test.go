//go:build unix

package postgres

import (
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/store/postgres/postgrestest"
)

// Where no alert is open, successes look up no job, however many alerts have ended, with statistics of the table and
// without.
func TestSuccessesLookUpNoAlert(t *testing.T) {
	t.Parallel()
	steps, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	d := &oldDatabase{t, postgrestest.Shared(t).Database(t), make(told, 1000)}
	if err := d.migrator(d.url, steps).run(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := d.connect()
	d.execute(c, `
INSERT INTO alert (job_id, opened_at, opened_nonce, first_at, last_at, failures, recovered_at, execution_id, http_status,
       error, day)
SELECT lpad(to_hex(n), 32, '0')::uuid, n, 1, n, n, 1, n + 1, lpad(to_hex(n), 32, '0')::uuid, 500, '', 1
  FROM generate_series(1, 20000) n;
SET plan_cache_mode = force_generic_plan;
PREPARE successes (uuid[], bigint[], int[]) AS `+endAlerts)
	plan := func() string {
		t.Helper()
		rows, err := c.Query(t.Context(), `
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off)
EXECUTE successes (ARRAY[lpad('5', 32, '0')::uuid], ARRAY[50000], ARRAY[1])`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var text strings.Builder
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			text.WriteString(line + "\n")
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return text.String()
	}
	for _, state := range []string{"after it was filled", "analyzed"} {
		if state == "analyzed" {
			d.execute(c, "ANALYZE alert")
		}
		got := plan()
		if !strings.Contains(got, "One-Time Filter") || !strings.Contains(got, "never executed") ||
			strings.Contains(got, "Seq Scan on alert o") {
			t.Errorf("%s:\n%s", state, got)
		}
	}
	d.execute(c, `UPDATE alert SET recovered_at = NULL WHERE job_id = lpad('5', 32, '0')::uuid`)
	if got := plan(); strings.Contains(got, "never executed") {
		t.Errorf("with an open alert:\n%s", got)
	}
	d.await(c, `SELECT recovered_at = 50000 FROM alert WHERE job_id = lpad('5', 32, '0')::uuid`)
}
