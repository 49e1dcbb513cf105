package host

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/target"
)

func TestTimes(t *testing.T) {
	t.Parallel()
	const minute = 60_000
	var times Times
	expect := func(now int64, usual, quickest time.Duration, recent int64) {
		t.Helper()
		if u, q, n := times.Usual(), times.Quickest(), times.Recent(now); u != usual || q != quickest || n != recent {
			t.Errorf("usual %s, quickest %s, %d calls; want %s, %s, %d", u, q, n, usual, quickest, recent)
		}
	}
	expect(minute, 0, 0, 0)
	times.add(0, 100*minute) // refused: it says nothing of the target's time
	expect(100*minute, 0, 0, 1)
	times.add(16*time.Millisecond, 100*minute)
	expect(100*minute, 16*time.Millisecond, 16*time.Millisecond, 2)
	times.add(34*time.Millisecond, 100*minute+59_999) // the third call
	expect(100*minute, 22*time.Millisecond, 16*time.Millisecond, 3)
	times.add(30*time.Millisecond, 101*minute) // the fourth
	expect(101*minute, 24*time.Millisecond, 16*time.Millisecond, 4)
	expect(102*minute, 24*time.Millisecond, 16*time.Millisecond, 1)
	expect(103*minute, 24*time.Millisecond, 16*time.Millisecond, 0)
	times.add(34*time.Millisecond, 102*minute) // the quickest of a minute ago is not of late
	expect(102*minute, 29*time.Millisecond, 30*time.Millisecond, 2)
	times.add(0, 103*minute)
	times.add(0, 104*minute)
	expect(104*minute, 29*time.Millisecond, 34*time.Millisecond, 2)
	times.add(19*time.Millisecond, 200*minute)
	expect(200*minute, 19*time.Millisecond, 19*time.Millisecond, 1)
	times.add(19*time.Millisecond, 150*minute) // the clock was set back
	expect(150*minute, 19*time.Millisecond, 19*time.Millisecond, 1)
}

// The mean follows a target that has become slower: nine tenths of the way in 36 calls.
func TestUsualTimeFollows(t *testing.T) {
	t.Parallel()
	var times Times
	for range 100 {
		times.add(10*time.Millisecond, 1)
	}
	for range 36 {
		times.add(110*time.Millisecond, 1)
	}
	if got := times.Usual(); got < 98*time.Millisecond || got > 102*time.Millisecond {
		t.Errorf("usual time %s", got)
	}
}

// Times outlive the limit: a host that is called once a minute has a new one each time.
func TestTimesOutliveTheLimit(t *testing.T) {
	t.Parallel()
	var table Table
	cond := table.Hold(target.Of("https://h.test/"))
	limit := NewLimit(cond, 100)
	limit.Ended(80*time.Millisecond, 60_000)
	NewLimit(cond, 100)
	if u, q, n := cond.Times.Usual(), cond.Times.Quickest(), cond.Times.Recent(60_000); u != 80*time.Millisecond ||
		q != u || n != 1 {
		t.Errorf("usual %s, quickest %s, %d calls", u, q, n)
	}
}

func TestStateNames(t *testing.T) {
	t.Parallel()
	for state, want := range map[State]string{Answering: "answering", Connecting: "connecting", Hanging: "hanging",
		Silent: "silent", Refusing: "refusing", 99: "state 99"} {
		if got := state.String(); got != want {
			t.Errorf("state %d is %q, want %q", uint8(state), got, want)
		}
	}
	if states := States(); len(states) != 5 || !slices.IsSorted(states) || states[4] != Refusing {
		t.Errorf("states %v", states)
	}
}

func TestHandshakesAreCounted(t *testing.T) {
	t.Parallel()
	var h Handshakes
	for _, end := range []HandshakeEnd{HandshakeFull, HandshakeResumed, HandshakeResumed, HandshakeFailed} {
		h.Count(end)
	}
	if got := h.Counts(); got != (HandshakeCounts{Full: 1, Resumed: 2, Failed: 1}) {
		t.Errorf("%+v", got)
	}
}

func TestTableAll(t *testing.T) {
	t.Parallel()
	var table Table
	if all := table.All(); len(all) != 0 {
		t.Errorf("%d hosts at first", len(all))
	}
	one, two := table.Hold(target.Of("http://one.test/")), table.Hold(target.Of("https://two.test/"))
	names := make([]string, 0, 2)
	for _, c := range table.All() {
		names = append(names, c.Key.String())
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "http://one.test:80 https://two.test:443" {
		t.Error(got)
	}
	table.Release(one)
	if all := table.All(); len(all) != 1 || all[0] != two {
		t.Errorf("%d hosts after a release", len(all))
	}
}

// What dials tell of a host that does not answer is there to be shown.
func TestUnanswered(t *testing.T) {
	t.Parallel()
	var table Table
	d := &table.Hold(target.Of("http://one.test/")).Dials
	d.Begin()
	d.Begin()
	d.Failed()
	if dials, failed := d.Unanswered(); dials != 2 || failed != 1 {
		t.Errorf("%d dials, %d failed", dials, failed)
	}
	d.Answered()
	if dials, failed := d.Unanswered(); dials != 0 || failed != 0 {
		t.Errorf("%d dials, %d failed after an answer", dials, failed)
	}
}
