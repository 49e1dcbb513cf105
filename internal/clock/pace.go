package clock

import (
	"runtime"
	"sync/atomic"
	"time"
)

// Pace makes long work — an import, an export — give way to fires, which need a
// core for some microseconds each, and at once.
//
// Yielding the core for a moment (runtime.Gosched) is not enough: it goes to
// what is ready to run, and Go looks at the network only when nothing is, or ten
// milliseconds after it last did. Work that is always ready to go on makes each
// answer of a target wait that long. While fires are about, it rests instead: a
// core with nothing to run looks at the network and the timers first.
//
// The rest is a SleepFine. time.Sleep would take ten times as long on a machine that has
// nothing else to do, and an import more than twice as long.
//
// A nil *Pace is one without fires.
type Pace struct {
	fires atomic.Bool
	rest  func(time.Duration) // nil: SleepFine
}

// Work is handled a few items at a time: about as long as a rest.
const (
	paceEvery = 32
	paceRest  = 100 * time.Microsecond
)

// Fires sets whether there are fires, for which long work has to pause.
func (p *Pace) Fires(about bool) { p.fires.Store(about) }

// Step is called after the n-th item of some work, counted from zero.
func (p *Pace) Step(n int) {
	switch {
	case n%paceEvery != paceEvery-1:
	case p != nil && p.fires.Load():
		if p.rest != nil {
			p.rest(paceRest)
			return
		}
		SleepFine(paceRest)
	default:
		runtime.Gosched()
	}
}
