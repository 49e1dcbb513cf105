package host

import (
	"testing"
	"time"
)

// Whether what calls wait for is their hosts, by how long many and few of them last.
func TestWaitForHosts(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, c := range []struct {
		many, few time.Duration
		want      bool
	}{
		{100 * ms, 100 * ms, true},
		{90 * ms, 60 * ms, true},
		{90 * ms, 59 * ms, false},
		{40 * ms, 10 * ms, false},
		{10 * ms, 10 * ms, true},
		{9 * ms, 9 * ms, false}, // so many of them fill a processor
	} {
		if got := waitForHosts(c.many, c.few); got != c.want {
			t.Errorf("%s and %s: %v", c.many, c.few, got)
		}
	}
}

// What calls usually last is followed up and down, and is not moved far by a few of them.
func TestUsualOfCrowd(t *testing.T) {
	t.Parallel()
	c := NewCrowd(2)
	last := func(n int, d int64) {
		for range n {
			c.Ended(1_000, 1_000+d, 0)
		}
	}
	want := func(when string, least, most time.Duration) {
		t.Helper()
		if u := c.usual; u < least || u > most {
			t.Errorf("%s: %s", when, u)
		}
	}
	last(100, 0)
	want("at once", leastUsual, leastUsual)
	if c.CountsFor() != countLeast {
		t.Errorf("counts for %s", c.CountsFor())
	}
	last(200, 100)
	want("100 ms", 90*time.Millisecond, 110*time.Millisecond)
	if c.CountsFor() != countFactor*c.usual {
		t.Errorf("counts for %s", c.CountsFor())
	}
	last(8, 1_000)
	want("some are slow", 90*time.Millisecond, 140*time.Millisecond)
	last(1_000, 30_000)
	want("many time out", 90*time.Millisecond, 140*time.Millisecond)
	last(1_000, 1_000)
	want("all are slow", 970*time.Millisecond, countMost)
	if c.CountsFor() != countMost {
		t.Errorf("counts for %s", c.CountsFor())
	}
	last(1_000, -5) // the clock stepped back
	want("none", leastUsual, leastUsual)
}

// crowdBench makes calls that last so long where n are in flight, all of which count, and
// some more always wait.
type crowdBench struct {
	c     Crowd
	now   int64
	took  func(n int) time.Duration
	calls []benchCall
}

type benchCall struct {
	began, ends int64
	took        time.Duration
}

func (b *crowdBench) second() {
	for until := b.now + 1_000; b.now < until; b.now++ {
		kept := b.calls[:0]
		for _, k := range b.calls {
			if k.ends > b.now {
				kept = append(kept, k)
				continue
			}
			b.c.Ended(k.began, b.now, k.took)
		}
		b.calls = kept
		for b.c.Room(len(b.calls), b.now) {
			d := b.took(len(b.calls) + 1)
			b.calls = append(b.calls, benchCall{b.now, b.now + max(1, d.Milliseconds()), d})
		}
	}
}

// Calls wait for a processor if fewer of them are quicker. That is found within a moment.
func TestCrowded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		took func(n int) time.Duration
		want bool
	}{
		{"a processor", func(n int) time.Duration { return time.Duration(n) * time.Millisecond }, true},
		{"their hosts", func(int) time.Duration { return 50 * time.Millisecond }, false},
	} {
		b := crowdBench{c: NewCrowd(2), now: 1e12, took: c.took}
		for second := range 5 {
			b.second()
			if got := b.c.Crowded(); got != c.want {
				t.Errorf("%s: crowded %v in second %d", c.name, got, second)
			}
			b.c.EndSecond()
		}
		b.c.EndSecond()
		if b.c.EndSecond(); b.c.Crowded() {
			t.Errorf("%s: crowded after seconds without calls", c.name)
		}
	}
}

// A probe for which too few calls are due ends.
func TestProbeEnds(t *testing.T) {
	t.Parallel()
	c := NewCrowd(1)
	now := int64(5_000)
	if c.Room(c.most, now) || !c.Room(c.most-1, now) {
		t.Error("a probe begins though no call has ended")
	}
	for range c.most {
		c.Ended(now-1, now, time.Millisecond)
	}
	if c.Room(c.most, now) || c.Room(c.most-1, now) {
		t.Error("no probe begins")
	}
	c.Ended(now-1, now, time.Millisecond)
	if !c.Room(c.most/probePart-1, now+1) || c.Room(c.most/probePart, now+1) {
		t.Error("not so few at a time")
	}
	if now += 2 + probeFor.Milliseconds(); !c.Room(c.most-1, now) {
		t.Error("it does not end")
	}
	if c.Room(c.most, now) || !c.Room(c.most-1, now) {
		t.Error("another one begins within a second")
	}
}
