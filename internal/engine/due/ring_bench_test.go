package due

import (
	"fmt"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// BenchmarkTimetable takes a second and puts its jobs into the next one.
func BenchmarkTimetable(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint(n, " jobs a second"), func(b *testing.B) {
			t := newRing(0)
			for range n {
				t.add(&run.Job{Next: 0})
			}
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				s, jobs := t.take()
				for _, j := range jobs {
					j.Next = (s + 1) * 1000
					t.add(j)
				}
				t.recycle(jobs)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/job")
		})
	}
}
