package host

import (
	"testing"
	"time"
)

// As many handshakes are under way as are answered quickly.
func TestHandshakeWindow(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, c := range []struct {
		wait, quickest time.Duration
		slow           bool
	}{
		{ms, ms, false},
		{slowHandshake, ms, false},
		{slowHandshake + slowFactor*ms, ms, false},
		{slowHandshake + slowFactor*ms + 1, ms, true},
		{600 * ms, 200 * ms, false}, // a distant host
		{700 * ms, 200 * ms, true},
	} {
		if got := isSlow(c.wait, c.quickest); got != c.slow {
			t.Errorf("one waited for %s and the quickest for %s: %v", c.wait, c.quickest, got)
		}
	}
	for _, c := range []struct {
		window int
		slow   bool
		want   int
	}{{4, false, 5}, {9, false, 9}, {9, true, 4}, {4, true, 2}, {2, true, 2}} {
		if got := nextWindow(c.window, c.slow, 2, 9); got != c.want {
			t.Errorf("%d, slow %v: %d, want %d", c.window, c.slow, got, c.want)
		}
	}
}

func TestHandshakesOfAHost(t *testing.T) {
	t.Parallel()
	var h Handshakes
	want := func(when string, window int) {
		t.Helper()
		if got := h.Window(); got != window {
			t.Errorf("%s: %d, want %d", when, got, window)
		}
	}
	want("at first", hostWindow)
	if h.Ended(time.Second) || h.Ended(2*time.Second) {
		t.Error("a distant host is slow")
	}
	want("after two", hostWindow+2)
	if h.Ended(time.Millisecond) || !h.Ended(time.Second) {
		t.Error("it was not distant")
	}
	want("after a slow one", (hostWindow+3)/2)
	h.TimedOut()
	want("after a timeout", 1)
	h.Ended(time.Millisecond)
	want("after a quick one", 2)
}

// Those of all hosts are halved at most once in a while, and one that is over is counted
// once.
func TestHandshakesOfAllHosts(t *testing.T) {
	t.Parallel()
	const cores = 2
	a := NewAllHandshakes(cores)
	var ends []func()
	for a.Room() {
		ends = append(ends, a.Begin())
	}
	if len(ends) != firstWindow*cores {
		t.Errorf("%d at first", len(ends))
	}
	for range 3 {
		ends[0]()
	}
	if a.underWay != len(ends)-1 || !a.Room() {
		t.Errorf("%d under way after one of %d has ended", a.underWay, len(ends))
	}
	now := time.Unix(1_000, 0)
	for range 3 {
		a.Ended(true, now)
	}
	if a.window != firstWindow*cores/2 || a.Room() {
		t.Errorf("%d after some slow ones", a.window)
	}
	for i := range 10 {
		a.Ended(true, now.Add(time.Duration(i+1)*cutGap))
	}
	if a.window != leastWindow*cores {
		t.Errorf("%d at least", a.window)
	}
	for range 1_000 {
		a.Ended(false, now)
	}
	if a.window != mostWindow*cores {
		t.Errorf("%d at most", a.window)
	}
}
