package dispatch

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// Overdue runs get the slots that live ones do not use: all at once where none comes due,
// a quarter where live ones have used all, and more each second in which they do not,
// though no call ends. Meanwhile the limit of the host does not shrink.
func TestSlotsOfOverdueRuns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		due, ended int // a second, before
		calls      int // MaxCalls
		want       []int
	}{
		{"none comes due", 0, 10, 1000, []int{64, 64, 64, 64, 64}},
		// twice a fourth for live ones, less an eighth
		{"a fourth of what ends", 5, 20, 1000, []int{36, 40, 43, 46, 49}},
		{"nearly as many as end", 18, 20, 1000, []int{16, 16, 22, 28, 33}},
		{"as many calls as slots in all", 0, 10, 64, []int{16, 16, 16, 22, 28}},
	} {
		b := newBench(t, c.calls, 1000)
		b.d.Push(b.fires("a", 300, run.LaneLive))
		h := hostA(b)
		b.end(b.take(64)...) // all slots, of late
		h.pace = pace{due: c.due, ended: c.ended, duePace: float64(c.due), endedPace: float64(c.ended)}
		b.second()
		b.d.calls.slots.Live = 64
		h.limit.Ended(50*time.Millisecond, b.now)
		var got []int
		n := 0
		for i := range c.want {
			n += len(b.take(1000))
			got = append(got, n)
			if b.second(); i > 0 && c.want[i] > c.want[i-1] && b.d.turns.waiting() == 0 {
				t.Errorf("%s: no worker is woken for the slots of second %d", c.name, i+1)
			}
		}
		if !slices.Equal(got, c.want) || h.limit.Slots() != 64 {
			t.Errorf("%s: %v in flight after each second, want %v; a limit of %d", c.name, got, c.want, h.limit.Slots())
		}
	}
}

// Overdue calls to hosts that answer at once are not more at a time than the most, over all
// hosts; live and recovered ones are not bounded by that, nor are calls to a host that is
// known to be slow, nor those that last.
func TestBriefCalls(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10_000, 10_000)
	hosts := []string{"a", "b", "c", "slow"}
	b.d.queues.of(target.Of("http://slow")).limit.Ended(50*time.Millisecond, 0)
	for _, h := range hosts {
		b.d.Push(b.fires(h, 40, run.LaneLive))
	}
	for range 5 {
		for _, h := range hosts {
			b.d.queues.hosts[target.Of("http://"+h)].pace.ended = 10
		}
		b.second()
	}
	const most = 10
	b.d.calls.slots.mostBrief = most
	first := b.take(1000)
	if got := byHost(first); len(first) != most+40 || got["slow"] != 40 || got["a"] == 0 || got["b"] == 0 ||
		got["c"] == 0 {
		t.Fatalf("%d overdue calls: %v", len(first), got)
	}
	b.d.Push(b.fires("a", 5, run.LaneLive))
	b.d.Push(b.fires("b", 5, run.LaneLate))
	others := b.take(1000)
	if len(others) != 10 {
		t.Errorf("%d of 5 live and 5 recovered ones", len(others))
	}
	quick := slices.DeleteFunc(slices.Clone(first),
		func(r *run.Run) bool { return r.Ver.Host == target.Of("http://slow") })
	b.end(quick[:3]...)
	if got := b.take(1000); len(got) != 3 {
		t.Errorf("%d in the place of 3 that ended", len(got))
	}
	b.now += briefFor.Milliseconds() - 1
	if got := b.take(1000); len(got) != 0 {
		t.Errorf("%d more before they have lasted", len(got))
	}
	b.now++
	if got := b.take(1000); len(got) != most {
		t.Errorf("%d more when %d last", len(got), most)
	}
	b.end(others...)
	b.end(quick[3:]...)
	if n := b.d.calls.slots.brief.n; n != most {
		t.Errorf("%d count, want %d", n, most)
	}
}

// The limit of a host does not shrink while fires wait for their share of it.
func TestLimitIsKeptForOthers(t *testing.T) {
	t.Parallel()
	for _, waiting := range []int{0, 1} {
		b := newBench(t, 10_000, 1000)
		b.d.Push(b.fires("a", 1, run.LaneLive))
		h := hostA(b)
		for h.limit.Slots() < 400 { // it hangs
			h.limit.EndWindow(false)
			for h.limit.Pending() {
				h.limit.Step()
			}
		}
		most := h.limit.Slots()
		b.end(b.take(1)...)
		b.d.Push(b.fires("a", host.LateSlots(most)+waiting, run.LaneLate))
		b.take(1000)
		for range 4 {
			b.second()
		}
		if got := h.limit.Slots(); (got == most) != (waiting > 0) {
			t.Errorf("%d slots of %d after 4 s while %d fires wait", got, most, waiting)
		}
	}
}

// Hosts with other fires do not take the turns of live ones, however many there are, and
// each of them has a turn.
func TestLiveHostsGoFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t, 100_000, 1000)
	const others = 500
	for i := range others {
		b.d.Push(b.fires(fmt.Sprint("late", i), 4, run.LaneLate))
	}
	b.d.Push(b.fires("a", 320, run.LaneLive))
	live, hosts := 0, map[string]bool{}
	for range 310 {
		r := b.take(1)[0]
		if r.Lane == run.LaneLive {
			live++
			b.end(r)
		} else {
			hosts[r.Ver.Host.Endpoint().Name] = true
		}
	}
	if live != 301 || len(hosts) != 9 {
		t.Errorf("%d of 310 turns are of live runs; %d other hosts had one", live, len(hosts))
	}
	for len(hosts) < others {
		calls := b.take(1)
		if len(calls) == 0 {
			t.Fatalf("%d hosts had a turn", len(hosts))
		}
		hosts[calls[0].Ver.Host.Endpoint().Name] = true
	}
}
