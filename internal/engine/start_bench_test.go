package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// BenchmarkStart opens a store and starts an engine on its jobs, each with a
// URL of its own; the figures are of one job. B/job is what stays in memory.
func BenchmarkStart(b *testing.B) {
	const jobs, part = 200_000, 2_000
	path := filepath.Join(b.TempDir(), "jobs.db")
	open := func() (*sqlite.Store, *Engine) {
		db, err := sqlite.Open(b.Context(), sqlite.Config{Path: path, Clock: clock.System{}, Log: silent})
		if err != nil {
			b.Fatal(err)
		}
		e, err := New(Config{Store: db, Executor: &atOnce{}, Log: silent, Metrics: telemetry.NewMetrics()})
		if err != nil {
			b.Fatal(err)
		}
		if err := e.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		return db, e
	}
	stop := func(db *sqlite.Store, e *Engine) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := e.Stop(ctx); err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
	db, e := open()
	for i := 0; i < jobs; i += part {
		docs := make([]domain.SpecDoc, part)
		for k := range docs {
			docs[k] = spec(fmt.Sprintf("ok?customer=%d&job=%d", i%5000, i+k))
			docs[k].Schedule = "0 0 0 1 1 *"
		}
		if got := editorOf(b, e).Create(b.Context(), docs); got[0].Err != nil {
			b.Fatal(got[0].Err)
		}
	}
	stop(db, e)
	var before, after runtime.MemStats
	b.ResetTimer()
	for b.Loop() {
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&before)
		b.StartTimer()
		db, e = open()
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&after)
		stop(db, e)
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/jobs, "ns/job")
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/jobs, "B/job")
}
