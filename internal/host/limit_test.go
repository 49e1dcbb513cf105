package host

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/target"
)

func newLimit(url string, ceiling int) Limit {
	return NewLimit(new(Table).Hold(target.Of(url)), ceiling)
}

// windowOf is a window with its steps.
func windowOf(l *Limit) {
	for range Steps - 1 {
		l.Step()
	}
	l.EndWindow(false)
}

// endAlike ends n calls that took equally long, as n times Ended does: only the first one
// changes more than the counters. The times for people are left out.
func endAlike(l *Limit, n int, took time.Duration, now int64) {
	if n == 0 {
		return
	}
	l.Ended(took, now)
	l.ends.n += n - 1
	l.ends.took += time.Duration(n-1) * max(took, leastCall)
	l.ended.count += n - 1
	l.quick.all.n += n - 1
	l.quick.all.sum += time.Duration(n-1) * max(took, leastCall)
}

func TestEndAlike(t *testing.T) {
	t.Parallel()
	one, alike := newLimit("http://a", 5000), newLimit("http://a", 5000)
	random := rand.New(rand.NewPCG(1, 1))
	for i := range 1_000 {
		n, took := random.IntN(100), time.Duration(random.IntN(3_000))*time.Microsecond+1
		now := int64(i) * Window.Milliseconds()
		for range n {
			one.Ended(took, now)
		}
		endAlike(&alike, n, took, now)
		for _, l := range []*Limit{&one, &alike} {
			windowOf(l)
			if i%40 == 39 {
				l.ShrinkIdle(l.now, i%80 == 39, false)
			}
		}
		a, b := one, alike
		a.cond, b.cond = nil, nil
		aNeed, aSlots := one.cond.Connections()
		bNeed, bSlots := alike.cond.Connections()
		if a != b || aNeed != bNeed || aSlots != bSlots {
			t.Fatalf("window %d: %+v after %d calls, want %+v", i, b, n, a)
		}
	}
}

// drive drives a limit for some windows against a host that works on each
// call for took and on at most capacity calls at once; more only wait. One in
// each window finds the host free.
func drive(l *Limit, windows int, took time.Duration, capacity int) {
	remaining := 0.0
	for i := range windows {
		busy := min(l.now, capacity)
		remaining += float64(busy) * float64(Window) / float64(took)
		if n := int(remaining); n > 0 {
			now := int64(i) * Window.Milliseconds()
			l.Ended(took, now)
			// waiting in the host is part of a call
			endAlike(l, n-1, took*time.Duration(l.now)/time.Duration(busy), now)
			remaining -= float64(n)
		}
		windowOf(l)
		if i%40 == 39 {
			l.ShrinkIdle(l.now, true, false)
		}
	}
}

func TestHostLimitClimbs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		took     time.Duration
		capacity int
		windows  int
		min, max int
	}{
		{"slow calls, all the room there is", 100 * time.Millisecond, 1 << 30, 400, 5000, 5000},
		{"calls of a second", time.Second, 1 << 30, 2000, 5000, 5000},
		{"a quick host that is full at 64", time.Millisecond, 64, 400, MinSlots, MinSlots * 2},
		{"quick calls, all the room there is", 10 * time.Millisecond, 1 << 30, 400, 5000, 5000},
		{"a quick host that is full at 640", 10 * time.Millisecond, 640, 400, 640, 1_280},
		{"a slow host that is full at 64", 100 * time.Millisecond, 64, 400, MinSlots, MinSlots * 2},
		{"nothing ends", time.Hour, 1 << 30, 400, 5000, 5000},
	} {
		l := newLimit("http://a", 5000)
		drive(&l, c.windows, c.took, c.capacity)
		if l.now < c.min || l.now > c.max {
			t.Errorf("%s: %d slots, want %d to %d", c.name, l.now, c.min, c.max)
		}
	}
}

// A host that has not answered for long may be dead: it gets more slots, few at
// a time, until it answers.
func TestHostLimitOfSilence(t *testing.T) {
	t.Parallel()
	l := newLimit("http://a", 1<<20)
	grow := func(windows int) int {
		before := l.now
		for range windows {
			windowOf(&l)
		}
		return l.now - before
	}
	l.EndWindow(false)
	for range Steps - 1 {
		before := l.now
		if l.Step(); l.now-before > stepSlots {
			t.Errorf("%d slots more at a time", l.now-before)
		}
	}
	if n := grow(80); n < 10_000 {
		t.Errorf("%d slots more in two seconds: a host that is only slow needs them", n)
	}
	if n := grow(40); n == 0 || n > 40*Silent.moreSlots(0) {
		t.Errorf("%d slots more in a second of a host that was silent for two", n)
	}
	l.Ended(time.Second, 0)
	l.EndWindow(false) // judged by what ended
	l.ShrinkIdle(l.now, true, false)
	l.ShrinkIdle(l.now, true, false) // its time is dropped
	if n := grow(40); n < 10_000 {
		t.Errorf("%d slots more in a second after a sign of life", n)
	}
}

