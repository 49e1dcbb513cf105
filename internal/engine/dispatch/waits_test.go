package dispatch

import (
	"math"
	"runtime"
	"sync"
	"testing"
	"time"
)

// The mean is that of what was counted since the histogram was read last.
func TestMeanOfWaits(t *testing.T) {
	t.Parallel()
	bounds := []float64{math.Inf(-1), 0, 0.001, 0.003, math.Inf(1)}
	for _, c := range []struct {
		name           string
		before, counts []uint64
		want           time.Duration
	}{
		{"nothing", nil, []uint64{0, 0, 0, 0}, 0},
		{"none waited", nil, []uint64{0, 9, 0, 0}, 0},
		{"some did", nil, []uint64{0, 1, 1, 1}, 4 * time.Millisecond / 3},
		{"since then", []uint64{0, 1, 1, 1}, []uint64{0, 1, 1, 3}, 3 * time.Millisecond},
		{"nothing since then", []uint64{0, 1, 1, 3}, []uint64{0, 1, 1, 3}, 0},
	} {
		if got := meanOf(c.counts, c.before, bounds); (got - c.want).Abs() > time.Microsecond {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Goroutines that wait for each other's processor are seen.
func TestSchedWaits(t *testing.T) {
	var w schedWaits
	w.mean()
	var all sync.WaitGroup
	for range 64 * runtime.GOMAXPROCS(0) {
		all.Go(func() {
			began := time.Now()
			for n := 0; time.Since(began) < time.Millisecond; n++ {
				runtime.KeepAlive(n)
			}
		})
	}
	all.Wait()
	if got := w.mean(); got < time.Millisecond {
		t.Errorf("64 goroutines a core of 1 ms each waited for %s on average", got)
	}
}
