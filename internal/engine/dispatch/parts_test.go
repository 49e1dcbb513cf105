package dispatch

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// waitingHost is a host with so many slots, of which some are taken, and runs that
// wait.
func waitingHost(slots, calls, late, liveRuns, lateRuns int) *hostQueue {
	h := &hostQueue{calls: calls, lateCalls: late, limit: newHostLimit(slots)}
	for range liveRuns {
		h.live.push(&run.Run{})
	}
	for range lateRuns {
		h.late.push(&run.Run{Lane: run.LaneLate})
	}
	return h
}

// A host is in the ring once, and comes back from where it was parked.
func TestTurns(t *testing.T) {
	t.Parallel()
	var ring turns
	a, b := waitingHost(8, 0, 0, 2, 0), waitingHost(8, 0, 0, 0, 2)
	for range 2 {
		ring.add(a)
		ring.add(b)
	}
	if first, second, third := ring.next(true), ring.next(true), ring.next(true); first != a ||
		second != b || third != nil {
		t.Fatalf("took %p, %p, %p of a ring of %p and %p", first, second, third, a, b)
	}
	ring.parkFull(a)
	ring.parkLate(b)
	if ring.add(a); ring.next(false) != nil {
		t.Error("a host without a free slot is in the ring")
	}
	if ring.next(false) != nil {
		t.Error("a late host has its turn though the share of late fires is used up")
	}
	if ring.next(true) != b || len(ring.lateWait) != 0 {
		t.Error("a late host does not come back although late fires may be sent")
	}
	ring.parkLate(b)
	b.live.push(&run.Run{})
	if ring.add(b); ring.next(false) != b || len(ring.lateWait) != 0 {
		t.Error("a run on time does not bring a late host back")
	}
	if ring.readmit(a); ring.next(false) != a {
		t.Error("a host with a free slot again does not come back")
	}
	a.live = runQueue{}
	if ring.readmit(a); ring.next(true) != nil || a.parked != parkedIdle {
		t.Error("a host without work is in the ring")
	}
}

// When a late call ends, its host comes back and the one that has waited longest.
func TestTurnsOfLateHosts(t *testing.T) {
	t.Parallel()
	var ring turns
	own := waitingHost(8, 2, 2, 0, 1) // its share, two of eight, is used up
	longest, other := waitingHost(8, 0, 0, 0, 1), waitingHost(8, 0, 0, 0, 1)
	for _, h := range []*hostQueue{longest, other, own} {
		ring.add(h)
		ring.parkLate(ring.next(true))
	}
	ring.lateEnded(own)
	if got := []*hostQueue{ring.next(false), ring.next(false), ring.next(false)}; !slices.Equal(got,
		[]*hostQueue{longest, own, nil}) {
		t.Errorf("%p came back, want %p and %p", got, longest, own)
	}
	if !slices.Equal(ring.lateWait, []*hostQueue{other}) {
		t.Error("a host is lost")
	}
}

// A call is counted from its begin to its end; its run is found until it is released.
func TestCalls(t *testing.T) {
	t.Parallel()
	c := calls{most: 2, mostLate: 1}
	live, late := &run.Run{}, &run.Run{Lane: run.LaneLate}
	c.begin(live, 10)
	if c.full() || c.lateFull() {
		t.Error("one call of two, none of them late, is too many")
	}
	c.begin(late, 20)
	if !c.full() || !c.lateFull() || late.Since != 20 {
		t.Errorf("after two calls, one of them late: full %v, %v; began at %d", c.full(), c.lateFull(), late.Since)
	}
	found := func(r *run.Run) bool { return !c.all(func(x *run.Run) bool { return x != r }) }
	c.end(late)
	if c.full() || c.lateFull() || !found(late) || c.inFlight(func(*run.Run) {}) != 1 {
		t.Error("a call that has ended is in flight, or its run is not found")
	}
	c.release(late)
	c.release(late)
	c.release(nil)
	if found(late) || !found(live) {
		t.Error("a run that was released is found, or another one is not")
	}
	if c.end(late); c.ended.first != late {
		t.Error("a run cannot end again")
	}
	if c.begin(late, 30); found(late) && c.ended != (callList{}) {
		t.Error("a run that begins again is among those that have ended")
	}
	if n := c.takeBegun(); n != 3 || c.takeBegun() != 0 {
		t.Errorf("%d calls begun, want 3, and none since", n)
	}
}

// Workers are started while all are busy and there may be more, and woken otherwise.
// The last one that ends after close says so.
func TestWorkersWakeAndEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var w workers
		began, woken := 0, 0
		w = newWorkers(&mu, 2, func() {
			mu.Lock()
			defer mu.Unlock()
			began++
			for w.await() {
				woken++
			}
		})
		wake := func(wantBegan, wantWoken int) {
			mu.Lock()
			w.wake()
			mu.Unlock()
			synctest.Wait()
			if began != wantBegan || woken != wantWoken {
				t.Errorf("%d workers, woken %d times; want %d and %d", began, woken, wantBegan, wantWoken)
			}
		}
		wake(1, 0)
		wake(1, 1)
		mu.Lock()
		w.idle-- // as if it were in a call
		mu.Unlock()
		wake(2, 1)
		mu.Lock()
		w.idle++
		w.close()
		w.close()
		mu.Unlock()
		<-w.drained
	})
}

// A host is adapted while it is saturated, and noted once; one that has reached the
// ceiling is not adapted.
func TestAdapter(t *testing.T) {
	t.Parallel()
	a := adapter{ceiling: 1000, begun: make(chan struct{}, 1)}
	h := waitingHost(1000, minHostLimit, 0, 1, 0)
	h.parked = parkedFull
	a.note(h)
	a.note(h)
	if len(a.saturated) != 1 || len(a.begun) != 1 || !h.saturatedLately {
		t.Errorf("%d hosts are saturated, %d signals", len(a.saturated), len(a.begun))
	}
	var back []*hostQueue
	readmit := func(h *hostQueue) { back = append(back, h) }
	if more := a.window(readmit); !more || len(back) != 0 {
		t.Errorf("the window in which it began counts: %d came back", len(back))
	}
	if more := a.window(readmit); !more || len(back) != 1 {
		t.Errorf("nothing ended in a window, and the host has no more slots: %d came back", len(back))
	}
	h.limit.pendingSlots = 1
	if a.step(readmit); h.limit.pendingSlots != 0 || len(back) != 2 {
		t.Error("a step gives the host nothing of what it was granted")
	}
	h.parked = parkedRing
	if more := a.window(readmit); more || h.saturated {
		t.Error("a host that has got slots is saturated still")
	}
	h.limit.now = 1000
	if a.note(h); h.saturated || len(a.saturated) != 0 {
		t.Error("a host is adapted beyond the ceiling")
	}
}
