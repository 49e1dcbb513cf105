package dispatch

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// Calls that are expected to end soon are not more at a time than the most, over all
// hosts. One that lasts does not count any more.
func TestQuickCalls(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10_000, 10_000)
	const most = 10
	b.d.calls.quick.most = most
	for _, h := range []string{"a", "b", "c", "d"} {
		b.d.Push(b.fires(h, 100, run.LaneLive))
	}
	first := b.take(1_000)
	if n := byHost(first); len(first) != most || len(n) != 4 {
		t.Fatalf("%d calls: %v", len(first), n)
	}
	b.end(first[:3]...)
	b.now += quickFor.Milliseconds() - 1
	second := b.take(1_000)
	if len(second) != 3 {
		t.Errorf("%d calls in the place of 3 that ended", len(second))
	}
	b.now++
	third := b.take(1_000)
	if len(third) != most-3 {
		t.Errorf("%d calls, %d last for longer", len(third), most-3)
	}
	b.now -= 3_600_000 // the wall clock steps back: what began is as old as can be
	if fourth := b.take(1_000); len(fourth) != most {
		t.Errorf("%d calls after a step of the clock", len(fourth))
	}
	b.end(append(append(first[3:], second...), third...)...)
	if q := b.d.calls.quick; q.n != most {
		t.Errorf("%d calls count, want %d", q.n, most)
	}
}

// Limits are told that calls waited for this process: quick ones for each other, or the
// process for a processor. Each is reported at once, and then no more.
func TestBusyIsTold(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10_000, 10_000)
	b.d.calls.quick.most = 10
	b.d.Push(b.fires("a", 10, run.LaneLive))
	b.take(9)
	if b.d.calls.quick.takeReached() {
		t.Error("the limit of quick calls is not reached")
	}
	b.take(1_000)
	b.d.mayBegin()
	if !b.d.calls.quick.takeReached() || b.d.calls.quick.takeReached() {
		t.Error("the limit of quick calls is reached once")
	}
	b.d.adaptStep(true, true)
	b.d.adaptStep(true, false)
	if !b.d.adapter.takeBusy() || b.d.adapter.takeBusy() {
		t.Error("a window was busy")
	}
}

// Calls to a host that is known to be slow, or that hangs, are not among them.
func TestSlowCallsAreNotQuick(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10_000, 10_000)
	b.d.calls.quick.most = 10
	h := b.d.queues.of(target.Of("http://slow"))
	h.limit.Ended(50*time.Millisecond, 0)
	b.d.Push(b.fires("slow", 100, run.LaneLive))
	if n := len(b.take(1_000)); n != host.MinSlots {
		t.Errorf("%d calls to a slow host, want its slots", n)
	}
	b.d.Push(b.fires("quick", 100, run.LaneLive))
	if n := len(b.take(1_000)); n != 10 {
		t.Errorf("%d calls to another one, want 10", n)
	}
}

// When none of the quick calls ends, the next ones begin once those do not count any more.
func TestQuickCallsThatHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var began atomic.Int64
		release := make(chan struct{})
		var d *Dispatcher
		now := func() int64 { return time.Now().UnixMilli() }
		d = New(Config{
			MaxCalls: 1_000, MaxPerHost: 1_000, Hosts: new(host.Table), Now: now,
			Work: func() {
				for r := d.Take(nil); r != nil; r = d.Take(r) {
					began.Add(1)
					<-release
					d.Swap(r, nil, NotCalled, now())
				}
			},
			Trim: func(*run.Span, int) bool { return false },
		})
		const most = 10
		d.calls.quick.most = most
		d.Suspend(false)
		b := &bench{t: t, d: d, jobs: make(map[string]*run.Job)}
		d.Push(b.fires("a", 35, run.LaneLive))
		for i := range 5 {
			synctest.Wait()
			if n, want := began.Load(), int64(min(35, most*(i+1))); n != want {
				t.Errorf("%d calls after %d times, want %d", n, i, want)
			}
			time.Sleep(quickFor + time.Millisecond) // of the bubble
		}
		d.Close()
		close(release)
		<-d.Drained
	})
}