// A host that answers at once is limited by the machine, whose rate is not
// steady: it is worth half for a while, at random, and each call waits then.
// That must not drive the limit up, not even for a moment: each slot leaves a
// connection open. A limit that is far too high comes down while the pressure
// lasts: more slots than work can be done in cost time.
func TestHostLimitIsNotDrivenByNoise(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		l := newLimit("http://a", 18_000)
		from := []int{MinSlots, 1_000}[seed%2]
		l.set(from)
		slow, remaining, sum, most := 0, 0.0, 0, 0
		const windows = 4_000 // 100 s under pressure
		for i := range windows {
			if i%4 == 0 { // a burst each second, calls between
				l.BeginSaturation()
				endAlike(&l, random.IntN(3_000), time.Millisecond, int64(i)*Window.Milliseconds())
				windowOf(&l)
			}
			if slow--; slow < -20 && random.IntN(10) == 0 {
				slow = random.IntN(20)
			}
			rate := 1_600 * (1 - 0.1*random.Float64()) // calls a window
			took := time.Millisecond
			if slow > 0 {
				rate /= 2
				took = 3 * time.Millisecond
			}
			rate /= 1 + float64(max(0, l.now-100))/2_000
			remaining += rate
			n := int(remaining)
			endAlike(&l, n, took, int64(i)*Window.Milliseconds())
			remaining -= float64(n)
			windowOf(&l)
			if i%4 == 3 {
				l.ShrinkIdle(l.now, true, false)
			}
			if i > windows/2 {
				sum += l.now
				most = max(most, l.now)
			}
		}
		if mean := sum / (windows / 2); mean > 3*MinSlots || most > 3*MinSlots && from == MinSlots {
			t.Errorf("seed %d: %d slots on average, %d at most, and %d do all that can be done", seed, mean,
				most, MinSlots)
		}
	}
}

// What the time of the quickest calls rises to, and when it does not.
func TestRise(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, c := range []struct {
		name           string
		before, second time.Duration
		busy           bool
		want           time.Duration
	}{
		{"calm", 5 * ms, 7 * ms, false, 5 * ms},
		{"calm, and less than before", 7 * ms, 5 * ms, false, 5 * ms},
		{"one second only", 0, 7 * ms, false, 0},
		{"no call", 7 * ms, 0, false, 0},
		{"busy", 500 * ms, 700 * ms, true, 0},
	} {
		if got := rise(c.before, c.second, c.busy); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A host that was quick is not called slow for what its calls waited for a processor, and
// one that turns slow is found within seconds.
func TestQuickestWhileBusy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		first, second time.Duration // quickest calls, before and from then on
		busy          bool
		seconds       int
		quick         bool
	}{
		{"as quick as before", time.Millisecond, time.Millisecond, false, 60, true},
		{"slower", time.Millisecond, 5 * time.Millisecond, false, 3, false},
		{"slower for a moment", time.Millisecond, 5 * time.Millisecond, false, 1, true},
		{"slower while this process is busy", time.Millisecond, time.Second, true, 60, true},
		{"known only while this process is busy", 5 * time.Millisecond, 5 * time.Millisecond, true, 1, true},
		{"slow from the start", slowCall, slowCall, false, 1, false},
		{"slow from the start, as far as is known while busy", slowCall, slowCall, true, 1, true},
		{"slow, but not if a processor is why", 5 * time.Millisecond, 5 * time.Millisecond, false, 1, false},
	} {
		var table Table
		cond := table.Hold(target.Of("https://a"))
		l := NewLimit(cond, 5_000)
		table.SetBusy(c.busy)
		l.Ended(c.first, 0)
		for i := range c.seconds {
			l.Ended(c.second, int64(i)*1_000)
			l.ShrinkIdle(0, true, c.busy)
		}
		if l.Quick() != c.quick {
			t.Errorf("%s: quick %v", c.name, l.Quick())
		}
		if c.quick != (cond.Worth() == MinConnections) {
			t.Errorf("%s: worth %d connections", c.name, cond.Worth())
		}
	}
}

// A host that is called slow by a few milliseconds counts as a quick one while calls wait
// for a processor.
func TestSlowByLittle(t *testing.T) {
	t.Parallel()
	var table Table
	for took, want := range map[time.Duration]bool{crowdCall - 1: true, crowdCall: false} {
		l := NewLimit(table.Hold(target.Of("https://a")), 5_000)
		table.SetBusy(false)
		l.Ended(took, 0)
		if l.Quick() {
			t.Errorf("%s is quick", took)
		}
		if table.SetBusy(true); l.Quick() != want {
			t.Errorf("%s is quick under pressure: %v", took, l.Quick())
		}
	}
}

// Of the slots that a host got while it hung it keeps what its calls need.
func TestRecover(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		took     time.Duration
		perMs    int // calls that end
		min, max int
	}{
		{"it was dead", 30 * time.Millisecond, 2, MinSlots, 2 * MinSlots},
		{"it is slow", time.Second, 5, 9_000, 11_000},
	} {
		l := newLimit("http://a", 20_000)
		for range 100 {
			windowOf(&l)
		}
		if l.now < 10_000 {
			t.Fatalf("%s: %d slots while it hangs", c.name, l.now)
		}
		for i := range int(3 * time.Second / Window) {
			for range c.perMs * int(Window/time.Millisecond) {
				l.Ended(c.took, int64(i)*Window.Milliseconds())
			}
			if windowOf(&l); l.hang.from == 0 {
				break
			}
		}
		if l.now < c.min || l.now > c.max {
			t.Errorf("%s: %d slots", c.name, l.now)
		}
	}
}

// Without pressure a limit shrinks to what is in use, and not below the least.
func TestHostLimitRelaxes(t *testing.T) {
	t.Parallel()
	l := newLimit("http://a", 5000)
	l.set(5000)
	for range 100 {
		l.ShrinkIdle(700, false, false)
	}
	if l.now != 700 {
		t.Errorf("%d slots with 700 calls in flight", l.now)
	}
	for range 100 {
		l.ShrinkIdle(0, true, false)
	}
	if l.now != 700 {
		t.Errorf("%d slots, and they were needed", l.now)
	}
	for range 100 {
		l.ShrinkIdle(0, false, false)
	}
	if l.now != MinSlots {
		t.Errorf("%d slots in the end", l.now)
	}
	if small := newLimit("http://a", 5); small.now != 5 {
		t.Errorf("%d slots with a ceiling of 5", small.now)
	}
}
