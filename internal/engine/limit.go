package engine

import "time"

// How many calls one host gets at a time is found while they run. Too few and
// a slow target is starved: at 100 ms a call, 64 slots carry 640 calls a
// second. Too many and a fast one is drowned: every slot is a connection, and
// beyond what the two machines can work on at once a further one only waits.
//
// The limit climbs while climbing pays, as the adaptive limits of congestion
// control do. It looks at windows in which every slot was taken while fires
// waited:
//
//	steady   measure the rate of calls that end       ── then raise the limit
//	trial    measure it again with the higher limit   ── better: keep it
//	                                                  ── not better: go back, and
//	                                                     try again later and later
//
// A measurement lasts for twice the time that the host's quickest calls take,
// because a call that starts now tells nothing before it ends. While nothing
// has ended at all, the host is slow for sure and the limit doubles.
const (
	limitWindow  = 25 * time.Millisecond
	minHostLimit = 64                     // enough to fill the cores at a target that answers at once
	slowCall     = 20 * time.Millisecond  // the quickest call of a host that is called slow
	leastMeasure = 50 * time.Millisecond  // shorter ones are noise
	leastStall   = 100 * time.Millisecond // without an end, before a host is taken to hang
	maxPatience  = 100                    // measurements between two trials that fail
)

// hostLimit is the limit of one host and how it came about.
type hostLimit struct {
	now     int // slots
	ceiling int

	trialFrom int           // the limit to go back to; zero: steady
	rate      float64       // calls ended per window before the trial
	elapsed   time.Duration // under pressure, in this measurement
	finished  int           // calls ended in it
	holdOff   int           // measurements until the next trial
	patience  int           // doubles with every trial that fails

	quickest, quickestBefore time.Duration // call of this second and of the last; zero: none ended
}

func newHostLimit(ceiling int) hostLimit {
	return hostLimit{now: min(minHostLimit, ceiling), ceiling: ceiling, patience: 1}
}

// ended notes a call that ended.
func (l *hostLimit) ended(took time.Duration) {
	l.finished++
	took = max(took, time.Millisecond)
	if l.quickest == 0 || took < l.quickest {
		l.quickest = took
	}
}

// base returns how long the host's quickest calls take; zero: not known.
func (l *hostLimit) base() time.Duration {
	if l.quickest == 0 || (l.quickestBefore != 0 && l.quickestBefore < l.quickest) {
		return l.quickestBefore
	}
	return l.quickest
}

// window takes note of a window under pressure and moves the limit.
func (l *hostLimit) window() {
	l.elapsed += limitWindow
	base := l.base()
	switch {
	case l.finished == 0 && (base == 0 || l.elapsed >= max(leastStall, 4*base)):
		l.set(l.now * 2)
		l.trialFrom = 0
		l.restart()
	case l.finished > 0 && l.elapsed >= max(leastMeasure, 2*base):
		l.judge(float64(l.finished) * float64(limitWindow) / float64(l.elapsed))
		l.restart()
	}
}

// judge takes the rate of a measurement that is complete.
func (l *hostLimit) judge(rate float64) {
	if l.trialFrom != 0 {
		// Slots that are used add to the rate in proportion; four tenths of
		// that is beyond what noise adds.
		promised := float64(l.now)/float64(l.trialFrom) - 1
		if rate < l.rate*(1+0.4*promised) {
			l.now, l.trialFrom = l.trialFrom, 0
			l.holdOff = l.patience
			l.patience = min(2*l.patience, maxPatience)
			return
		}
		l.trialFrom, l.patience = 0, 1
	}
	if l.holdOff > 0 {
		l.holdOff--
		return
	}
	l.rate, l.trialFrom = rate, l.now
	step := l.now / 2
	if l.base() >= slowCall {
		step = l.now
	}
	if l.set(l.now + step); l.now == l.trialFrom {
		l.trialFrom = 0
	}
}

func (l *hostLimit) set(n int) { l.now = min(n, l.ceiling) }

func (l *hostLimit) restart() { l.elapsed, l.finished = 0, 0 }

// relax lets a limit that was not needed for a second shrink by an eighth, as
// far as the calls in flight allow. Call it once a second.
func (l *hostLimit) relax(calls int, pressed bool) {
	l.quickestBefore, l.quickest = l.quickest, 0
	if !pressed {
		l.now = min(l.now, max(minHostLimit, l.now-l.now/8, calls))
	}
}
