package receiver

import (
	"math/bits"
	"slices"
	"sync/atomic"
	"time"
)

// Stats are the counters of a receiver. Requests for the help text and for the
// stats are not counted.
type Stats struct {
	Requests   int64            `json:"requests"`
	Executions int64            `json:"executions"` // distinct ones
	Retries    int64            `json:"retries"`    // a further attempt of an execution that came before
	Duplicates int64            `json:"duplicates"` // the same attempt of the same execution, again
	Unnamed    int64            `json:"unnamed"`    // without the id of an execution
	Early      int64            `json:"early"`      // received before the scheduled instant
	HTTP2      int64            `json:"http2"`      // requests that came by HTTP/2
	ByPath     map[string]int64 `json:"byPath"`     // by route; "other" for unknown paths
	Lateness   Lateness         `json:"latenessMs"`

	Connections Connections `json:"connections"`
	Handshakes  Handshakes  `json:"handshakes"`

	// Buckets is the histogram of the lateness, if the query of the request names it. The
	// difference of two of them is the histogram of the time between: see [Summarize].
	Buckets []int64 `json:"buckets,omitempty"`
}

// Handshakes are those of TLS.
type Handshakes struct {
	Begun   int64 `json:"begun"`   // the client sent its first message
	Full    int64 `json:"full"`    // of which the receiver has done its part
	Resumed int64 `json:"resumed"` // the same, by a session ticket
}

// Lateness is the time from the scheduled instant to the receipt, in
// milliseconds, of first attempts. The percentiles are exact to 1.6 %.
type Lateness struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Max   float64 `json:"max"`

	// LastOfSecond is the lateness of the last request of a scheduled second: the median
	// of the last 128 seconds.
	LastOfSecond float64 `json:"lastOfSecond"`
}

const otherPath = "other"

// counters is what Stats is made of.
type counters struct {
	requests, unnamed, early atomic.Int64
	http2                    atomic.Int64
	begun, full, resumed     atomic.Int64 // handshakes
	byPath                   map[string]*atomic.Int64
	seen                     *seen
	lateness                 histogram
	lasts                    lasts
}

func newCounters() *counters {
	c := &counters{byPath: map[string]*atomic.Int64{"": new(atomic.Int64)}, seen: newSeen(seenBuckets)}
	for route := range routes {
		c.byPath[route] = new(atomic.Int64)
	}
	return c
}

func (c *counters) count(v visit, route string) {
	c.requests.Add(1)
	c.byPath[route].Add(1)
	if v.http2 {
		c.http2.Add(1)
	}
	if v.ExecutionID == [16]byte{} {
		c.unnamed.Add(1)
	} else {
		c.seen.add(v.ExecutionID, v.attempt)
	}
	if v.ScheduledAt == 0 || v.attempt > 1 {
		return // a retry is late on purpose
	}
	late := v.at.Sub(time.UnixMilli(v.ScheduledAt))
	if late < 0 {
		c.early.Add(1)
	}
	c.lateness.add(max(0, late.Microseconds()))
	c.lasts.add(v.ScheduledAt/1000, max(0, late.Microseconds()))
}

// Stats returns the counters as they are now.
func (r *Receiver) Stats() Stats {
	c := r.counters.Load()
	s := Stats{
		Requests:   c.requests.Load(),
		Executions: c.seen.executions.Load(),
		Retries:    c.seen.retries.Load(),
		Duplicates: c.seen.duplicates.Load(),
		Unnamed:    c.unnamed.Load(),
		Early:      c.early.Load(),
		HTTP2:      c.http2.Load(),
		ByPath:     make(map[string]int64),
		Lateness:   c.lateness.summary(),

		Connections: r.conns.now(),
		Handshakes:  Handshakes{Begun: c.begun.Load(), Full: c.full.Load(), Resumed: c.resumed.Load()},
	}
	s.Lateness.LastOfSecond = inMs(c.lasts.median())
	for route, n := range c.byPath {
		if route == "" {
			route = otherPath
		}
		if n := n.Load(); n > 0 {
			s.ByPath[route] = n
		}
	}
	return s
}

