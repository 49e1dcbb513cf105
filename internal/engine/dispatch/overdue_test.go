package dispatch

import (
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/engine/run/runtest"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/target"
	"pgregory.net/rapid"
)

func TestCatchesUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		oldest     time.Duration
		due, ended float64
		want       bool
	}{
		{"nothing waits", 0, 0, 0, false},
		{"nothing waits for long", 999 * time.Millisecond, 1, 2, false},
		{"fewer come due than end", time.Second, 1, 2, true},
		{"a burst, and nothing after it", time.Minute, 0, 1, true},
		{"as many come due", time.Minute, 2, 2, false},
		{"more come due", time.Minute, 3, 2, false},
		{"nothing ends", time.Hour, 0, 0, false},
		{"the clock was set back", -time.Hour, 1, 2, false},
	} {
		if got := catchesUp(c.oldest, &pace{duePace: c.due, endedPace: c.ended}); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

// How long it takes until fewer fires come due than end, on average, after twice as many as
// can be sustained were due for long. At a host all of whose calls time out in the same
// second, every 20 s, it is never so if a fifth of the slots is due each second.
func TestPace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		load float64
		want int
	}{{0, 3}, {0.5, 3}, {0.8, 4}, {0.9, 5}, {0.95, 6}, {1, 0}} {
		var p pace
		for range 30 {
			p.due, p.ended = 2000, 1000
			p.endSecond()
		}
		seconds := 0
		for n := 1; n <= 20 && seconds == 0; n++ {
			p.due, p.ended = int(1000*c.load), 1000
			if p.endSecond(); p.fewerDue() {
				seconds = n
			}
		}
		if seconds != c.want {
			t.Errorf("at %g of what can be sustained it takes %d s, want %d", c.load, seconds, c.want)
		}
	}
	var silent pace
	for n := range 200 {
		if silent.due = 40 * (n % 2); n%20 == 19 {
			silent.ended = 75
		}
		if silent.endSecond(); n > 20 && silent.fewerDue() {
			t.Fatalf("%+v", silent)
		}
	}
}

// second passes: what the process does once a second.
func (b *bench) second() {
	b.now += 1000
	b.d.Relax()
}

// behind makes a dispatcher whose host a has the live runs, the oldest due at zero, and is
// about to catch up: ten calls end each second, and none comes due.
func behind(t *testing.T, slots, runs int) (*bench, []*run.Run) {
	b := newBench(t, 1000, slots)
	fires := b.fires("a", runs, run.LaneLive)
	if refused := b.d.Push(fires); len(refused) > 0 {
		t.Fatalf("%d refused", len(refused))
	}
	h := b.d.queues.hosts[target.Of("http://a")]
	for range 5 {
		h.pace.due, h.pace.ended = 0, 10
		b.second()
	}
	return b, fires
}

// popped takes the first fire off a range.
func popped(s *run.Span) *run.Run { return &run.Run{Job: s.Job, Ver: s.Ver, At: s.Pop(), Lane: s.Lane} }

func hostA(b *bench) *hostQueue { return b.d.queues.hosts[target.Of("http://a")] }

// When a host catches up, what waits is behind what comes due: one is sent for each 31 of
// those.
func TestNewFiresGoFirst(t *testing.T) {
	t.Parallel()
	b, old := behind(t, 500, 200)
	fresh := b.fires("a", 100, run.LaneLive)
	b.d.Push(fresh)
	var got []*run.Run
	for range 103 {
		next := b.take(1)
		got = append(got, next...)
		b.end(next...)
	}
	want := slices.Concat(fresh[:31], old[:1], fresh[31:62], old[1:2], fresh[62:93], old[2:3], fresh[93:])
	if !slices.Equal(got, want) {
		t.Error("the wrong ones go first")
	}
	rest := b.take(1000)
	if !slices.Equal(rest, old[3:3+host.MinSlots-1]) { // live ones have used one slot
		t.Errorf("%d old ones are sent once there are no others, or out of order", len(rest))
	}
	for _, r := range rest {
		if r.Lane != run.LaneOverdue {
			t.Fatal("an overdue one has the slots of live ones")
		}
	}
	for len(rest) > 0 {
		b.end(rest...)
		rest = b.take(1000)
	}
	b.d.Push(old[:1]) // a retry
	if got := b.take(1); len(got) != 1 || got[0].Lane != run.LaneLive {
		t.Error("the retry of an overdue one is overdue")
	}
	if calls, queued := b.d.Load(); calls != 1 || queued != 0 {
		t.Errorf("%d calls, %d queued", calls, queued)
	}
}

