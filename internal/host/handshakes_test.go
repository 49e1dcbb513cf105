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
	}{{4, false, 5}, {MaxDials, false, MaxDials}, {9, true, 4}, {4, true, 2}, {1, true, 1}} {
		if got := nextWindow(c.window, c.slow); got != c.want {
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
	h.Ended(time.Second)
	h.Ended(2 * time.Second)
	want("after two of a distant host", hostWindow+2)
	h.Ended(time.Millisecond)
	h.Ended(time.Second)
	want("after a slow one", (hostWindow+3)/2)
	h.TimedOut()
	want("after a timeout", 1)
	h.Ended(time.Millisecond)
	want("after a quick one", 2)
}
