package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const benchBatch = 1_000

// benchFacts makes batches of plain successes: perSecond jobs are due in each
// second, with random ids, and end in the order of their ids or in any order.
type benchFacts struct {
	jobs  []domain.JobID
	at    int64
	next  int
	batch []domain.Execution
}

func newBenchFacts(perSecond int, inOrder bool) *benchFacts {
	f := &benchFacts{at: 1_773_144_000_000, batch: make([]domain.Execution, benchBatch)}
	for range perSecond {
		f.jobs = append(f.jobs, domain.NewJobID(domain.NewNonce()))
	}
	if inOrder {
		slices.SortFunc(f.jobs, func(a, b domain.JobID) int { return slices.Compare(a[:], b[:]) })
	}
	return f
}

func (f *benchFacts) fill() []domain.Execution {
	for i := range f.batch {
		if f.next == len(f.jobs) {
			f.next, f.at = 0, f.at+1_000
		}
		f.batch[i] = domain.Execution{
			FireKey: domain.FireKey{JobID: f.jobs[f.next], ScheduledAt: f.at}, Version: 1,
			Status: domain.StatusSuccess, StartedAt: f.at + int64(i%7), CompletedAt: f.at + 20 + int64(i%50),
			HTTPStatus: 200,
		}
		f.next++
	}
	return f.batch
}

// BenchmarkRecord commits batches of 1,000 plain successes and reports the
// cost of a row, fsync included, and its size on disk.
func BenchmarkRecord(b *testing.B) {
	for _, perSecond := range []int{1_000, 10_000, 50_000} {
		for _, inOrder := range []bool{false, true} {
			b.Run(fmt.Sprintf("perSecond=%d/inOrder=%t", perSecond, inOrder), func(b *testing.B) {
				path := filepath.Join(b.TempDir(), "jobs.db")
				s := openStore(b, path)
				facts := newBenchFacts(perSecond, inOrder)
				rows, cpu := 0, cpuTime(b)
				for b.Loop() {
					if err := s.Ledger().Record(b.Context(), store.Batch{Facts: facts.fill()}); err != nil {
						b.Fatal(err)
					}
					rows += benchBatch
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/row")
				b.ReportMetric(float64(cpuTime(b)-cpu)/float64(rows), "cpu-ns/row")
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(historyBytes(b, path))/float64(rows), "B/row")
			})
		}
	}
}

func historyBytes(b *testing.B, path string) (size int64) {
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "history", "*"))
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			b.Fatal(err)
		}
		size += info.Size()
	}
	return size
}

func benchVersion(n int64) domain.Version {
	spec := domain.DefaultSpec()
	spec.Schedule, spec.API, spec.Type = "0 */5 * * * *", fmt.Sprintf("http://127.0.0.1:4444/hook/%d", n),
		domain.AtLeastOnce
	return domain.Version{
		JobID: domain.NewJobID(1_773_144_000_000 + n/10), Number: 1, EffectiveFrom: 1_773_144_000_000,
		EffectiveTo: domain.Forever, CreatedAt: 1_773_144_000_000, Active: true, Spec: spec,
	}
}

// BenchmarkByJob asks for the last 20 of a job among a million rows in five
// files: of a job that fires every five minutes, of one that fired once, and
// of one that never did.
func BenchmarkByJob(b *testing.B) {
	const jobs, files = 700, 5
	s := openStore(b, filepath.Join(b.TempDir(), "jobs.db"))
	busy, rare, never := benchVersion(1), benchVersion(2), benchVersion(3)
	rare.Spec.Schedule = "0 0 0 10 3 *"
	never.Spec.Schedule = "0 0 0 11 * *"
	if err := s.Jobs().Create(b.Context(), []domain.Version{busy, rare, never}); err != nil {
		b.Fatal(err)
	}
	facts := newBenchFacts(jobs, true)
	facts.jobs[0] = busy.JobID
	first := busy.EffectiveFrom
	batch := make([]domain.Execution, 0, jobs)
	for at := first; at < first+files*dayMs; at += 5 * minute {
		batch = batch[:0]
		for _, id := range facts.jobs {
			batch = append(batch, domain.Execution{
				FireKey: domain.FireKey{JobID: id, ScheduledAt: at}, Version: 1, Status: domain.StatusSuccess,
				StartedAt: at + 1, CompletedAt: at + 21, HTTPStatus: 200,
			})
		}
		if err := s.Ledger().Record(b.Context(), store.Batch{Facts: batch}); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		job  domain.Version
		want int
	}{{"every 5 minutes", busy, 20}, {"once", rare, 0}, {"never", never, 0}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				got, err := s.History().ByJob(b.Context(), c.job.JobID, store.Page{Limit: 20})
				if err != nil || len(got) != c.want {
					b.Fatalf("%d facts, want %d, error %v", len(got), c.want, err)
				}
			}
		})
	}
}

// BenchmarkTimeline streams 100,000 versions: whole as a start does, and their
// timing as an audit does.
func BenchmarkTimeline(b *testing.B) {
	const jobs = 100_000
	s := openStore(b, filepath.Join(b.TempDir(), "jobs.db"))
	for n := int64(0); n < jobs; n += 1_000 {
		batch := make([]domain.Version, 1_000)
		for i := range batch {
			batch[i] = benchVersion(n + int64(i))
		}
		if err := s.Jobs().Create(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	for name, parts := range map[string]store.Parts{"whole": store.WholeVersions, "timing": store.TimingOnly} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			versions := 0
			for b.Loop() {
				err := s.Jobs().Timeline(b.Context(), store.ShardSet{}, 0, parts, func(domain.Version) error {
					versions++
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(versions)/b.Elapsed().Seconds(), "versions/s")
		})
	}
}

// BenchmarkCreateParallel creates single jobs from 32 callers, each durable
// before it returns: alone, and with an entry of the audit trail.
func BenchmarkCreateParallel(b *testing.B) {
	for _, trail := range []bool{false, true} {
		b.Run(fmt.Sprintf("trail=%t", trail), func(b *testing.B) {
			s := openStore(b, filepath.Join(b.TempDir(), "jobs.db"))
			var n atomic.Int64
			cpu := cpuTime(b)
			b.SetParallelism(16) // times GOMAXPROCS
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := n.Add(1)
					ctx := b.Context()
					if trail {
						by := domain.Author{Key: "k7x2mq4a", Name: "CI of team billing", Address: "192.0.2.17"}
						ctx = store.WithChange(ctx, domain.Change{At: 1_773_144_000_000 + i/10, Nonce: i, By: by})
					}
					if err := s.Jobs().Create(ctx, []domain.Version{benchVersion(i)}); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "jobs/s")
			b.ReportMetric(float64(cpuTime(b)-cpu)/float64(n.Load()), "cpu-ns/job")
		})
	}
}

// BenchmarkCreateBatch creates jobs 1,000 at a time, as an import does.
func BenchmarkCreateBatch(b *testing.B) {
	s := openStore(b, filepath.Join(b.TempDir(), "jobs.db"))
	var n int64
	for b.Loop() {
		batch := make([]domain.Version, 1_000)
		for i := range batch {
			n++
			batch[i] = benchVersion(n)
		}
		if err := s.Jobs().Create(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "jobs/s")
}
