package app

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

func TestGCPercent(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	for _, c := range []struct {
		live, stacks uint64
		least, most  uint64 // room in MiB
	}{
		{0, 0, 23, 24}, {mb, 0, 23, 25}, {8 * mb, 0, 24, 25}, {20 * mb, 0, 25, 27}, {64 * mb, 0, 31, 32},
		{220 * mb, 0, 49, 52},
		{2200 * mb, 0, 277, 299}, {80 * mb, 24 * mb, 81, 82}, {20 * mb, 30 * mb, 86, 87},
	} {
		got := gcPercent(c.live, c.stacks)
		room := max(c.live+c.stacks, 4*mb) * uint64(got) / 100 / mb // as Go counts it
		if got < 1 || room < c.least || room > c.most {
			t.Errorf("%d MiB live: %d %%, which is room for %d MiB, want %d to %d", c.live/mb, got, room,
				c.least, c.most)
		}
	}
}

// After a start the room of the loading is given back with the first collection,
// however soon that comes.
func TestRoomAfterLoading(t *testing.T) {
	t.Parallel()
	const live = 220 << 20
	k := &heapController{percent: 100}
	k.loading.Store(true)
	if p := k.want(live, 0, 0); p != loadPercent {
		t.Errorf("%d %% while loading", p)
	}
	k.percent = loadPercent
	k.loading.Store(false)
	if p := k.want(live, 0, 0); p != gcPercent(live, 0) {
		t.Errorf("%d %% right after loading, want %d", p, gcPercent(live, 0))
	}
	k.percent = 10
	if p := k.want(live, 0, 0); p != 10*mostGrowth {
		t.Errorf("%d %% for one collection right after another", p)
	}
	k.percent = 20
	if p := k.want(live, 0, minCollectionGap(live)/2); p != 40 {
		t.Errorf("%d %% for one after half the time that it should take", p)
	}
	if p := k.want(live, 0, 0); p != loadPercent {
		t.Errorf("%d %% at most", p)
	}
	k.percent = 48
	if p := k.want(live, 0, minCollectionGap(live)); p != 24 {
		t.Errorf("%d %% when that is over", p)
	}
	k.percent = 24
	if p := k.want(live, 0, minCollectionGap(live)); p != gcPercent(live, 0) {
		t.Errorf("%d %% when that is over for good", p)
	}
}

// stepping is a clock on which so much passes between two looks.
type stepping struct {
	clock.System
	step atomic.Int64
}

func (s *stepping) Elapsed(clock.Mark) time.Duration { return time.Duration(s.step.Load()) }

// heapPercent returns the value of GOGC that is in force. debug.SetGCPercent returns it
// too, but would have to set it back over what the keeper may have set in the meantime.
func heapPercent() int {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return int(sample[0].Value.Uint64())
}

// The keeper is called after every collection, not only after the first, and
// gives the room back when it stops. Not parallel: there is one heap.
func TestHeapController(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	clk := &stepping{}
	clk.step.Store(int64(minCollectionGap(400 << 20)))
	k := keepHeap(clk)
	live := [][]byte{make([]byte, 400<<20)}
	is := func(what string, percent func(int) bool) {
		t.Helper()
		for deadline := time.Now().Add(2 * time.Minute); ; runtime.GC() {
			now := heapPercent()
			if percent(now) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %d %%", what, now)
			}
		}
	}
	is("while loading", func(p int) bool { return p == loadPercent })
	k.loaded()
	is("with 400 MiB live", func(p int) bool { return p < 25 })
	clk.step.Store(0)
	is("with collections that chase each other", func(p int) bool { return p > 40 })
	clk.step.Store(int64(minCollectionGap(400 << 20)))
	is("with 400 MiB live again", func(p int) bool { return p < 25 })
	clear(live)
	is("with little live", func(p int) bool { return p > 100 && p <= mostPercent })
	little := heapPercent()
	clk.step.Store(0)
	is("with little live and collections that chase each other", func(p int) bool { return p > 2*little })
	clk.step.Store(int64(minCollectionGap(400 << 20)))
	is("when that is over", func(p int) bool { return p < 3*little/2 })
	k.stop()
	is("after the stop", func(p int) bool { return p == 100 })
}

func TestHeapIsTheOperators(t *testing.T) {
	t.Setenv("GOGC", "70")
	defer debug.SetGCPercent(debug.SetGCPercent(70))
	k := keepHeap(&stepping{})
	k.loaded()
	k.stop()
	runtime.GC()
	if now := heapPercent(); now != 70 {
		t.Errorf("GOGC=70 became %d", now)
	}
}