// A host that does not catch up serves its runs in the order in which they came.
func TestNoRunIsOverdueInAnOverload(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1000, 10)
	for range 60 {
		b.d.Push(b.fires("a", 20, run.LaneLive))
		calls := b.take(1000)
		b.end(calls...)
		b.second()
	}
	h := hostA(b)
	if len(h.overdue) > 0 || h.live.n != 60*10 {
		t.Errorf("%d live and %d overdue runs wait, want 600 and none", h.live.n, h.overdue.queued())
	}
	if wait := h.oldest(b.now); wait < 20*time.Second {
		t.Errorf("the oldest waits for %v", wait)
	}
}

// What cannot be a range keeps its place: a trigger, a retry, a run of a job without
// overlap.
func TestWhatIsNeverOverdue(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1000, 500)
	fires := b.fires("a", 6, run.LaneLive)
	fires[1].Nonce = 7
	fires[3].Attempts = []domain.Attempt{{Number: 1, StartedAt: 5}}
	exclusive := runtest.Job(t, "* * * * * *", 0, func(d *domain.SpecDoc) { d.Overlap = domain.OverlapSkip })
	exclusive.Current.Host = target.Of("http://a")
	fires[4].Job, fires[4].Ver = exclusive, exclusive.Current
	b.d.Push(fires)
	for range 5 {
		hostA(b).pace.ended = 10
		b.second()
	}
	fresh := b.fires("a", 2, run.LaneLive)
	b.d.Push(fresh)
	want := []*run.Run{fires[1], fires[3], fires[4], fresh[0], fresh[1], fires[0], fires[2], fires[5]}
	if h := hostA(b); h.queued() != 8 || len(b.d.Waiting()) != 8 ||
		b.d.Find(func(r *run.Run) bool { return r == fires[5] }) != fires[5] {
		t.Errorf("%d of 8 runs are queued, %d are shown", h.queued(), len(b.d.Waiting()))
	}
	if got := b.take(100); !slices.Equal(got, want) {
		t.Errorf("%d runs, or out of order", len(got))
	}
}

// Ranges of fires that found no room are overdue as well. New fires of their jobs do not
// join them. A host has some such backlogs at a time and no more; then its fires wait in
// line, until one is empty.
func TestOverdueRanges(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1000, 500)
	b.d.queues.fromSpan = popped
	j := b.job("a")
	for n := range mostBacklogs + 2 {
		b.d.PushSpans([]*run.Span{{Job: j, Ver: j.Current, Next: b.now - 1000, Last: b.now + 1000}})
		for range 5 {
			hostA(b).pace.ended = 10
			b.second()
		}
		h := hostA(b)
		if want := min(n+1, mostBacklogs); len(h.overdue) != want || h.overdue.ranges() != want {
			t.Fatalf("%d backlogs and %d ranges after %d times", len(h.overdue), h.overdue.ranges(), n+1)
		}
		if h.overflow.follows(&run.Run{Job: j, At: b.now}) != (n >= mostBacklogs) {
			t.Fatalf("a new fire follows on what is overdue, after %d times", n+1)
		}
	}
	lanes := map[run.Lane]int{}
	for {
		calls := b.take(1)
		if len(calls) == 0 {
			break
		}
		lanes[calls[0].Lane]++
		b.end(calls...)
		if calls[0].Lane != run.LaneLive {
			t.Fatal("the lane is that of a call that has not ended")
		}
	}
	if hostA(b).hasWork() || lanes[run.LaneOverdue]+lanes[run.LaneLive] != 3*(mostBacklogs+2) {
		t.Errorf("sent: %v", lanes)
	}
}

