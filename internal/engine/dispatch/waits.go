package dispatch

import (
	"runtime/metrics"
	"time"
)

// schedWaits says for how long goroutines waited for a processor, as Go's scheduler has measured
// it.
type schedWaits struct {
	sample [1]metrics.Sample
	before []uint64 // counts of the histogram when it was read last
}

// mean returns that for the time since it was called last: once a second.
func (w *schedWaits) mean() time.Duration {
	w.sample[0].Name = "/sched/latencies:seconds"
	metrics.Read(w.sample[:])
	if w.sample[0].Value.Kind() != metrics.KindFloat64Histogram {
		return 0
	}
	h := w.sample[0].Value.Float64Histogram()
	d := meanOf(h.Counts, w.before, h.Buckets)
	w.before = append(w.before[:0], h.Counts...)
	return d
}

// meanOf returns the mean of what was counted since before: each value is taken to be the lower
// bound of its bucket, in seconds. Buckets are an eighth wide at most, but for the first one.
func meanOf(counts, before []uint64, bounds []float64) time.Duration {
	n, sum := uint64(0), 0.0
	for i, c := range counts {
		if i < len(before) {
			c -= before[i]
		}
		n += c
		sum += float64(c) * max(0, bounds[i])
	}
	if n == 0 {
		return 0
	}
	return time.Duration(sum / float64(n) * float64(time.Second))
}
