package dispatch

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/target"
	"pgregory.net/rapid"
)

// waitingHost is a host with so many slots, of which some are taken, and runs that
// wait.
func waitingHost(slots, calls, late, liveRuns, lateRuns int) *hostQueue {
	h := &hostQueue{taken: host.Slots{Taken: calls, Late: late},
		limit: host.NewLimit(new(host.Table).Hold(target.Host{}), slots)}
	for range liveRuns {
		h.live.push(&run.Run{})
	}
	for range lateRuns {
		h.late.push(&run.Run{Lane: run.LaneLate})
	}
	return h
}

// Slots of all hosts: some are free, but none for late fires; all are.
var (
	noLate = shares{Slots: host.Slots{Most: 100, Taken: 25, Late: 25}}
	free   = shares{Slots: host.Slots{Most: 100}}
)

// A host is in the ring once, and comes back from where it was parked.
func TestTurns(t *testing.T) {
	t.Parallel()
	var ring turns
	a, b := waitingHost(8, 0, 0, 2, 0), waitingHost(8, 0, 0, 0, 2)
	for range 2 {
		ring.add(a)
		ring.add(b)
	}
	if first, second, third := ring.next(&free), ring.next(&free), ring.next(&free); first != a ||
		second != b || third != nil {
		t.Fatalf("took %p, %p, %p of a ring of %p and %p", first, second, third, a, b)
	}
	ring.park(a, parkedFull)
	ring.park(b, parkedLate)
	if ring.add(a); ring.next(&noLate) != nil {
		t.Error("a host without a free slot is in the ring")
	}
	if ring.next(&noLate) != nil {
		t.Error("a late host has its turn though the share of late fires is used up")
	}
	if ring.next(&free) != b || ring.lateWait.waiting() != 0 {
		t.Error("a late host does not come back although late fires may be sent")
	}
	ring.park(b, parkedLate)
	b.live.push(&run.Run{})
	if ring.add(b); ring.next(&noLate) != b || ring.lateWait.waiting() != 0 {
		t.Error("a run on time does not bring a late host back")
	}
	if ring.readmit(a); ring.next(&noLate) != a {
		t.Error("a host with a free slot again does not come back")
	}
	a.live = runQueue{}
	if ring.readmit(a); ring.next(&free) != nil || a.parked != parkedIdle {
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
		why := parkedLate
		if h == own {
			why = parkedShare
		}
		ring.park(ring.next(&free), why)
	}
	ring.otherEnded(own)
	if got := []*hostQueue{ring.next(&noLate), ring.next(&noLate), ring.next(&noLate)}; !slices.Equal(got,
		[]*hostQueue{longest, own, nil}) {
		t.Errorf("%p came back, want %p and %p", got, longest, own)
	}
	if ring.lateWait.waiting() != 1 || ring.popLate() != other {
		t.Error("a host is lost")
	}
}

// A call is counted from its begin to its end; its run is found until it is released.
func TestCalls(t *testing.T) {
	t.Parallel()
	c := calls{slots: shares{Slots: host.Slots{Most: 2}}}
	live, late := &run.Run{}, &run.Run{Lane: run.LaneLate}
	c.begin(live, false, 10)
	if c.slots.Slots != (host.Slots{Most: 2, Taken: 1, Live: 1}) {
		t.Errorf("one call on time: %+v", c.slots)
	}
	c.begin(late, false, 20)
	if c.slots.Slots != (host.Slots{Most: 2, Taken: 2, Late: 1, Live: 1}) || late.Since != 20 {
		t.Errorf("two calls, one of them late: %+v; began at %d", c.slots, late.Since)
	}
	found := func(r *run.Run) bool { return !c.all(func(x *run.Run) bool { return x != r }) }
	c.end(late, NotCalled, 0)
	if c.slots.Slots != (host.Slots{Most: 2, Taken: 1, Live: 1}) || !found(late) || c.inFlight(func(*run.Run) {}) != 1 {
		t.Errorf("a call that has ended is in flight, or its run is not found: %+v", c.slots)
	}
	c.release(late)
	c.release(late)
	c.release(nil)
	if found(late) || !found(live) {
		t.Error("a run that was released is found, or another one is not")
	}
	c.begin(late, false, 30)
	c.end(late, NotCalled, 0)
	if c.begin(late, false, 40); c.ended != (callList{}) || late.InEnded {
		t.Error("a run that begins again is among those that have ended")
	}
	if n := c.takeBegun(); n != 4 || c.takeBegun() != 0 {
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
	h := waitingHost(1000, host.MinSlots, 0, 1, 0)
	h.parked = parkedFull
	a.note(h)
	a.note(h)
	if len(a.saturated) != 1 || len(a.begun) != 1 || !h.saturatedLately {
		t.Errorf("%d hosts are saturated, %d signals", len(a.saturated), len(a.begun))
	}
	var back []*hostQueue
	readmit := func(h *hostQueue) { back = append(back, h) }
	if more := a.window(false, readmit); !more || len(back) != 0 {
		t.Errorf("the window in which it began counts: %d came back", len(back))
	}
	if more := a.window(false, readmit); !more || len(back) != 1 {
		t.Errorf("nothing ended in a window, and the host has no more slots: %d came back", len(back))
	}
	for !h.limit.Pending() {
		a.window(false, readmit)
	}
	before, n := h.limit.Slots(), len(back)
	if a.step(readmit); h.limit.Slots() == before || len(back) != n+1 {
		t.Error("a step gives the host nothing of what it was granted")
	}
	h.parked = parkedRing
	if more := a.window(false, readmit); more || h.saturated {
		t.Error("a host that has got slots is saturated still")
	}
	a.ceiling = h.limit.Slots()
	if a.note(h); h.saturated || len(a.saturated) != 0 {
		t.Error("a host is adapted beyond the ceiling")
	}
}

// The ring gives the hosts back in the order in which they came, and does not grow with
// the number of turns.
func TestRingOfTurns(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var turns ring
		var model []*hostQueue
		most := 0
		t.Repeat(map[string]func(*rapid.T){
			"push": func(*rapid.T) {
				h := new(hostQueue)
				turns.push(h)
				model = append(model, h)
			},
			"pop and push": func(t *rapid.T) {
				for range rapid.IntRange(1, 40).Draw(t, "turns") {
					if len(model) == 0 {
						return
					}
					h := turns.pop()
					if h != model[0] {
						t.Fatal("the hosts are out of order")
					}
					turns.push(h)
					model = append(model[1:], h)
				}
			},
			"pop": func(t *rapid.T) {
				if len(model) == 0 {
					t.Skip("empty")
				}
				if turns.pop() != model[0] {
					t.Fatal("the hosts are out of order")
				}
				model = model[1:]
			},
			"": func(t *rapid.T) {
				most = max(most, len(model))
				if turns.waiting() != len(model) || cap(turns.hosts) > 4*most+8 {
					t.Fatalf("%d hosts in a ring of %d, want %d", turns.waiting(), cap(turns.hosts), len(model))
				}
			},
		})
	})
}
