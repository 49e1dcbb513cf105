package dispatch

import (
	"fmt"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// BenchmarkSwap is what a fire costs here: it is queued, a call ends and it is begun.
func BenchmarkSwap(b *testing.B) {
	for _, hosts := range []int{1, 100} {
		b.Run(fmt.Sprint(hosts, " hosts"), func(b *testing.B) {
			bb := newBench(b, 1000, 1000)
			var fires []*run.Run
			for i := range hosts {
				fires = append(fires, bb.fires(fmt.Sprint("h", i), 1+400/hosts, run.LaneLive)...)
			}
			bb.d.Push(fires)
			last := bb.d.Take(nil)
			one := make([]*run.Run, 1)
			var before *run.Run
			b.ReportAllocs()
			for b.Loop() {
				next := bb.d.Swap(last, before, 0, 1)
				if before != nil {
					one[0] = before
					bb.d.Push(one)
				}
				before, last = last, next
			}
		})
	}
}
