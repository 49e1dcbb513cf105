//go:build linux

package postgres_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// usedBy returns the processor time of the processes that serve the connections of a database.
func usedBy(b *testing.B, url string) (total time.Duration) {
	b.Helper()
	c, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close(b.Context()) }()
	rows, err := c.Query(b.Context(), `
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	if err != nil {
		b.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		b.Fatal(err)
	}
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
		if err != nil {
			b.Fatal(err)
		}
		var ns time.Duration
		if _, err := fmt.Sscan(strings.Fields(string(stat))[0], &ns); err != nil {
			b.Fatal(err)
		}
		total += ns
	}
	return total
}

// BenchmarkRecord says what a commit of so many facts costs PostgreSQL's processor: of the process that serves the
// connection, without those that write pages. RECORD_URL names an empty database; otherwise a server without fsync is
// started.
func BenchmarkRecord(b *testing.B) {
	const jobs = 5_000 // are due each second
	for _, size := range []int{50, 250, 1_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			url := os.Getenv("RECORD_URL")
			if url == "" {
				url = database(b)
			}
			s, facts := open(b, url), 0
			begins := time.Now().UnixMilli() / 1000 * 1000
			batch := store.Batch{Runner: 1, Facts: make([]domain.Execution, size)}
			record := func() {
				for i := range batch.Facts {
					at := begins + int64(facts/jobs)*1_000
					batch.Facts[i] = domain.Execution{
						FireKey: domain.FireKey{JobID: numbered(facts % jobs).JobID, ScheduledAt: at}, Version: 1,
						Status: domain.StatusSuccess, HTTPStatus: 200, StartedAt: at + int64(i%97),
						CompletedAt: at + int64(i%97+i%13),
					}
					facts++
				}
				if err := s.Ledger().Record(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			record()
			begun, commits := usedBy(b, url), 0
			for b.Loop() {
				commits++
				record()
			}
			used := float64((usedBy(b, url) - begun).Microseconds()) / float64(commits)
			b.ReportMetric(used/float64(size), "pg-us/fact")
			b.ReportMetric(used, "pg-us/commit")
		})
	}
}
