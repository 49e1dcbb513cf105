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

// What people are told of a host that is called seldom.
func TestShown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		e       Evidence
		opening int
		want    State
	}{
		{"nothing is known", Evidence{}, 0, Answering},
		{"the first dial is under way", Evidence{Dials: 1}, 1, Answering},
		{"it is open, and not answered yet", Evidence{Dials: 1}, 0, Answering},
		{"it has failed", Evidence{Dials: 1, Failed: 1}, 0, Refusing},
		{"the next one is under way", Evidence{Dials: 2, Failed: 1}, 1, Refusing},
		{"the next one is open", Evidence{Dials: 2, Failed: 1}, 0, Answering},
		{"a failure from before the last answer", Evidence{Failed: 1}, 0, Answering},
		{"the same, with a dial under way", Evidence{Dials: 1, Failed: 1}, 1, Answering},
		{"it was not answered in time", Evidence{Dials: 1, Missed: 1}, 0, Silent},
		{"one failed, one was not answered", Evidence{Dials: 2, Failed: 1, Missed: 1}, 0, Refusing},
		{"most were not answered", Evidence{Dials: 3, Failed: 1, Missed: 2}, 0, Silent},
		{"calls wait, and all dials have failed", Evidence{Dials: 3, Failed: 2, Calls: 1, Connecting: 1}, 1, Refusing},
		{"calls wait", Evidence{Dials: 1, Calls: 1, Connecting: 1}, 1, Connecting},
		{"it hangs", Evidence{Dials: 1, Failed: 1, Stalled: Window, Silence: Window}, 0, Hanging},
		{"many dials failed", Evidence{Dials: 99, Failed: 99}, 0, Refusing},
		{"many dials are not answered", Evidence{Dials: 99}, 0, Silent},
	} {
		if got := c.e.Shown(c.opening); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		paced := (Evidence{Dials: c.e.Dials, Failed: c.e.Failed}).State() != Answering
		if paced != (c.e.Dials > FreeDials) {
			t.Errorf("%s: dials wait: %t", c.name, paced)
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
