package host

import (
	"testing"
	"time"
)

func TestState(t *testing.T) {
	t.Parallel()
	const ms, s = time.Millisecond, time.Second
	for _, c := range []struct {
		name string
		e    Evidence
		want State
	}{
		{"nothing is known", Evidence{}, Answering},
		{"some dials", Evidence{Dials: FreeDials, Failed: FreeDials}, Answering},
		{"many dials without an answer", Evidence{Dials: FreeDials + 1}, Silent},
		{"some of them failed", Evidence{Dials: FreeDials + 1, Failed: FreeDials}, Silent},
		{"so many failed", Evidence{Dials: FreeDials + 1, Failed: FreeDials + 1}, Refusing},
		{"failures, and an answer since", Evidence{Failed: FreeDials + 1}, Answering},

		{"no call has ever ended, a window", Evidence{Stalled: Window, Silence: Window}, Hanging},
		{"the same for long", Evidence{Stalled: Window, Silence: 2*s + 1}, Silent},
		{"a quick host, before the least", Evidence{Stalled: minStall - 1, Silence: minStall, Quickest: ms}, Answering},
		{"a quick host", Evidence{Stalled: minStall, Silence: minStall, Quickest: ms}, Hanging},
		{"a slow host, in its time", Evidence{Stalled: 4*s - 1, Silence: 4 * s, Quickest: s}, Answering},
		{"a slow host, beyond it", Evidence{Stalled: 4 * s, Silence: 4 * s, Quickest: s}, Silent},
		{"not long enough to be silent", Evidence{Stalled: minStall, Silence: longSilence, Quickest: ms}, Hanging},
		{"no call has ever ended, on a busy machine", Evidence{Stalled: busyStall - 1, Silence: s, Busy: true},
			Answering},
		{"the same for long enough", Evidence{Stalled: busyStall, Silence: s, Busy: true}, Hanging},
		{"a slow host in its time, on a busy machine", Evidence{Stalled: 4*s - 1, Quickest: s, Busy: true}, Answering},
		{"its calls wait for connections", Evidence{Stalled: s, Silence: 3 * s, Calls: 8, Connecting: 2}, Connecting},
		{"few of them do", Evidence{Stalled: s, Silence: s, Calls: 9, Connecting: 2}, Hanging},
		{"they wait, and dials are not answered", Evidence{Dials: 99, Calls: 8, Connecting: 8}, Silent},
		{"a call has ended in this measurement", Evidence{Silence: 3 * s, Quickest: s}, Answering},

		{"it hangs, and dials fail", Evidence{Dials: 99, Failed: 99, Stalled: 3 * s, Silence: 3 * s}, Refusing},
		{"it hangs, and dials are not answered", Evidence{Dials: 99, Stalled: Window, Silence: Window}, Silent},
	} {
		if got := c.e.State(); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// A host that hangs gets as many slots again, and one that is silent no more than may
// dial.
func TestMoreSlots(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s           State
		slots, want int
	}{
		{Answering, 64, 0}, {Hanging, 64, 64}, {Hanging, 10_000, MaxDials}, {Silent, 64, 55}, {Silent, 10_000, 55},
		{Refusing, 64, 0},
	} {
		if got := c.s.moreSlots(c.slots); got != c.want {
			t.Errorf("state %d with %d slots gets %d more, want %d", c.s, c.slots, got, c.want)
		}
	}
}
