package app

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// Memory that a burst of requests has used goes back to the system 20 to 30 s after the last
// collection, which is that of the burst when nothing allocates any more. Go gives back what is
// above its goal, but it sets the goal at a collection, and when nothing
// allocates there is none for two minutes: the garbage of the burst stays, and the goal remains as
// high as the burst has made it. So a collection is made when none was for giveBackAfter looks and
// the heap is larger than it has to be.
const (
	giveBackEvery = 10 * time.Second // a look takes some microseconds
	giveBackAfter = 2                // looks without a collection
	giveBackLeast = 24 << 20         // less than what is normal between two collections is not worth it
	giveBackShare = 8                // of the heap: likewise
)

// surplus notes how large the heap has to be.
type surplus struct {
	base   uint64 // bytes that it had after the last collection for this reason, or fewer
	cycles uint64 // collections so far
	quiet  int    // looks in a row without one
}

// tooLarge takes a look: the bytes of the heap that the system has not got back, and how many
// collections there were. It returns whether to make one.
func (s *surplus) tooLarge(heap, cycles uint64) bool {
	if s.quiet++; cycles != s.cycles {
		s.cycles, s.quiet = cycles, 0
	}
	if s.base == 0 || heap < s.base {
		s.base = heap
	}
	return s.quiet >= giveBackAfter && heap > s.base+giveBackLeast+s.base/giveBackShare
}

// done notes the heap after the collection. What it could not give back is in use.
func (s *surplus) done(heap, cycles uint64) { s.base, s.cycles, s.quiet = heap, cycles, 0 }

// giveBack gives back memory until the context ends, as long as the room of the heap is ours.
func (k *heapController) giveBack(ctx context.Context) {
	sample := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"}, {Name: "/gc/cycles/total:gc-cycles"},
	}
	look := func() (heap, cycles uint64) {
		metrics.Read(sample)
		return sample[0].Value.Uint64() + sample[1].Value.Uint64() + sample[2].Value.Uint64(), sample[3].Value.Uint64()
	}
	var s surplus
	for clock.Wait(ctx, giveBackEvery) {
		if k.stopped.Load() || k.loading.Load() {
			continue
		}
		if s.tooLarge(look()) {
			debug.FreeOSMemory()
			s.done(look())
		}
	}
}
