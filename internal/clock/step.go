package clock

import "time"

const (
	bigStep   = 10 * time.Minute // a forward step of the wall clock beyond this is distrusted
	stableFor = 60 * time.Second // for so long
)

// StepGuard watches for the wall clock running ahead of the monotonic one. It is for one goroutine.
type StepGuard struct {
	last  Mark
	wall  time.Time
	until Mark
	held  bool
}

// NewStepGuard begins to watch a clock.
func NewStepGuard(c Clock) *StepGuard { return &StepGuard{last: c.Mark(), wall: c.Now()} }

// Check returns how long what follows from the wall clock should wait because it jumped
// ahead by more than 10 minutes: such a step is more often an error than the right time
// (a bad time server, an empty battery). It is accepted once the clock has been stable
// for 60 s.
func (g *StepGuard) Check(c Clock) time.Duration {
	now := c.Now()
	jump := now.Sub(g.wall) - c.Elapsed(g.last)
	g.last, g.wall = c.Mark(), now
	if jump > bigStep {
		g.held, g.until = true, c.Mark()
	} else if jump < -bigStep {
		g.held = false // it was a mistake, and is mended
	}
	if !g.held {
		return 0
	}
	if remaining := stableFor - c.Elapsed(g.until); remaining > 0 {
		return remaining
	}
	g.held = false
	return 0
}