// histogram counts values of up to 2^42 (as microseconds, fifty days). Its buckets are
// exact up to 128, and above that at most 1/64 of the value wide: the log-linear layout
// of HdrHistogram.
type histogram struct {
	buckets [2560]atomic.Int64
	max     atomic.Int64
}

const maxValue = 1<<42 - 1

func bucketOf(v int64) int {
	shift := max(0, bits.Len64(uint64(v))-7)
	return shift<<6 + int(v>>shift)
}

// upperOf returns the largest value of a bucket.
func upperOf(bucket int) int64 {
	if bucket < 128 {
		return int64(bucket)
	}
	shift := bucket>>6 - 1
	return (int64(bucket-shift<<6)+1)<<shift - 1
}

func (h *histogram) add(v int64) {
	v = min(v, maxValue)
	h.buckets[bucketOf(v)].Add(1)
	raise(&h.max, v)
}

// counts returns the buckets up to the last one that is not empty.
func (h *histogram) counts() []int64 {
	counts, used := make([]int64, len(h.buckets)), 0
	for i := range counts {
		if counts[i] = h.buckets[i].Load(); counts[i] > 0 {
			used = i + 1
		}
	}
	return counts[:used]
}

func (h *histogram) summary() Lateness { return summarize(h.counts(), h.max.Load()) }

// Summarize returns the lateness of a histogram as [Stats] has it. The maximum is exact to
// 1.6 % like the percentiles.
func Summarize(buckets []int64) Lateness {
	used := len(buckets)
	for used > 0 && buckets[used-1] == 0 {
		used--
	}
	return summarize(buckets[:used], maxValue)
}

// summarize summarizes counts, of which the last one is not empty. No value is above
// highest.
func summarize(counts []int64, highest int64) Lateness {
	var total int64
	for _, n := range counts {
		total += n
	}
	if total == 0 {
		return Lateness{}
	}
	highest = min(highest, upperOf(len(counts)-1))
	quantile := func(permille int64) float64 {
		rank := (total*permille + 999) / 1000
		for i, n := range counts {
			if rank -= n; rank <= 0 {
				return inMs(min(upperOf(i), highest))
			}
		}
		return inMs(highest)
	}
	return Lateness{Count: total, P50: quantile(500), P90: quantile(900), P99: quantile(990), P999: quantile(999),
		Max: inMs(highest)}
}

// Within returns how many values of a histogram are at most d, to 1.6 %.
func Within(buckets []int64, d time.Duration) (n int64) {
	for i, count := range buckets {
		if upperOf(i) <= d.Microseconds() {
			n += count
		}
	}
	return n
}

// lasts has the greatest value of each of the last seconds. An entry contains the low
// bits of the second and its value, so that both change atomically.
type lasts [128]atomic.Uint64

const (
	lastsValueBits = 42 // as of a histogram
	lastsMask      = 1<<lastsValueBits - 1
)

func (l *lasts) add(second, v int64) {
	entry := uint64(second)<<lastsValueBits | uint64(min(v, maxValue)) //nolint:gosec // neither is negative
	slot := &l[uint64(second)%uint64(len(l))]                          //nolint:gosec // likewise
	for {
		old := slot.Load()
		// The difference has a sign: the seconds begin again every 48 days.
		if old != 0 && int64(entry-old) <= 0 || slot.CompareAndSwap(old, entry) { //nolint:gosec // see above
			return
		}
	}
}

// median returns the lower median of the seconds that have a value.
func (l *lasts) median() int64 {
	var values []int64
	for i := range l {
		if entry := l[i].Load(); entry != 0 {
			values = append(values, int64(entry&lastsMask)) //nolint:gosec // 42 bits
		}
	}
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}

func inMs(us int64) float64 { return float64(us) / 1000 }
