package postgres_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/postgres"
)

// named makes so many jobs, of which each tenth has no name.
func named(t testing.TB, s store.Store, jobs int) {
	t.Helper()
	for n := 0; n < jobs; n += 2_000 {
		var piece []domain.Version
		for i := n; i < min(jobs, n+2_000); i++ {
			v := numbered(i)
			if v.Spec.Name = fmt.Sprintf("Job %x", v.JobID[6:12]); i%10 == 0 {
				v.Spec.Name = ""
			}
			piece = append(piece, v)
		}
		if err := s.Jobs().Create(t.Context(), piece); err != nil {
			t.Fatal(err)
		}
	}
}

// byNameQueries are first pages and others, in both directions.
func byNameQueries() map[string]store.JobQuery {
	queries := make(map[string]store.JobQuery)
	for name, down := range map[string]bool{"upwards": false, "downwards": true} {
		queries["first page "+name] = store.JobQuery{Descending: down}
		queries["middle "+name] = store.JobQuery{Descending: down, AfterName: "job 80", After: domain.JobID{1}}
		queries["without a name "+name] = store.JobQuery{Descending: down, After: numbered(5_000).JobID}
	}
	for name, q := range queries {
		q.ByName, q.Limit = true, 50
		queries[name] = q
	}
	return queries
}

// A page by name is read from its place on by the index, with statistics of the table and without.
func TestListByNameReadsNoOther(t *testing.T) {
	t.Parallel()
	url := database(t)
	named(t, open(t, url), 20_000)
	for _, state := range []string{"after it was filled", "analyzed"} {
		if state == "analyzed" {
			execute(t, url, "ANALYZE version")
		}
		for name, q := range byNameQueries() {
			before := rowsRead(t, url, 0)
			s, err := postgres.Open(t.Context(), postgres.Config{URL: url, EncryptionKeys: []string{key}})
			if err != nil {
				t.Fatal(err)
			}
			const pages = 10 // also by a plan for any parameters
			for range pages {
				page, err := s.Jobs().List(t.Context(), q)
				if err != nil || len(page.Jobs) != q.Limit || page.Next.IsZero() {
					t.Fatalf("%s: %d jobs, %v", name, len(page.Jobs), err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if read := rowsRead(t, url, before+pages*50) - before; read > pages*250 {
				t.Errorf("%s, %s: %d rows were read for %d pages", state, name, read, pages)
			}
		}
	}
}

// BenchmarkListByName reads pages by name. BELFRY_LIST_JOBS is how many jobs there are; the index of names is built
// again first.
func BenchmarkListByName(b *testing.B) {
	jobs := 20_000
	if text := os.Getenv("BELFRY_LIST_JOBS"); text != "" {
		if _, err := fmt.Sscan(text, &jobs); err != nil {
			b.Fatal(err)
		}
	}
	url := database(b)
	s := open(b, url)
	start := time.Now()
	named(b, s, jobs)
	b.Logf("created %d jobs, %v each", jobs, time.Since(start)/time.Duration(jobs))
	start = time.Now()
	execute(b, url, "REINDEX INDEX version_name")
	b.Logf("built the index in %v", time.Since(start))
	execute(b, url, "ANALYZE version")
	queries := byNameQueries()
	queries["no text has it"] = store.JobQuery{ByName: true, Limit: 50, Text: "zebra crossing"}
	for name, q := range queries {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Jobs().List(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
