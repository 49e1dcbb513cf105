package domain

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Each duration is in one bucket, whose end is not shorter, and by less than a quarter longer.
func TestBuckets(t *testing.T) {
	last := -1
	for _, ms := range []int64{math.MinInt64, -1, 0, 1, 7, 8, 9, 10, 15, 16, 1000, 1 << 25, 1<<26 - 1} {
		if b := Bucket(ms); b < last || b >= Buckets {
			t.Errorf("%d ms is in bucket %d after %d", ms, b, last)
		} else {
			last = b
		}
	}
	for ms := int64(0); ms < 1<<20; ms++ {
		end := bucketEnd(Bucket(ms))
		if end < ms || ms >= 8 && 4*(end-ms) >= ms || ms < 8 && end != ms {
			t.Fatalf("%d ms is in bucket %d, which ends at %d", ms, Bucket(ms), end)
		}
	}
	for i := 1; i < Buckets; i++ {
		if Bucket(bucketEnd(i-1)) != i-1 || Bucket(bucketEnd(i-1)+1) != i {
			t.Fatalf("bucket %d does not begin where %d ends, at %d", i, i-1, bucketEnd(i-1))
		}
	}
	for _, ms := range []int64{1 << 26, math.MaxInt64} {
		if b := Bucket(ms); b != Buckets-1 {
			t.Errorf("%d ms is in bucket %d", ms, b)
		}
	}
}

// A quantile is never below the exact one, and less than a quarter above it, also of merged histograms.
func TestQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var all []int64
		var h Histogram
		for range 1 + r.IntN(3) {
			var part Histogram
			for range r.IntN(200) {
				ms := int64(math.Exp(r.Float64() * 16))
				all = append(all, ms)
				part.AddTo(Bucket(ms), 1)
			}
			h.Merge(part)
		}
		slices.Sort(all)
		if h.Count() != int64(len(all)) {
			t.Fatalf("%d counted of %d", h.Count(), len(all))
		}
		if len(all) == 0 {
			continue
		}
		for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 1} {
			exact := all[max(0, int(math.Ceil(q*float64(len(all))))-1)]
			got := h.Quantile(q, all[len(all)-1])
			if got < exact || 4*(got-exact) >= max(exact, 1) {
				t.Fatalf("quantile %g of %d values: %d, exactly %d", q, len(all), got, exact)
			}
		}
	}
	if got := (Histogram{Buckets - 1: 3}).Quantile(0.5, 1<<30); got != 1<<30 {
		t.Errorf("what is beyond the last bucket: %d", got)
	}
	if got := (Histogram{}).Quantile(0.5, 0); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
}

func TestSteps(t *testing.T) {
	for _, s := range Steps {
		for _, ms := range []int64{-86_400_001, -86_400_000, -1, 0, 1, 59_999, 60_000, 1_767_225_661_234} {
			if at := s.Start(ms); at > ms || at+s.Ms() <= ms || at%s.Ms() != 0 {
				t.Errorf("the step of %d minutes of %d begins at %d", s, ms, at)
			}
		}
	}
}

func TestPointsCountWhatEnded(t *testing.T) {
	at := int64(1_767_225_600_000)
	var ps Points
	for _, e := range []Execution{
		{Status: StatusSuccess, StartedAt: at + 5, CompletedAt: at + 25, RetryCount: 2},
		{Status: StatusFailed, StartedAt: at + 9, CompletedAt: at + 10},
		{Status: StatusUnknown, StartedAt: at - 3},
		{Status: StatusSkipped},
		{Status: StatusMissed, Missed: &MissedRange{Count: 7}},
		{Status: StatusRunning, StartedAt: at},
	} {
		e.ScheduledAt = at
		ps.Add(&e, StepMinute)
	}
	later := Execution{FireKey: FireKey{ScheduledAt: at + 60_000}, Status: StatusSuccess, StartedAt: at + 60_001,
		CompletedAt: at + 61_000}
	ps.Add(&later, StepMinute)
	p := ps[0]
	if len(ps) != 2 || p.Success != 1 || p.Failed != 1 || p.Unknown != 1 || p.Skipped != 1 || p.Missed != 7 ||
		p.Retries != 2 || p.Drift.Count() != 3 || p.DriftMax != 9 || p.Duration.Count() != 2 || p.DurationMax != 20 {
		t.Errorf("%+v", ps)
	}
	hours := ps.In(StepHour)
	if len(hours) != 1 || hours[0].Success != 2 || hours[0].Drift.Count() != 4 || hours[0].DurationMax != 999 ||
		hours[0].At != at {
		t.Errorf("%+v", hours)
	}
	if ps[0].Success != 1 {
		t.Error("the points were changed by adding them up")
	}
}
