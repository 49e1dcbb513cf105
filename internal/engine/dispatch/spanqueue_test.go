package dispatch

import (
	"container/heap"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/engine/run/runtest"
)

// The heap gives the oldest fire of all its spans, whatever was popped before.
func TestSpanHeap(t *testing.T) {
	t.Parallel()
	j := runtest.Job(t, "* * * * * *", 0)
	var h spanHeap
	if h.first() != nil {
		t.Error("an empty heap has a first span")
	}
	var want, got []int64
	for _, r := range [][2]int64{{9_000, 12_000}, {1_000, 3_000}, {2_000, 2_000}, {4_000, 20_000}} {
		heap.Push(&h, &run.Span{Job: j, Ver: j.Current, Next: r[0], Last: r[1]})
		want = append(want, runtest.Fires(j, r[0], r[1])...)
	}
	for h.first() != nil {
		got = append(got, h.first().Pop())
		h.fix()
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
