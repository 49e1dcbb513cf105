package clock

import (
	"testing"
	"time"
)

// Work rests while fires are about, and only then.
func TestPaceRestsForFires(t *testing.T) {
	rests := 0
	p := Pace{rest: func(d time.Duration) {
		if rests++; d != paceRest {
			t.Errorf("a rest of %s", d)
		}
	}}
	counted := func(p *Pace) int {
		rests = 0
		for i := range 1_000 {
			p.Step(i)
		}
		return rests
	}
	if n := counted(&p) + counted(nil); n != 0 {
		t.Errorf("%d rests without fires", n)
	}
	p.Fires(true)
	if n := counted(&p); n != 1_000/paceEvery {
		t.Errorf("%d rests in 1,000 items", n)
	}
	p.Fires(false)
	if n := counted(&p); n != 0 {
		t.Errorf("%d rests after the fires", n)
	}
}

// A rest is nearly as short as it is meant to be, also where nothing else keeps Go's scheduler awake: what work takes
// on an idle machine depends on it. A busy machine may make single rests long, but not the shortest of so many.
func TestPaceRestIsShort(t *testing.T) {
	var p Pace
	p.Fires(true)
	shortest := time.Hour
	for range 200 {
		start := time.Now()
		p.Step(paceEvery - 1)
		shortest = min(shortest, time.Since(start))
	}
	if shortest < paceRest {
		t.Errorf("a rest of %s", shortest)
	}
	if isFine() && shortest > 5*paceRest {
		t.Errorf("the shortest rest took %s", shortest)
	}
}

// isFine reports whether SleepFine is finer than a millisecond on this system.
func isFine() bool {
	shortest := time.Hour
	for range 50 {
		start := time.Now()
		SleepFine(paceRest)
		shortest = min(shortest, time.Since(start))
	}
	return shortest < 5*paceRest
}
