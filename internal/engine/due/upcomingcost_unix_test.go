//go:build unix

package due

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/hold"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// BenchmarkUpcoming tells what it takes to look for next fires: a step, in which the registry is locked, and
// a question, when all jobs are in one block beyond the hour. BELFRY_LIST_JOBS is how many jobs there are.
func BenchmarkUpcoming(b *testing.B) {
	n, _ := strconv.Atoi(os.Getenv("BELFRY_LIST_JOBS"))
	if n == 0 {
		n = 20_000
	}
	table := NewTimetable(&hold.Set{})
	ids := domain.NewJobIDs(1, n)
	for i, id := range ids { // neighbours of a block are not neighbours in memory
		j := run.NewJob(ids[i*7_919%n], 0, 0)
		j.Next = 2*ringSize*1000 + int64(id[15])*1000 + int64(i%1000)
		table.ring.add(j)
	}
	for _, most := range []int{200, 1_000} {
		b.Run(fmt.Sprint("first ", most), func(b *testing.B) {
			steps, start := 0, cpuTime(b)
			b.ReportAllocs()
			for b.Loop() {
				u := NewUpcoming(domain.FireKey{}, most)
				for more := true; more; steps++ {
					more = u.Step(table)
				}
				if len(u.Found()) != most {
					b.Fatal(len(u.Found()))
				}
			}
			took := float64(cpuTime(b) - start)
			b.ReportMetric(took/float64(steps), "cpu-ns/step")
			b.ReportMetric(took/float64(b.N)/float64(n), "cpu-ns/job")
		})
	}
}

// cpuTime returns how long this process has used a processor, in nanoseconds.
func cpuTime(tb testing.TB) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
