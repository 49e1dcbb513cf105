//go:build unix

package postgres_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/postgres"
)

// numbered returns the job of a number, as ids are made: by time, and else random.
func numbered(n int) domain.Version {
	v := job(0)
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
	copy(v.JobID[6:], sum[:])
	binary.BigEndian.PutUint32(v.JobID[2:], uint32(n))
	v.JobID[6], v.JobID[8] = 0x70|v.JobID[6]&0x0f, 0x80|v.JobID[8]&0x3f
	return v
}

// createMany makes so many jobs.
func createMany(t testing.TB, s store.Store, jobs int) {
	t.Helper()
	for n := 0; n < jobs; n += 2_000 {
		var piece []domain.Version
		for i := n; i < min(jobs, n+2_000); i++ {
			piece = append(piece, numbered(i))
		}
		if err := s.Jobs().Create(t.Context(), piece); err != nil {
			t.Fatal(err)
		}
	}
}

// rowsRead returns how many rows of the versions PostgreSQL has read for sessions that have ended, when that is
// at least so many: they tell it a moment later.
func rowsRead(t testing.TB, url string, least int64) (n int64) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		err := c.QueryRow(t.Context(), `
SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_all_tables
 WHERE relid = 'version'::regclass`).
			Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		if n >= least {
			return n
		}
		if time.Now().After(end) {
			t.Fatalf("%d rows were read, want at least %d", n, least)
		}
	}
}

// A shard's jobs are found by an index, with statistics of the table and without.
func TestTimelineOfOneShardReadsNoOther(t *testing.T) {
	t.Parallel()
	const jobs = 20_000
	url := database(t)
	createMany(t, open(t, url), jobs)
	for _, state := range []string{"after it was filled", "analyzed"} {
		if state == "analyzed" {
			execute(t, url, "ANALYZE version")
		}
		before := rowsRead(t, url, 0)
		s, err := postgres.Open(t.Context(), postgres.Config{URL: url, EncryptionKeys: []string{key}})
		if err != nil {
			t.Fatal(err)
		}
		own := int64(0)
		for range 10 { // also by a plan for any parameters
			err = s.Jobs().Timeline(t.Context(), store.OnlyShards(5), 0, store.WholeVersions,
				func(domain.Version) error { own++; return nil })
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if own < 10*jobs/128 || own > 10*jobs/32 {
			t.Errorf("shard 5 has %d of %d jobs", own/10, jobs)
		}
		if read := rowsRead(t, url, before+own) - before; read > 2*own {
			t.Errorf("%s, %d rows were read for %d jobs", state, read, own)
		}
	}
}

// BenchmarkByShard reads the jobs and the facts of one shard, and of all. BYSHARD_JOBS says how many jobs there are.
func BenchmarkByShard(b *testing.B) {
	jobs := 100_000
	if text := os.Getenv("BYSHARD_JOBS"); text != "" {
		if _, err := fmt.Sscan(text, &jobs); err != nil {
			b.Fatal(err)
		}
	}
	url := database(b)
	s := open(b, url)
	createMany(b, s, jobs)
	at := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC).UnixMilli()
	for n := 0; n < jobs; n += 1_000 {
		var batch store.Batch
		for i := n; i < min(jobs, n+1_000); i++ {
			batch.Facts = append(batch.Facts, domain.Execution{
				FireKey: domain.FireKey{JobID: numbered(i).JobID, ScheduledAt: at + int64(n)}, Version: 1,
				Status: domain.StatusSuccess, StartedAt: at + int64(n) + 3, CompletedAt: at + int64(n) + 23,
				HTTPStatus: 200,
			})
		}
		if err := s.Ledger().Record(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	execute(b, url, "VACUUM ANALYZE")
	half := make([]int, 32)
	for i := range half {
		half[i] = 2 * i
	}
	for _, c := range []struct {
		name string
		set  store.ShardSet
	}{
		{"1", store.OnlyShards(5)}, {"8", store.OnlyShards(half[:8]...)}, {"32", store.OnlyShards(half...)},
		{"all", store.ShardSet{}},
	} {
		count := 0
		run := func(what string, fn func(ctx context.Context) error) {
			b.Run(what+"/"+c.name, func(b *testing.B) {
				for b.Loop() {
					count = 0
					if err := fn(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(count), "rows")
			})
		}
		run("versions", func(ctx context.Context) error {
			return s.Jobs().Timeline(ctx, c.set, 0, store.WholeVersions,
				func(domain.Version) error { count++; return nil })
		})
		run("facts", func(ctx context.Context) error {
			return s.Ledger().Facts(ctx, c.set, at-1, domain.Forever,
				func(store.FactRange) error { count++; return nil })
		})
	}
}
