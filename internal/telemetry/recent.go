package telemetry

import (
	"math/bits"
	"sync"
	"time"
)

const (
	// recentSlots is how many seconds of drift are remembered.
	recentSlots = 60
	// rateSlots is over how many of them the rate of fires is taken.
	rateSlots = 10

	// Drift is counted in buckets: one for each millisecond up to exactMs, and perOctave for each power of
	// two above, so that a quantile is off by 6 % at most. Above an hour all is one.
	exactMs, perOctave, octaves = 32, 8, 17
	recentBuckets               = exactMs + perOctave*octaves
)

// Recent is what a server has done in the last minute. The counters of Prometheus begin at the start of the
// process, and their buckets are too wide to tell 2 ms of drift from 4.
//
// 60 slots of 168 buckets are 40 KB.
type Recent struct {
	mu     sync.Mutex
	open   recentSlot              // since the last tick
	closed [recentSlots]recentSlot // a ring
	next   int
	load   Load // its gauges alone
}

// recentSlot is what was counted between two ticks.
type recentSlot struct {
	lasted time.Duration
	fires  int64
	drift  [recentBuckets]uint32
}

// Load is what a server does now.
type Load struct {
	FiresPerSecond float64 // whose first attempt is on record, over ten seconds
	Drift          *Drift  // of the last minute; nil: nothing was sent
	InFlight       int     // calls
	Queued         int     // fires that are due and wait for a slot
}

// Drift has quantiles of how late first attempts began, in milliseconds.
type Drift struct{ P50, P99 int64 }

// Fired counts a fire by its drift in milliseconds.
func (r *Recent) Fired(driftMs int64) {
	r.mu.Lock()
	r.open.fires++
	r.open.drift[bucketOf(driftMs)]++
	r.mu.Unlock()
}

// Tick ends a slot, which has lasted for a while: about a second.
func (r *Recent) Tick(lasted time.Duration, inFlight, queued int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open.lasted = lasted
	r.closed[r.next] = r.open
	r.next = (r.next + 1) % recentSlots
	r.open = recentSlot{}
	r.load.InFlight, r.load.Queued = inFlight, queued
}

// Load returns what the server does, as of the last tick.
func (r *Recent) Load() Load {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.load
	var fires int64
	var lasted time.Duration
	for i := range rateSlots {
		s := &r.closed[(r.next+recentSlots-1-i)%recentSlots]
		fires, lasted = fires+s.fires, lasted+s.lasted
	}
	if lasted > 0 {
		l.FiresPerSecond = float64(fires) / lasted.Seconds()
	}
	var counts [recentBuckets]int64
	var total int64
	for i := range r.closed {
		s := &r.closed[i]
		if s.fires == 0 {
			continue
		}
		total += s.fires
		for b, n := range &s.drift {
			counts[b] += int64(n)
		}
	}
	if total > 0 {
		l.Drift = &Drift{quantile(&counts, total, 50), quantile(&counts, total, 99)}
	}
	return l
}

// quantile returns the drift that so many percent of the fires do not exceed.
func quantile(counts *[recentBuckets]int64, total, percent int64) int64 {
	rank := (total*percent + 99) / 100
	for b, n := range counts {
		if rank -= n; rank <= 0 {
			return valueOf(b)
		}
	}
	return valueOf(recentBuckets - 1)
}

// bucketOf returns the bucket of a drift.
func bucketOf(ms int64) int {
	switch {
	case ms < 0:
		return 0
	case ms < exactMs:
		return int(ms)
	}
	octave := bits.Len64(uint64(ms)) - bits.Len64(exactMs)
	if octave >= octaves {
		return recentBuckets - 1
	}
	within := ms>>(octave+bits.Len64(exactMs)-1-3) - perOctave
	return exactMs + octave*perOctave + int(within)
}

// valueOf returns the middle of a bucket.
func valueOf(b int) int64 {
	if b < exactMs {
		return int64(b)
	}
	octave, within := (b-exactMs)/perOctave, int64((b-exactMs)%perOctave)
	width := int64(exactMs) << octave / perOctave
	return (perOctave+within)*width + width/2
}
