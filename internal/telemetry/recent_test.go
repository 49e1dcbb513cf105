package telemetry

import (
	"math"
	"testing"
	"time"
)

// TestRecentBuckets: buckets are in the order of their values, and none is wider than an eighth of its value.
func TestRecentBuckets(t *testing.T) {
	t.Parallel()
	before := -1
	for ms := int64(0); ms < 1<<22; ms += 1 + ms/50 {
		b := bucketOf(ms)
		if b < before || b >= recentBuckets {
			t.Fatalf("%d ms are in the bucket %d, after %d", ms, b, before)
		}
		if got := valueOf(b); math.Abs(float64(got-ms)) > float64(ms)/16 {
			t.Errorf("%d ms are counted as %d", ms, got)
		}
		before = b
	}
	if bucketOf(-5) != 0 || bucketOf(math.MaxInt64) != recentBuckets-1 || bucketOf(1<<22) != recentBuckets-1 {
		t.Error("what is out of range is not in the first or the last bucket")
	}
}

// TestRecentExpires: the rate is that of ten seconds, the drift that of a minute. Nothing is told of a server
// that has sent nothing.
func TestRecentExpires(t *testing.T) {
	t.Parallel()
	var r Recent
	if got := r.Load(); got != (Load{}) {
		t.Errorf("at first: %+v", got)
	}
	second := func(fires int, drift int64) {
		for range fires {
			r.Fired(drift)
		}
		r.Tick(2*time.Second, 7, 9) // ticks may be late
	}
	for range 60 {
		second(100, 3)
	}
	got := r.Load()
	if got.FiresPerSecond != 50 || *got.Drift != (Drift{3, 3}) || got.InFlight != 7 || got.Queued != 9 {
		t.Errorf("%+v %+v", got, got.Drift)
	}
	second(100, 1_000) // 100 of 6,000
	if got := r.Load(); got.Drift.P50 != 3 || got.Drift.P99 < 900 || got.Drift.P99 > 1_060 {
		t.Errorf("%+v", got.Drift)
	}
	for range 10 {
		second(0, 0)
	}
	if got := r.Load(); got.FiresPerSecond != 0 || got.Drift == nil {
		t.Errorf("ten seconds later: %+v", got)
	}
	for range 50 {
		second(0, 0)
	}
	if got := r.Load(); got.Drift != nil {
		t.Errorf("a minute later: %+v", got.Drift)
	}
}
