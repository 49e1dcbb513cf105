package sqlite

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// namesOf returns the rows of the order of names.
func namesOf(t *testing.T, s *Store) (found []string) {
	t.Helper()
	err := s.db.read(t.Context(), func(c *conn) error {
		return c.query(`SELECT name, id FROM job_name ORDER BY name, id`, func(s *sqlite.Stmt) error {
			found = append(found, s.ColumnText(0)+" "+columnJobID(s, 1).String())
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A database of the version before gets the rows that it would have had. BELFRY_LIST_JOBS is how many jobs it has.
func TestNamesOfAnOldDatabase(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("BELFRY_LIST_JOBS"))
	s := newStore(t)
	for made := 0; made <= n; made += 1_000 {
		create(t, s, manyJobs(1_000, uint64(made/1_000))...)
	}
	for i, name := range []string{"", "ÉMILE Ünïcode ẞ", strings.Repeat("Aé", 60), strings.Repeat("😀", 100) + "Z",
		"Z'\"; --", "old"} {
		v := version(i + 1)
		v.Spec.Name = name
		create(t, s, v)
	}
	renamed := version(6)
	renamed.Spec.Name, renamed.Number, renamed.EffectiveFrom = "NEW", 2, noon+second
	if err := s.Jobs().Update(t.Context(), renamed); err != nil {
		t.Fatal(err)
	}
	if err := s.Jobs().Delete(t.Context(), jobID(5), 1, noon+second); err != nil {
		t.Fatal(err)
	}
	want, path := namesOf(t, s), s.cfg.Path
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	sql(t, path, `DROP INDEX alert_group_key`, `DROP TABLE job_name`, `PRAGMA user_version = 19`)
	start := time.Now()
	s = openStore(t, path)
	t.Logf("opened with %d jobs in %v", len(want), time.Since(start))
	if got := namesOf(t, s); !slices.Equal(got, want) {
		t.Errorf("%d names, want %d", len(got), len(want))
	}
	if page, err := s.Jobs().List(t.Context(), store.JobQuery{ByName: true, Name: "NEW", Limit: 2}); err != nil ||
		len(page.Jobs) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
}

// An edit that does not change the place of a job writes nothing about names.
func TestEditsThatWriteNoName(t *testing.T) {
	s := newStore(t)
	v := version(1)
	v.Spec.Name = "Nightly"
	create(t, s, v)
	write := func(fn func(c *conn) error) {
		t.Helper()
		err := s.db.write(t.Context(), 1, func(c *conn) (tally, error) { return tally{}, fn(c) })
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, statement := range []string{"CREATE TABLE touched (n)",
		"CREATE TRIGGER put AFTER INSERT ON job_name BEGIN INSERT INTO touched VALUES (1); END",
		"CREATE TRIGGER dropped AFTER DELETE ON job_name BEGIN INSERT INTO touched VALUES (-1); END"} {
		write(func(c *conn) error { return c.exec(statement) })
	}
	edit := func(want int64, change func(*domain.Version)) {
		t.Helper()
		v.Number++
		v.EffectiveFrom += second
		change(&v)
		if err := s.Jobs().Update(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		write(func(c *conn) error {
			if n, err := c.number("SELECT count(*) FROM touched"); err != nil || n != want {
				t.Errorf("%d rows were written, want %d: %v", n, want, err)
			}
			return c.exec("DELETE FROM touched")
		})
	}
	edit(0, func(v *domain.Version) { v.Spec.TimeoutMs++ })
	edit(0, func(v *domain.Version) { v.Spec.Name = "NIGHTLY" })
	edit(0, func(v *domain.Version) { v.Active = false })
	edit(2, func(v *domain.Version) { v.Spec.Name = "Daily" })
	edit(2, func(v *domain.Version) { v.Spec.Name = "" })
}

// Pages by name are read from their place on, in the order of the table.
func TestListsByNameUseTheirIndex(t *testing.T) {
	s := newStore(t)
	const job = "SEARCH j USING PRIMARY KEY (id=?)"
	for query, want := range map[string]string{
		scanNames:        "SEARCH n USING PRIMARY KEY ((name,id)>(?,?)); " + job,
		scanNamesDown:    "SEARCH n USING PRIMARY KEY (name>? AND (name,id)<(?,?)); " + job,
		scanNameless:     "SEARCH n USING PRIMARY KEY (name=? AND id>?); " + job,
		scanNamelessDown: "SEARCH n USING PRIMARY KEY (name=? AND id<?); " + job,
		deleteName:       "SEARCH job_name USING PRIMARY KEY (name=? AND id=?)",
	} {
		var plan []string
		err := s.db.read(t.Context(), func(c *conn) error {
			return c.query("EXPLAIN QUERY PLAN "+query, func(s *sqlite.Stmt) error {
				plan = append(plan, s.ColumnText(3))
				return nil
			})
		})
		if got := strings.Join(plan, "; "); err != nil || got != want {
			t.Errorf("%s\nplan %q, want %q, error %v", query, got, want, err)
		}
	}
}