// Ranges are not sent while the process ends, runs are.
func TestOverdueAtTheEnd(t *testing.T) {
	t.Parallel()
	b, old := behind(t, 500, 5)
	j := b.job("a")
	b.d.PushSpans([]*run.Span{{Job: j, Ver: j.Current, Next: 1, Last: 1000}})
	for range 5 {
		hostA(b).pace.ended = 10
		b.second()
	}
	b.d.End()
	if got := b.take(10); !slices.Equal(got, old) || hostA(b).overdue.ranges() != 1 || len(hostA(b).overdue) != 1 {
		t.Errorf("%d of 5 runs, and %d ranges are left", len(got), hostA(b).overdue.ranges())
	}
}

// The fires of a job that wait as ranges are trimmed together, the oldest first.
func TestOverdueRangesAreTrimmed(t *testing.T) {
	t.Parallel()
	const most = 10
	b := newBench(t, 1000, 500)
	trims := 0
	b.d.queues.trim = func(s *run.Span, others int) bool {
		surplus := s.Grown + others - most
		if surplus <= 0 {
			return false
		}
		for ; surplus > 0 && s.Next != run.Never; surplus-- {
			s.Pop()
		}
		trims++
		return true
	}
	j := b.job("a")
	at := int64(1000)
	for i := range 40 {
		b.d.PushSpans([]*run.Span{{Job: j, Ver: j.Current, Next: at, Last: at, Grown: 1}})
		at += 1000
		if i%8 == 7 {
			for range 5 {
				hostA(b).pace.ended = 10
				b.second()
			}
			b.now = at + 5000
		}
		h, n, oldest := hostA(b), 0, at
		for _, backlog := range append(slices.Clone(h.overdue), backlog{spans: h.overflow}) {
			for _, s := range backlog.spans.heap {
				n, oldest = n+s.Grown, min(oldest, s.Next)
			}
		}
		if n > most+1 || n < min(i+1, most-1) || oldest > at-int64(n)*1000 {
			t.Fatalf("%d fires wait after %d, the oldest of %d is not among them", n, i+1, oldest)
		}
	}
	if trims < 25 {
		t.Errorf("trimmed %d times", trims)
	}
}

// With as many backlogs as there may be, runs join the last one, and the rest waits in line.
func TestMostBacklogs(t *testing.T) {
	t.Parallel()
	var o overdue
	j := runtest.Job(t, "* * * * * *", 0)
	var runs runQueue
	var spans spanQueue
	run1 := func() { runs.push(&run.Run{Job: j}) }
	for i, c := range []struct {
		runs, ranges  bool
		most          int
		added         bool
		backlogs, all int
	}{
		{true, false, 0, false, 0, 0}, {true, false, 2, true, 1, 2}, {false, true, 2, true, 2, 2},
		{true, false, 2, true, 2, 3}, {true, true, 2, false, 2, 3},
	} {
		if c.runs {
			run1()
		}
		if c.ranges {
			spans.add(&run.Span{Job: j, Ver: j.Current, Next: 1000, Last: 1000})
		}
		if got := o.add(&runs, &spans, c.most); got != c.added || len(o) != c.backlogs || o.queued() != c.all ||
			(runs.n > 0 || spans.first() != nil) == c.added {
			t.Errorf("%d: added %t, %d backlogs of %d runs; %d runs are left", i, got, len(o), o.queued(), runs.n)
		}
	}
}

// A host that has caught up while it was in the ring of live ones is not among them.
func TestOverdueHostIsNotLive(t *testing.T) {
	t.Parallel()
	b, old := behind(t, 500, 5)
	b.d.Push(b.fires("b", 3, run.LaneLive))
	if got := b.take(4); len(got) != 4 || got[3] != old[0] {
		t.Errorf("%v were sent first", byHost(got))
	}
}

