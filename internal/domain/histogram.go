package domain

import "math/bits"

// Buckets is how many buckets a [Histogram] has: 0 to 7 ms one each, then four an octave up to
// 2^26 ms, which is 18 h; what is longer is in the last one.
const Buckets = exactBuckets + (octaves << octaveBits)

const (
	exactBuckets = 8 // values of less than so many milliseconds have one each
	firstOctave  = 3 // it begins at 2^3 ms
	octaves      = 23
	octaveBits   = 2
)

// Histogram counts durations in milliseconds by their size. Its buckets are the same everywhere, so
// that histograms can be added up. It may be shorter than Buckets: the rest is zero.
type Histogram []int64

// Bucket returns the bucket of a duration. One below zero is in the first.
func Bucket(ms int64) int {
	if ms < exactBuckets {
		return int(max(ms, 0))
	}
	octave := bits.Len64(uint64(ms)) - 1
	quarter := ms >> (octave - octaveBits) & (1<<octaveBits - 1)
	return min(exactBuckets+(octave-firstOctave)<<octaveBits+int(quarter), Buckets-1)
}

// bucketEnd returns the longest duration of a bucket. That of the last one is no bound.
func bucketEnd(i int) int64 {
	if i < exactBuckets {
		return int64(i)
	}
	i -= exactBuckets
	octave, quarter := firstOctave+i>>octaveBits, int64(i&(1<<octaveBits-1))
	return (1<<octaveBits+quarter+1)<<(octave-octaveBits) - 1
}

// AddTo counts n durations of one bucket.
func (h *Histogram) AddTo(bucket int, n int64) {
	if *h == nil {
		*h = make(Histogram, 0, Buckets)
	}
	if bucket >= len(*h) {
		*h = append(*h, make(Histogram, bucket+1-len(*h))...)
	}
	(*h)[bucket] += n
}

// Merge adds another histogram.
func (h *Histogram) Merge(other Histogram) {
	for i, n := range other {
		if n != 0 {
			h.AddTo(i, n)
		}
	}
}

// Count returns how many durations were counted.
func (h Histogram) Count() (n int64) {
	for _, of := range h {
		n += of
	}
	return n
}

// Quantile returns a duration that a share q of those counted does not exceed, in milliseconds: the
// end of a bucket, or longest if that is shorter. It is the exact one or longer, by less than a quarter.
func (h Histogram) Quantile(q float64, longest int64) int64 {
	rank := q * float64(h.Count())
	var below int64
	for i, n := range h {
		below += n
		if n > 0 && float64(below) >= rank && i < Buckets-1 {
			return min(bucketEnd(i), longest)
		}
	}
	return longest
}
