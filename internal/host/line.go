package host

import (
	"sync"
	"time"
)

// A host that accepts connections and never answers gets a new connection for each call.
// 2,000 jobs due at one instant are 2,000 dials of 150 us of CPU time each, and twice that
// if the host is on this machine: for a fifth of a second nothing else runs in time.
// So dials to silent hosts are spread over time.
const (
	// maxLine is the longest wait of a dial. The longer the line is, the closer the
	// dials follow each other.
	maxLine = 4 * time.Second
	// FailGap is the time between dials to a host whose connections fail at once: refused,
	// reset, unknown name. Such a call takes no time and is retried: 2,000 jobs a second
	// whose target is down are 8,000 calls a second, which use both cores of a small
	// machine. Each host has its own line, and all of them share a second one with a short
	// maximal wait. Without that maximum, the calls of hundreds of hosts that fail together
	// when a network fails would occupy the slots that other calls need.
	FailGap       = 500 * time.Microsecond
	maxSharedLine = 250 * time.Millisecond
	leastHeld     = 10 * time.Second
	// CallShare is the part of a call's time that it may spend in a line.
	CallShare = 4
)

// LongestWait returns for how long a call with so much time waits in this process's own
// lines.
func LongestWait(timeout time.Duration) time.Duration { return min(timeout/CallShare, maxLine) }

// LongestHeld returns for how long a call with so much time waits for a connection: for as
// long again, 10 s at least. It waits so long only while this process is overloaded, which
// is no reason to fail it, or behind calls that time out.
func LongestHeld(timeout time.Duration) time.Duration { return max(timeout, leastHeld) }

// line gives out the instants at which dials begin, one after the other.
type line struct {
	mu   sync.Mutex
	next time.Time
}

// even takes the next turn for a dial and returns how long it has to wait, at most the
// given time. Turns are FailGap apart, however long the line is: for a host that fails at
// once, more calls in flight are of no use.
func (l *line) even(now time.Time, most time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := min(max(0, l.next.Sub(now)), most)
	l.next = now.Add(wait + FailGap)
	return wait
}

// narrowing takes the next turn for a dial to a silent host and returns how long it has to
// wait. Turns are SilentGap apart while the line is short. The longer the line, the
// closer they are, so that no dial waits longer than maxLine.
func (l *line) narrowing(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := min(max(0, l.next.Sub(now)), maxLine)
	room := 1 - float64(wait)/float64(maxLine)
	l.next = now.Add(wait + time.Duration(float64(SilentGap)*room))
	return wait
}

// Lines are where the dials of all hosts wait. The zero value is ready for use.
type Lines struct {
	silent   line
	refusing line
}
