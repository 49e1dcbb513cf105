package app

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// Go lets the heap double between two collections. With ten million jobs, which stay in
// memory, that would waste two gigabytes.
// Belfry grants the room by hand, after each collection (ADR 25 has what was tried instead):
//
//	live            room
//	8 MB            25 MiB      some thousand jobs: three times as much as is live
//	220 MB          50 MiB      a million jobs
//	2.2 GB          290 MiB     ten million
//
// A fire allocates some 220 bytes, so at 40,000 a second nine megabytes a
// second: a collection every six seconds with a million jobs. A job that is
// registered allocates 9 kB, so at 5,000 a second 45 megabytes: the first after six
// seconds with ten million, then more seldom (see busy).
//
// Waiting calls need more room. Each has a stack, which every collection scans from end
// to end, and while the number of calls grows the heap grows as fast: with 16,000 of
// them one collection takes both cores for 70 ms and more.
const (
	roomAtLeast = 24 << 20
	roomShare   = 8 // of what is live: an eighth
	roomStacks  = 2 // times what the stacks hold
	mostPercent = 1_000
	loadPercent = 50 // while the jobs are read: they come to stay

	// Collections that follow on one another sooner are too many: an import to
	// ten million jobs would do little else, and each takes the cores from the
	// fires for some ten milliseconds. They get more room until it is over, up to
	// half of what is live and to busyRoom where that is more. With much that is
	// live each collection takes longer, two cores for a quarter of a second per
	// gigabyte, so that sooner is later there.
	busy     = 2 * time.Second
	busyEach = 100 << 20 // live bytes that make it one second more
	busyRoom = 96 << 20

	mostGrowth = 4 // of the room, from one collection to the next
)

// minCollectionGap returns the time between two collections below which they count as
// too frequent.
func minCollectionGap(live uint64) time.Duration {
	return busy + time.Duration(live/busyEach)*time.Second
}

// gcPercent returns the value of GOGC for so many live bytes, and bytes on the
// stacks.
func gcPercent(live, stacks uint64) int {
	const least = 4 << 20 // Go takes as much to be live at least
	return int(min(mostPercent, 100*(roomAtLeast+live/roomShare+roomStacks*stacks)/max(live+stacks, least)))
}

// busyPercent returns the highest value of GOGC while collections follow each other
// too closely.
func busyPercent(live uint64) int {
	return int(max(loadPercent, 100*busyRoom/max(live, 1<<20)))
}

// heapController sets the room of the heap after each collection.
type heapController struct {
	loading atomic.Bool
	stopped atomic.Bool
	percent int // under the collector's turn: one call at a time
	// wasLoading: the jobs were still loading at the last collection; likewise.
	wasLoading bool
	sample     []metrics.Sample // live bytes, bytes on stacks
	clock      clock.Clock
	last       clock.Mark // the last collection
}

// keepHeap starts a keeper, which takes the jobs to be loading until loaded is
// called. It leaves alone what the operator has decided with GOGC or
// GOMEMLIMIT.
func keepHeap(clk clock.Clock) *heapController {
	k := &heapController{percent: 100, clock: clk, last: clk.Mark(),
		sample: []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}}}
	k.loading.Store(true)
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		k.stopped.Store(true)
		return k
	}
	k.arm()
	return k
}

// loaded says that the jobs are in memory.
func (k *heapController) loaded() {
	k.loading.Store(false)
	if !k.stopped.Load() {
		// It collects, which calls the keeper, and gives back what reading the
		// jobs has used. Nobody waits for it.
		go debug.FreeOSMemory()
	}
}

// stop leaves the heap to Go's own rule.
func (k *heapController) stop() {
	if !k.stopped.Swap(true) {
		debug.SetGCPercent(100)
	}
}

// arm has the keeper called after the next collection: that is when an object
// which nobody holds is cleaned up.
func (k *heapController) arm() {
	type sentinel struct{ _ [16]byte }
	runtime.AddCleanup(&sentinel{}, func(k *heapController) { k.collected() }, k)
}

// want returns the value of GOGC for so many live bytes and bytes on stacks, so long
// after the last collection. The first collection after the jobs are loaded does not
// count as too frequent: those before it belong to the loading, whose room is given
// back.
func (k *heapController) want(live, stacks uint64, since time.Duration) int {
	loaded := k.wasLoading
	k.wasLoading = k.loading.Load()
	shortGaps := minCollectionGap(live)
	switch {
	case k.wasLoading:
		return loadPercent
	case since < shortGaps && !loaded: // so much that the next one is not too soon
		factor := float64(shortGaps) / float64(max(since, shortGaps/mostGrowth))
		return max(gcPercent(live, stacks), min(int(factor*float64(k.percent)), busyPercent(live)))
	case loaded:
		return gcPercent(live, stacks)
	}
	// With all the room gone at once the next collection would come at once, and
	// the one after it would be one too many again.
	return max(gcPercent(live, stacks), min(k.percent/2, busyPercent(live)))
}

func (k *heapController) collected() {
	if k.stopped.Load() {
		return
	}
	metrics.Read(k.sample)
	want := k.want(k.sample[0].Value.Uint64(), k.sample[1].Value.Uint64(), k.clock.Elapsed(k.last))
	k.last = k.clock.Mark()
	// Each change stops the world for some microseconds: small ones are not
	// worth it.
	if d := want - k.percent; d != 0 && (d*10 > k.percent || -d*10 > k.percent) {
		k.percent = want
		debug.SetGCPercent(want)
	}
	k.arm()
}
