package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// atOnce is a target that has answered before it was asked.
type atOnce struct{ calls atomic.Int64 }

func (a *atOnce) Do(_ *domain.Call, out *domain.Outcome) {
	a.calls.Add(1)
	out.Verdict, out.HTTPStatus = domain.VerdictSuccess, 200
}

// benchEngine returns an engine of n every-second jobs on a real store, whose
// timetable the benchmark turns: a second of the clock is a step.
func benchEngine(b *testing.B, n int) (e *Engine, clk *clock.Manual, target *atOnce) {
	b.Helper()
	clk, target = &clock.Manual{}, &atOnce{}
	db, err := sqlite.Open(b.Context(), sqlite.Config{Path: filepath.Join(b.TempDir(), "jobs.db"),
		Clock: clk, Log: silent})
	if err != nil {
		b.Fatal(err)
	}
	e, err = New(Config{Store: db, Executor: target, Clock: clk, Log: silent, Metrics: telemetry.NewMetrics()})
	if err != nil {
		b.Fatal(err)
	}
	if err := e.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := e.Stop(ctx); err != nil {
			b.Error(err)
		}
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	e.stopFeed() // the benchmark turns the timetable
	e.feeders.Wait()
	docs := make([]domain.SpecDoc, n)
	for i := range docs {
		docs[i] = spec("")
	}
	for _, c := range editorOf(b, e).Create(b.Context(), docs) {
		if c.Err != nil {
			b.Fatal(c.Err)
		}
	}
	return e, clk, target
}

// BenchmarkFire is everything that a fire costs but the call: stage, release,
// dispatch, the worker, the record with its commit. Of N jobs that are due at
// the same second; the figures are of one fire.
func BenchmarkFire(b *testing.B) {
	for _, n := range []int{1_000, 20_000} {
		b.Run(fmt.Sprint(n, " a second"), func(b *testing.B) {
			e, clk, target := benchEngine(b, n)
			second := func() {
				clk.Step(time.Second)
				if err := e.keeper.beatOnce(b.Context()); err != nil {
					b.Fatal(err)
				}
				now := clk.Now() // which advances by itself, and may reach what is staged
				e.loop.turn(now)
				// A hold is released before the recorder has noted that it got on: the next step of
				// the clock would look like a second in which it did not.
				busy := e.runner.recorder.Stalled
				for before := []int64{0}; before[0] < now.UnixMilli() || busy() > 0; runtime.Gosched() {
					before[0] = run.Never
					e.shards.Holds.Before(before)
				}
			}
			second()
			var before, after runtime.MemStats
			fired := target.calls.Load()
			runtime.ReadMemStats(&before)
			b.ResetTimer()
			for b.Loop() {
				second()
			}
			b.StopTimer()
			runtime.ReadMemStats(&after)
			fires := float64(target.calls.Load() - fired)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/fires, "ns/fire")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/fires, "allocs/fire")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/fires, "B/fire")
		})
	}
}

// BenchmarkCreate registers jobs as an import does, 2,000 a commit; the figures
// are of one job.
func BenchmarkCreate(b *testing.B) {
	e, _, _ := benchEngine(b, 1)
	docs := make([]domain.SpecDoc, 2_000)
	for i := range docs {
		docs[i] = spec(fmt.Sprint("?job=", i))
		docs[i].Schedule = "0 0 0 1 1 *"
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b.ResetTimer()
	for b.Loop() {
		if got := editorOf(b, e).Create(b.Context(), docs); got[0].Err != nil {
			b.Fatal(got[0].Err)
		}
	}
	b.StopTimer()
	runtime.ReadMemStats(&after)
	jobs := float64(b.N * len(docs))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/jobs, "ns/job")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/jobs, "allocs/job")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/jobs, "B/job")
}
