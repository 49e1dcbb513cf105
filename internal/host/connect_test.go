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
		{"so many are under way", Demand{Open: 1, Opening: 2, Waiting: 1, Waited: time.Hour, Worth: 64, Most: 64},
			OpenLater},
		{"so many are under way with all hosts", Demand{Waiting: 1, Worth: 64, Most: 64, Full: true}, OpenLater},
		{"no call waits", Demand{Open: 0, Worth: 4, Most: 64}, OpenNone},
		{"all that it may have are open", Demand{Open: 60, Opening: 4, Waiting: 9, Waited: time.Hour,
			Worth: 64, Most: 64},
			OpenNone},
		{"it has none", Demand{Waiting: 1, Worth: 4, Most: 64}, OpenFirst},
		{"the first one is under way", Demand{Opening: 1, Waiting: 1, Worth: 4, Most: 64}, OpenLater},
		{"a short wait", Demand{Open: 1, Waiting: 1, Waited: plainGrace - 1, Worth: 4, Most: 64}, OpenLater},
		{"a wait that is long enough", Demand{Open: 1, Waiting: 1, Waited: plainGrace, Worth: 4, Most: 64}, OpenMore},
		{"TLS costs more", Demand{Open: 1, Waiting: 1, Waited: plainGrace, Worth: 4, Most: 64, Secure: true},
			OpenLater},
		{"with TLS, long enough", Demand{Open: 1, Waiting: 1, Waited: secureGrace, Worth: 4, Most: 64, Secure: true},
			OpenMore},
		{"a quick host", Demand{Open: 1, Waiting: 1, Worth: 4, Most: 64, Quickest: quickTarget}, OpenLater},
		{"a slow host", Demand{Open: 1, Waiting: 1, Worth: 4, Most: 64, Quickest: quickTarget + 1, Secure: true},
			OpenMore},
		{"it is worth no more", Demand{Open: 3, Opening: 1, Waiting: 1, Waited: calmWait - 1, Worth: 4, Most: 64},
			OpenLater},
		{"it is worth no more, and calls wait", Demand{Open: 4, Waiting: 1, Waited: calmWait, Worth: 4, Most: 64},
			OpenIfCalm},
		{"and wait for long", Demand{Open: 4, Waiting: 1, Waited: busyWait, Worth: 4, Most: 64}, OpenMore},
		{"a slow host that is worth no more", Demand{Open: 4, Waiting: 1, Waited: 40 * ms, Worth: 4, Most: 64,
			Quickest: 30 * ms}, OpenLater},
	} {
		if c.d.Window == 0 {
			c.d.Window = 2
		}
		if got := c.d.Opens(); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// A busy processor opens few connections, and none that its own work is the reason for.
func TestAllow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lag   time.Duration
		cores int
		want  Allowance
	}{
		{0, 2, Allowance{calmOpens, calmOpens, calmOpens}},
		{busyLag, 2, Allowance{calmOpens, calmOpens, calmOpens}},
		{busyLag + 1, 1, Allowance{busyFirst, busyMore, 0}},
		{time.Second, 8, Allowance{8 * busyFirst, 8 * busyMore, 0}},
	} {
		if got := Allow(c.lag, c.cores); got != c.want {
			t.Errorf("%s late, %d cores: %+v, want %+v", c.lag, c.cores, got, c.want)
		}
	}
	a := Allowance{First: 1, More: 2}
	for i, c := range []struct {
		o    Opens
		want bool
	}{
		{OpenNone, false}, {OpenLater, false}, {OpenIfCalm, false}, {OpenFirst, true}, {OpenFirst, false},
		{OpenMore, true}, {OpenMore, true}, {OpenMore, false},
	} {
		if a.Take(c.o) != c.want {
			t.Errorf("take %d: %v, want %v", i, !c.want, c.want)
		}
	}
}

// What a host is worth: each slot of a slow one or one without TLS, and what Little's law
// says of a quick one.
func TestWorth(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, c := range []struct {
		name        string
		secure      bool
		slots, ends int
		quickest    time.Duration
		want        int
	}{
		{"plain", false, 64, 1, ms, 64},
		{"not known", true, 64, 0, 0, MinConnections},
		{"slow", true, 500, 50, quickTarget + 1, 500},
		{"hardly called", true, 64, 1, ms, MinConnections},
		{"40 at the second's edge", true, 64, 40, ms, MinConnections},
		{"2,000 in a window at 0.5 ms: 20 in use when each takes 1 ms", true, 64, 2_000, ms / 2, 30},
		{"calls are not taken to be shorter than what is measured", true, 64, 2_000, ms / 10, 30},
		{"2,000 in a window at 2 ms: 80 in use", true, 400, 2_000, 2 * ms, 120},
		{"no more than its slots", true, 64, 2_000, 2 * ms, 64},
		{"few slots", true, 2, 2_000, 2 * ms, 2},
	} {
		if got := Worth(c.secure, c.slots, c.ends, c.quickest); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	for cores, want := range map[int]int{1: 1, 2: 1, 3: 1, 4: 2, 64: 32} {
		if got := HandshakesAtATime(cores); got != want {
			t.Errorf("%d handshakes on %d cores", got, cores)
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
		if w, most := cond.Worth(); l.Slots() != slots || w != worth || most != l.now {
			t.Errorf("%s: %d slots, worth %d connections of %d; want %d, %d of %d", when, l.Slots(), w, most, slots,
				worth, l.now)
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