// The backlog of the last time goes first, and in it the oldest fire, whether it waits as a
// run or in a range. The turns that live runs do not get are for the first backlog.
func TestOrderOfBacklogs(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1000, 500)
	b.d.queues.fromSpan = popped
	j := b.job("a")
	catchUp := func() {
		for range 5 {
			hostA(b).pace.ended = 10
			b.second()
		}
	}
	one := func(at int64) {
		b.now = at
		b.d.Push([]*run.Run{{Job: j, Ver: j.Current, At: at}})
	}
	one(1000)
	b.d.PushSpans([]*run.Span{{Job: j, Ver: j.Current, Next: 2000, Last: 4000}})
	catchUp()
	one(20_000)
	b.d.PushSpans([]*run.Span{{Job: j, Ver: j.Current, Next: 21_000, Last: 21_000}})
	catchUp()
	b.d.Push(b.fires("a", 31, run.LaneLive))
	var got []int64
	for _, r := range b.take(40)[31:] {
		got = append(got, r.At)
	}
	if want := []int64{1000, 20_000, 21_000, 2000, 3000, 4000}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Whatever happens, each run and each fire of a range is sent once, the shares hold, and a
// host has one entry in each list.
func TestQueuesProperty(t *testing.T) {
	t.Parallel()
	test := t
	rapid.Check(t, func(t *rapid.T) {
		b := newBench(test, 40, 16)
		b.d.queues.maxHost = 30
		b.d.queues.fromSpan = popped
		var calls []*run.Run
		pushed, began := 0, 0
		at := int64(1_000)
		name := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
		push := func(n int, lane run.Lane) {
			key := name.Draw(t, "host")
			j := b.job(key)
			for range n {
				at += 1000
				r := &run.Run{Job: j, Ver: j.Current, At: at, Lane: lane}
				for range b.d.Push([]*run.Run{r}) {
					b.d.PushSpans([]*run.Span{{Job: j, Ver: j.Current, Next: at, Last: at, Lane: lane, Grown: 1}})
				}
				pushed++
			}
		}
		count := func() {
			share := func(s host.Slots, most int) {
				if s.Taken > most || s.Late > host.LateSlots(most) || s.Overdue > most {
					t.Fatalf("%+v of %d", s, most)
				}
			}
			share(b.d.calls.slots.Slots, 40)
			for _, h := range b.d.queues.hosts {
				share(h.taken, 16)
			}
			if n := len(b.jobs); b.d.turns.live.waiting() > n || b.d.turns.other.waiting() > n ||
				b.d.turns.lateWait.waiting() > n {
				t.Fatalf("%d hosts, %d, %d and %d in lists", n, b.d.turns.live.waiting(),
					b.d.turns.other.waiting(), b.d.turns.lateWait.waiting())
			}
		}
		take := func(n int) int {
			next := b.take(n)
			calls, began = append(calls, next...), began+len(next)
			return len(next)
		}
		t.Repeat(map[string]func(*rapid.T){
			"live": func(t *rapid.T) { push(rapid.IntRange(1, 60).Draw(t, "fires"), run.LaneLive) },
			"late": func(t *rapid.T) { push(rapid.IntRange(1, 9).Draw(t, "fires"), run.LaneLate) },
			"take": func(t *rapid.T) { take(rapid.IntRange(1, 40).Draw(t, "most")) },
			"end": func(t *rapid.T) {
				n := rapid.IntRange(0, len(calls)).Draw(t, "calls")
				b.end(calls[:n]...)
				calls = calls[n:]
			},
			"seconds": func(t *rapid.T) {
				for range rapid.IntRange(1, 4).Draw(t, "seconds") {
					b.second()
				}
				b.now = max(b.now, at)
			},
			"": func(*rapid.T) { count() },
		})
		for take(1000) > 0 || len(calls) > 0 {
			count()
			b.end(calls...)
			calls = nil
		}
		if calls, queued := b.d.Load(); began != pushed || calls != 0 || queued != 0 {
			t.Fatalf("%d of %d were sent, %d calls, %d queued", began, pushed, calls, queued)
		}
	})
}
