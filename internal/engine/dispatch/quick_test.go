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

// least is for how long a call counts where calls end at once: see host.Crowd.
const least = 10 * time.Millisecond

// quickMost returns how many calls there may be at a time.
func quickMost(c host.Crowd) (n int) {
	for c.Room(n, 0) {
		n++
	}
	return n
}

// Calls that are expected to end soon are not more at a time than the most, over all
// hosts. One that lasts does not count any more.
func TestQuickCalls(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10_000, 10_000)
	b.d.calls.quick.crowd = host.NewCrowd(1)
	most := quickMost(b.d.calls.quick.crowd)
	for _, h := range []string{"a", "b", "c", "d"} {
		b.d.Push(b.fires(h, 100, run.LaneLive))
	}
	first := b.take(1_000)
	if n := byHost(first); len(first) != most || len(n) != 4 {
		t.Fatalf("%d calls: %v", len(first), n)
	}
	b.end(first[:3]...)
	b.now += least.Milliseconds() - 1
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
	fourth := b.take(1_000)
	if len(fourth) == 0 {
		t.Errorf("%d calls after a step of the clock", len(fourth))
	}
	b.end(append(append(first[3:], second...), third...)...)
	if q := b.d.calls.quick; q.n != len(fourth) {
		t.Errorf("%d calls count, want %d", q.n, len(fourth))
	}
}

// All who decide by it are told that calls wait for a processor: quick ones for each other,
// or the process. It ends after two seconds without that.
func TestBusyIsTold(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10_000, 10_000)
	b.now = 1e12
	b.d.calls.quick.crowd = host.NewCrowd(1)
	table, most := b.d.queues.table, quickMost(b.d.calls.quick.crowd)
	want := func(when string, busy bool) {
		t.Helper()
		if table.Busy() != busy {
			t.Errorf("%s: %v", when, table.Busy())
		}
	}
	b.d.Push(b.fires("a", most, run.LaneLive))
	b.take(most - 1)
	want("there is room", false)
	b.take(1)
	b.d.mayBegin()
	want("there is none", true)
	b.d.Relax()
	want("of late", true)
	b.d.Relax()
	want("no more", false)
	b.d.adaptStep(true, true)
	want("a processor is busy", true)
	b.d.adaptStep(true, false)
	want("of late", true)
}

// Calls to a host that is known to be slow, or that hangs, are not among them.
func TestSlowCallsAreNotQuick(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10_000, 10_000)
	b.d.calls.quick.crowd = host.NewCrowd(1)
	h := b.d.queues.of(target.Of("http://slow"))
	h.limit.Ended(50*time.Millisecond, 0)
	b.d.Push(b.fires("slow", 100, run.LaneLive))
	if n := len(b.take(1_000)); n != host.MinSlots {
		t.Errorf("%d calls to a slow host, want its slots", n)
	}
	b.d.Push(b.fires("quick", 100, run.LaneLive))
	if n, most := len(b.take(1_000)), quickMost(b.d.calls.quick.crowd); n != min(most, host.MinSlots) {
		t.Errorf("%d calls to another one, want %d", n, most)
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
		d.calls.quick.crowd = host.NewCrowd(1)
		most := quickMost(d.calls.quick.crowd)
		d.Suspend(false)
		b := &bench{t: t, d: d, jobs: make(map[string]*run.Job)}
		d.Push(b.fires("a", host.MinSlots, run.LaneLive))
		for i := range 5 {
			synctest.Wait()
			if n, want := began.Load(), int64(min(host.MinSlots, most*i)); n < want {
				t.Errorf("%d calls after %d times, want %d", n, i, want)
			}
			time.Sleep(least + time.Millisecond) // of the bubble
		}
		d.Close()
		close(release)
		<-d.Drained
	})
}
