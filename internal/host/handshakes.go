package host

import (
	"sync"
	"time"
)

// What a handshake costs the target is as much as it costs here, and may be more than it
// has: a target that is busy queues handshakes until they time out, which is work for
// nothing, and the calls open connections anew. So how many handshakes may be under way is
// found as in congestion control, for each host and for all of them: each that is answered
// as quickly as it can be adds one, and one that is slow halves the number. The hosts
// share a limit since they may share a machine, this one or the one in front of them.
const (
	hostWindow = 4 // cold: two or three more round trips until a distant host has 60 connections

	// firstWindow, leastWindow and mostWindow bound those of all hosts, for each core. With
	// the most, 256 on two cores, hosts that are 200 ms away get 1,280 connections a second.
	firstWindow = 8
	leastWindow = 2
	mostWindow  = 128

	// A handshake is slow if it waits for the target longer than slowFactor times the
	// quickest one of that host and slowHandshake. 25 of them queue for so long at one core.
	slowHandshake = 25 * time.Millisecond
	slowFactor    = 3
	// cutGap is the time between two times that the limit of all hosts is halved: what
	// was begun before the first says nothing new.
	cutGap = 50 * time.Millisecond
	// HandshakeAge is how old a handshake is that does not count any more: the target does
	// not answer at all, and others must not wait for it.
	HandshakeAge = time.Second
)

// HandshakeEnd is how a handshake ended.
type HandshakeEnd uint8

// The ends of a handshake.
const (
	HandshakeFull    HandshakeEnd = iota // with a new session
	HandshakeResumed                     // with an old one
	HandshakeFailed
)

// HandshakeCounts are the handshakes with a host that ended, since something is known of it.
type HandshakeCounts struct{ Full, Resumed, Failed int64 }

// Handshakes are the TLS handshakes with a host. Its methods may be called from many
// goroutines.
type Handshakes struct {
	mu       sync.Mutex
	window   int // how many may be under way; zero: none has ended
	quickest time.Duration
	ended    [HandshakeFailed + 1]int64
}

// Count counts a handshake that ended.
func (h *Handshakes) Count(end HandshakeEnd) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended[end]++
}

// Counts returns how many have ended, and how.
func (h *Handshakes) Counts() HandshakeCounts {
	h.mu.Lock()
	defer h.mu.Unlock()
	return HandshakeCounts{Full: h.ended[HandshakeFull], Resumed: h.ended[HandshakeResumed],
		Failed: h.ended[HandshakeFailed]}
}

// Window returns how many may be under way.
func (h *Handshakes) Window() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.size()
}

func (h *Handshakes) size() int {
	if h.window == 0 {
		return hostWindow
	}
	return h.window
}

// Ended notes a handshake that ended, and for how long it waited for the target. It
// reports whether that is slow.
func (h *Handshakes) Ended(wait time.Duration) (slow bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.quickest == 0 || wait < h.quickest {
		h.quickest = wait
	}
	slow = isSlow(wait, h.quickest)
	h.window = nextWindow(h.size(), slow, 1, MaxDials)
	return slow
}

// TimedOut notes a handshake that did not end in time.
func (h *Handshakes) TimedOut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.window = 1
}

// isSlow reports whether a handshake is slow that waited so long, where the quickest one
// with the host waited so long.
func isSlow(wait, quickest time.Duration) bool { return wait > slowHandshake+slowFactor*quickest }

// nextWindow returns how many may be under way after one that ended.
func nextWindow(window int, slow bool, least, most int) int {
	if slow {
		return max(least, window/2)
	}
	return min(window+1, most)
}

// AllHandshakes are those with all hosts. Its methods may be called from many goroutines.
type AllHandshakes struct {
	cores int

	mu       sync.Mutex
	window   int
	underWay int
	cut      time.Time // when the window was halved last
}

// NewAllHandshakes returns those of a process that runs on so many cores.
func NewAllHandshakes(cores int) *AllHandshakes {
	return &AllHandshakes{cores: cores, window: firstWindow * cores}
}

// Room reports whether one more may begin.
func (a *AllHandshakes) Room() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.underWay < a.window
}

// Begin notes one that begins. The function that it returns notes its end, or that it
// does not count any more; what is called after the first time has no effect.
func (a *AllHandshakes) Begin() (end func()) {
	a.add(1)
	return sync.OnceFunc(func() { a.add(-1) })
}

func (a *AllHandshakes) add(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.underWay += n
}

// Ended notes one that ended, and whether it was slow.
func (a *AllHandshakes) Ended(slow bool, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if slow {
		if now.Sub(a.cut) < cutGap {
			return
		}
		a.cut = now
	}
	a.window = nextWindow(a.window, slow, leastWindow*a.cores, mostWindow*a.cores)
}
