package host

import (
	"sync"
	"time"
)

// A host that accepts connections and never answers gets a new connection for each of
// its calls. 2,000 jobs due at one instant are 2,000 dials of 150 us of CPU time each,
// and as much again where the host is on this machine: for a fifth of a second nothing
// else gets a core in time. So dials to silent hosts are spread over time.
const (
	// maxLine is the longest wait of a dial. The longer the line is, the closer the
	// dials follow each other.
	maxLine = 4 * time.Second
	// FailGap is the time from one dial to the next of a host whose connections
	// fail at once: refused, reset, unknown by name. Such a call takes no time and
	// is tried again: 2,000 jobs a second whose target is down are 8,000 calls,
	// which take both cores of a small machine. Each host has its own line, and all
	// hosts share another one with a short limit. Without that limit the calls of
	// hundreds of hosts, which fail together when a network fails, would occupy the
	// slots that other calls need.
	FailGap       = 500 * time.Microsecond
	maxSharedLine = 250 * time.Millisecond
	// CallShare is the part of a call's time that it may spend in a line.
	CallShare = 4
)

// line gives out the instants at which dials begin, one after the other.
type line struct {
	mu   sync.Mutex
	next time.Time
}

// even takes the next turn for a dial that is ready now and returns how long it has
// to wait, at most the given time. Turns are FailGap apart however long the line is:
// a host that fails at once gains nothing from more calls in flight.
func (l *line) even(now time.Time, most time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := min(max(0, l.next.Sub(now)), most)
	l.next = now.Add(wait + FailGap)
	return wait
}

// narrowing is even for a dial to a silent host: turns are SilentGap apart while the
// line is short, and the closer the longer it is, so that none waits beyond maxLine.
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
