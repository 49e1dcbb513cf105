package receiver

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

func TestHistogramBuckets(t *testing.T) {
	last := -1
	for v := int64(0); v <= maxValue; v += 1 + v/200 {
		b := bucketOf(v)
		if b < last || b >= len(new(histogram).buckets) {
			t.Fatalf("value %d: bucket %d after %d", v, b, last)
		}
		last = b
		up := upperOf(b)
		if up < v || float64(up-v) > float64(v)/64 {
			t.Fatalf("value %d: bucket ends at %d", v, up)
		}
		if bucketOf(up) != b || bucketOf(up+1) == b {
			t.Fatalf("bucket %d does not end at %d", b, up)
		}
	}
	if b := bucketOf(maxValue); b >= len(new(histogram).buckets) {
		t.Fatalf("the last bucket is %d", b)
	}
}

func TestHistogramSummary(t *testing.T) {
	var h histogram
	if got := h.summary(); got != (Lateness{}) {
		t.Errorf("empty: %+v", got)
	}
	h.add(1 << 62) // beyond every bucket
	h = histogram{}
	values := make([]int64, 10_001)
	for i := range values {
		values[i] = rand.Int64N(5_000_000)
		h.add(values[i])
	}
	slices.Sort(values)
	got := h.summary()
	near := func(name string, got float64, exact int64) {
		if diff := got*1000 - float64(exact); diff < 0 || diff > float64(exact)/64+1 {
			t.Errorf("%s %v ms, exact %v ms", name, got, float64(exact)/1000)
		}
	}
	near("p50", got.P50, values[5000])
	near("p99", got.P99, values[9900])
	if got.Max != float64(values[10_000])/1000 || got.Count != 10_001 {
		t.Errorf("summary %+v", got)
	}
}

// The difference of two histograms is that of the values between.
func TestSummarizeOfADifference(t *testing.T) {
	var h histogram
	h.add(5_000_000)
	h.add(2)
	before := h.counts()
	for v := range int64(100) {
		h.add(1_000 * (v + 1))
	}
	diff := h.counts()
	for i, n := range before {
		diff[i] -= n
	}
	got := Summarize(diff)
	if got.Count != 100 || got.P50 < 50 || got.P50 > 51 || got.Max < 100 || got.Max > 102 {
		t.Errorf("%+v", got)
	}
	if n := Within(diff, 50*time.Millisecond); n < 48 || n > 50 {
		t.Errorf("%d within 50 ms", n)
	}
	if got := Summarize(make([]int64, 7)); got != (Lateness{}) {
		t.Errorf("of nothing: %+v", got)
	}
}

func TestLastOfSecond(t *testing.T) {
	var l lasts
	if got := l.median(); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
	const now = 1_790_000_000
	var all sync.WaitGroup
	for g := range int64(4) {
		all.Go(func() {
			for second := range int64(300) { // only the last 128 count
				for v := range int64(20) {
					l.add(now+second, second*100+g*20+v)
				}
			}
		})
	}
	all.Wait()
	// The greatest of second s is 100 s + 79, of 172 to 299: 64 are at most that of 235.
	if got := l.median(); got != (172+63)*100+79 {
		t.Errorf("median %d", got)
	}
	l.add(now+300, 1<<50)
	if got := l.median(); got != (173+63)*100+79 {
		t.Errorf("one second more: %d", got)
	}
}

func fireID(n int64) domain.ExecutionID {
	return domain.NewExecutionID(domain.JobID{9}, 1_732_000_000_000+n, 0)
}

func TestSeen(t *testing.T) {
	s := newSeen(seenBuckets)
	const n = 100_000
	var wg sync.WaitGroup
	for part := range int64(4) { // ids by four writers, all reported once
		wg.Go(func() {
			for i := part; i < n; i += 4 {
				s.add(fireID(i), 1)
			}
		})
	}
	wg.Wait()
	for i := range int64(1000) {
		s.add(fireID(i), 2)
		s.add(fireID(i), 2)
		s.add(fireID(i), 1)
		s.add(fireID(i), 40)
		s.add(fireID(i), 41) // no longer distinguished, but no duplicate
	}
	if e, r, d := s.executions.Load(), s.retries.Load(), s.duplicates.Load(); e != n || r != 3000 || d != 2000 {
		t.Errorf("%d executions, %d retries, %d duplicates, want %d, 3000, 2000", e, r, d, n)
	}
}

// In a full table the oldest entries make room; the newest are remembered.
func TestSeenDropsTheOldest(t *testing.T) {
	s := newSeen(1 << 8)
	const capacity = seenWays << 8
	for i := range int64(10 * capacity) {
		s.add(fireID(i), 1)
	}
	for i := range int64(capacity / 4) {
		s.add(fireID(10*capacity-1-i), 1)
	}
	if d := s.duplicates.Load(); d < capacity/4*99/100 {
		t.Errorf("%d of the %d newest are remembered", d, capacity/4)
	}
	s.add(fireID(0), 1)
	if e := s.executions.Load(); e < 10*capacity+1 {
		t.Errorf("%d executions: the oldest is remembered", e)
	}
}

// The bits that choose a bucket are those of the hash.
func TestSeenSpreads(t *testing.T) {
	s := newSeen(1 << 10)
	for i := range int64(4 << 10) {
		s.add(fireID(i), 1)
	}
	empty := 0
	for _, b := range s.buckets {
		if b[0] == 0 {
			empty++
		}
	}
	if empty > 60 { // e^-4 of 1,024 is 19
		t.Errorf("%d of 1024 buckets are empty after 4 entries for each", empty)
	}
	id := fireID(1)
	if binary.BigEndian.Uint64(id[8:])>>62 != 2 {
		t.Error("the variant is no longer in the bits that are left out")
	}
}
