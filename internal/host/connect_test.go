package host

import (
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/target"
)

// Whether a host needs one connection more, for all that it depends on.
func TestDemandOpens(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, c := range []struct {
		name string
		d    Demand
		want Opens
	}{
		{"no call waits", Demand{Open: 0, Need: 4, Most: 64}, OpenNone},
		{"all that it may have are open", Demand{Open: 60, Opening: 4, Waiting: 9, Waited: time.Hour, Need: 64,
			Most: 64}, OpenNone},
		{"it has none", Demand{Waiting: 1, Need: 1, Most: 64}, OpenFirst},
		{"the first one is under way", Demand{Opening: 1, Waiting: 1, Need: 4, Most: 64}, OpenLater},
		{"so many are under way", Demand{Open: 1, Opening: 2, Waiting: 1, Waited: time.Hour, Need: 64, Most: 64},
			OpenLater},
		{"a short wait", Demand{Open: 1, Waiting: 1, Waited: plainGrace - 1, Need: 2, Most: 64}, OpenLater},
		{"a wait that is long enough", Demand{Open: 1, Waiting: 1, Waited: plainGrace, Need: 2, Most: 64}, OpenMore},
		{"TLS costs more", Demand{Open: 1, Waiting: 1, Waited: plainGrace, Need: 2, Most: 64, Secure: true},
			OpenLater},
		{"with TLS, long enough", Demand{Open: 1, Waiting: 1, Waited: secureGrace, Need: 2, Most: 64, Secure: true},
			OpenMore},
		{"a quick host", Demand{Open: 1, Waiting: 1, Need: 4, Most: 64, Quickest: quickTarget}, OpenLater},
		{"a slow host", Demand{Open: 1, Waiting: 1, Need: 4, Most: 64, Quickest: quickTarget + 1, Secure: true},
			OpenMore},
		{"it needs no more, and has few", Demand{Open: 1, Waiting: 1, Waited: secureGrace, Need: 1, Most: 64,
			Secure: true}, OpenIfCalm},
		{"it needs no more", Demand{Open: 3, Opening: 1, Waiting: 1, Waited: time.Hour, Need: 4, Most: 64},
			OpenLater},
		{"no call ends for a moment", Demand{Open: 4, Waiting: 1, Waited: time.Hour, Stuck: calmWait - 1, Need: 4,
			Most: 64}, OpenLater},
		{"no call ends", Demand{Open: 4, Waiting: 1, Stuck: calmWait, Need: 4, Most: 64}, OpenIfCalm},
		{"no call ends for long", Demand{Open: 4, Waiting: 1, Stuck: busyWait, Need: 4, Most: 64}, OpenMore},
		{"nor for longer, and more are under way", Demand{Opening: 3, Waiting: 1, Stuck: 2 * busyWait, Need: 1,
			Most: 64}, OpenMore},
		{"so many are under way for that", Demand{Opening: 4, Waiting: 1, Stuck: 3*busyWait - ms, Need: 1,
			Most: 64}, OpenLater},
	} {
		if c.d.Window == 0 {
			c.d.Window = 2
		}
		if got := c.d.Opens(); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	for stuck, want := range map[time.Duration]int{0: 0, busyWait - 1: 0, busyWait: 2, 2 * busyWait: 4,
		time.Hour: MaxDials} {
		if got := stuckWindow(stuck); got != want {
			t.Errorf("%d under way after %s, want %d", got, stuck, want)
		}
	}
}

// A busy processor opens few connections, and none that its own work is the reason for.
// Handshakes that need it are bounded in any case.
func TestAllow(t *testing.T) {
	t.Parallel()
	const room = turnHandshakes
	for _, c := range []struct {
		name string
		turn TurnNow
		want Allowance
	}{
		{"in time", TurnNow{Cores: 2}, Allowance{calmOpens, calmOpens, calmOpens, room}},
		{"hardly late", TurnNow{Cores: 2, Lag: busyLag}, Allowance{calmOpens, calmOpens, calmOpens, room}},
		{"late", TurnNow{Cores: 1, Lag: busyLag + 1}, Allowance{busyFirst, busyMore, 0, room}},
		{"late with many cores", TurnNow{Cores: 8, Lag: time.Second},
			Allowance{8 * busyFirst, 8 * busyMore, 0, 4 * room}},
		{"calls wait for a processor", TurnNow{Cores: 2, Busy: true}, Allowance{calmOpens, calmOpens, 0, room}},
		{"half of them wait for connections", TurnNow{Cores: 2, Busy: true, Waiting: crowdPerCore},
			Allowance{calmOpens, calmOpens, calmOpens, room}},
		{"and the processor is busy", TurnNow{Cores: 1, Busy: true, Waiting: 999, Lag: time.Second},
			Allowance{busyFirst, busyMore, 0, room}},
		{"handshakes compute", TurnNow{Cores: 2, Computing: 3}, Allowance{calmOpens, calmOpens, calmOpens, room - 3}},
		{"many do", TurnNow{Cores: 2, Computing: 99}, Allowance{calmOpens, calmOpens, calmOpens, 0}},
	} {
		if got := c.turn.Allow(); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	a := Allowance{First: 1, More: 3, Secure: 2}
	for i, c := range []struct {
		o      Opens
		secure bool
		want   bool
	}{
		{OpenNone, false, false}, {OpenLater, false, false}, {OpenIfCalm, false, false},
		{OpenFirst, true, true}, {OpenFirst, true, false}, {OpenMore, true, true}, {OpenMore, true, false},
		{OpenMore, false, true}, {OpenMore, false, true}, {OpenMore, false, false},
	} {
		if a.Take(c.o, c.secure) != c.want {
			t.Errorf("take %d: %v, want %v", i, !c.want, c.want)
		}
	}
}

// What a host needs: each slot of a slow one or one without TLS, and what Little's law
// says of a quick one.
func TestNeed(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, c := range []struct {
		name            string
		quick           bool
		slots, ends     int
		quickest, usual time.Duration
		want            int
	}{
		{"slow or plain", false, 64, 1, ms, 0, 64},
		{"not known", true, 64, 0, 0, 0, 1},
		{"slow, but taken for a quick one", true, 500, 50, 10 * ms, 0, 15},
		{"hardly called", true, 64, 1, ms, 0, 1},
		{"40 at the second's edge", true, 64, 40, ms, 0, 2},
		{"2,000 in a window at 0.5 ms: 20 in use when each takes 1 ms", true, 64, 2_000, ms / 2, 0, 30},
		{"2,000 in a window at 0.25 ms: 10 in use when each takes 0.5 ms", true, 64, 2_000, ms / 4, 0, 15},
		{"calls are not taken to be shorter than that", true, 64, 2_000, ms / 100, 0, 15},
		{"they take longer on average", true, 64, 2_000, ms / 10, ms, 30},
		{"2,000 in a window at 2 ms: 80 in use", true, 400, 2_000, 2 * ms, 0, 120},
		{"no more than its slots", true, 64, 2_000, 2 * ms, 0, 64},
		{"few slots", true, 2, 2_000, 2 * ms, 0, 2},
		{"some calls are slow", true, 64, 50, ms, 3 * ms, MinConnections},
		{"many of them", true, 64, 500, ms, 3 * ms, 23},
		{"the mean is what is expected", true, 64, 2_000, ms / 2, ms, 30},
	} {
		if got := Need(c.quick, c.slots, c.ends, c.quickest, c.usual); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	for cores, want := range map[int]int{1: 1, 2: 1, 3: 1, 4: 2, 64: 32} {
		if got := HandshakesAtATime(cores); got != want {
			t.Errorf("%d handshakes on %d cores", got, cores)
		}
	}
}

// A short mean says nothing where goroutines waited for a processor for a part of it.
func TestByProcessor(t *testing.T) {
	t.Parallel()
	const us = time.Microsecond
	for _, c := range []struct {
		mean, waited time.Duration
		want         bool
	}{
		{300 * us, 100 * us, true}, {1600 * us, 100 * us, true}, {1601 * us, 100 * us, false}, {300 * us, 0, false},
		{quickTarget, time.Second, true}, {quickTarget + 1, time.Second, false},
	} {
		if got := byProcessor(c.mean, c.waited); got != c.want {
			t.Errorf("%s on average, %s waited: %v", c.mean, c.waited, got)
		}
	}
}

// The mean of a second counts for what a host needs, unless a processor is the reason for it.
func TestUsualTimeOfAQuickHost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		busy   bool
		waited time.Duration
		took   time.Duration
		want   int // connections
	}{
		{"the target takes its time", false, time.Millisecond / 100, time.Millisecond, 30},
		{"goroutines wait for a processor", false, time.Millisecond / 8, time.Millisecond, 15},
		{"it is known that calls do", true, 0, time.Millisecond, 15},
		{"some calls are slow in any case", false, time.Second, 3 * time.Millisecond, 64},
	} {
		var table Table
		l := NewLimit(table.Hold(target.Of("https://a")), 5_000)
		table.SetWaited(c.waited)
		for second := range int64(3) {
			l.Ended(time.Millisecond/10, second*1_000)
			for i := range 1_999 {
				l.Ended(c.took, second*1_000+int64(i%100))
			}
			l.Ended(c.took, second*1_000+100)
			l.ended.most = 2_000
			l.ShrinkIdle(MinSlots, true, c.busy)
			l.ended.most = 2_000
			l.publish()
		}
		if need, _ := l.cond.Connections(); need != c.want {
			t.Errorf("%s: %d connections, want %d", c.name, need, c.want)
		}
	}
}

// The meter has the largest number of a window of late.
func TestMeter(t *testing.T) {
	t.Parallel()
	var m meter
	rolled := 0
	for i := range 100 {
		if m.add(1_000 + int64(i)) {
			rolled++
		}
	}
	if m.add(1_100); m.most != 100 || rolled != 1 {
		t.Errorf("%d at most, %d windows", m.most, rolled)
	}
	for range 100 {
		m.decay()
	}
	if m.most != 0 {
		t.Errorf("%d at most in the end", m.most)
	}
}

// A quick https host gets no more slots than its connections can use; when it hangs, or
// is slow, each slot is worth a connection.
func TestUsefulSlots(t *testing.T) {
	t.Parallel()
	var table Table
	cond := table.Hold(target.Of("https://a"))
	l := NewLimit(cond, 5_000)
	want := func(when string, slots, worth int) {
		t.Helper()
		if _, most := cond.Connections(); l.Slots() != slots || cond.Worth() != worth || most != l.now {
			t.Errorf("%s: %d slots, worth %d connections of %d; want %d, %d of %d", when, l.Slots(), cond.Worth(), most,
				slots, worth, l.now)
		}
	}
	want("at first", 2*MinConnections, MinConnections)
	for i := range 400 {
		l.Ended(time.Millisecond/4, int64(i*10))
	}
	want("quick", 2*MinConnections, MinConnections)
	for range 2 * minStall / Window {
		windowOf(&l)
	}
	if cond.State() != Hanging || l.Slots() < 2*MinSlots {
		t.Errorf("state %d, %d slots while nothing ends", cond.State(), l.Slots())
	}
	for i := range 40 {
		l.Ended(time.Second, 10_000+int64(i*1_000))
		l.ShrinkIdle(l.now, false, false)
	}
	want("slow", l.now, l.now)
}

// Of an https host as many calls may wait for a connection as have one, and a few. Where it is
// quick and has the connections that it needs, none waits.
func TestMayHave(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                  string
		url                   string
		slots, calls, waiting int
		need, carries         int
		state                 State
		want                  int
	}{
		{"none is open", "https://a", 64, 0, 0, 4, 0, Answering, 2 * MinConnections},
		{"all wait", "https://a", 64, 8, 8, 4, 0, Answering, 2 * MinConnections},
		{"some have one", "https://a", 64, 30, 10, 30, 20, Answering, 40},
		{"all have one", "https://a", 64, 60, 0, 64, 60, Answering, 64},
		{"no more than its slots", "https://a", 6, 0, 0, 4, 0, Answering, 6},
		{"it hangs", "https://a", 64, 8, 8, 4, 8, Hanging, 64},
		{"without TLS", "http://a", 64, 8, 8, 4, 8, Answering, 64},
		{"more wait than there are", "https://a", 64, 1, 3, 4, 0, Answering, 2 * MinConnections},
		{"it has what it needs", "https://a", 64, 20, 4, 16, 16, Answering, 16},
		{"it has more", "https://a", 64, 20, 4, 10, 16, Answering, 16},
		{"it has what it needs, and few slots", "https://a", 6, 6, 0, 4, 16, Answering, 6},
		{"it needs one", "https://a", 64, 4, 3, 1, 1, Answering, MinConnections},
		{"it has a connection of HTTP/2", "https://a", 64, 20, 0, 16, ManyStreams, Answering, 64},
	} {
		l := newLimit(c.url, 5_000)
		l.useful = c.slots
		l.cond.Connecting(int64(c.waiting))
		l.cond.need.Store(int64(c.need))
		l.cond.Carries(c.carries)
		l.cond.state.Store(uint32(c.state))
		if got := l.MayHave(c.calls); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	slow := newLimit("https://a", 5_000)
	slow.useful, slow.quick = 64, quickest{floor: time.Second, proven: true}
	slow.cond.need.Store(16)
	slow.cond.Carries(16)
	if got := slow.MayHave(16); got != 32 {
		t.Errorf("it is slow and has what it needs: %d, want 32", got)
	}
}

// Calls that wait for connections say nothing of their host: its limit stays.
func TestLimitWhileConnecting(t *testing.T) {
	t.Parallel()
	cond := new(Table).Hold(target.Of("https://a"))
	l := NewLimit(cond, 5_000)
	cond.Connecting(MinSlots / connectingShare)
	for range 1_000 {
		windowOf(&l)
	}
	if l.now != MinSlots || cond.State() != Connecting {
		t.Errorf("%d slots, state %d", l.now, cond.State())
	}
	cond.Connecting(1 - MinSlots/connectingShare)
	for range 8 {
		windowOf(&l)
	}
	if l.now == MinSlots || cond.State() != Hanging {
		t.Errorf("%d slots, state %d of a host whose calls do not end", l.now, cond.State())
	}
}

// A condition is one for all who hold it, and is forgotten when nobody does.
func TestTable(t *testing.T) {
	t.Parallel()
	var table Table
	a, again, b := table.Hold(target.Of("http://a")), table.Hold(target.Of("http://A:80")),
		table.Hold(target.Of("https://a"))
	if a != again || a == b || a.Secure || !b.Secure || table.Len() != 2 {
		t.Errorf("%p, %p and %p; %d hosts", a, again, b, table.Len())
	}
	table.Release(a)
	if table.Hold(target.Of("http://a")) != a {
		t.Error("a condition that is held was forgotten")
	}
	table.Release(a)
	table.Release(a)
	if table.Len() != 1 {
		t.Errorf("%d hosts", table.Len())
	}
	defer func() {
		if recover() == nil {
			t.Error("released twice")
		}
	}()
	table.Release(a)
}
