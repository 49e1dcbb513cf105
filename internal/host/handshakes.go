package host

import (
	"sync"
	"time"
)

// What a handshake costs the target is as much as it costs here, and may be more than it
// has: a target that is busy queues handshakes until they time out, which is work for
// nothing, and the calls open connections anew. So how many handshakes may be under way
// with a host is found as in congestion control: each that is answered as quickly as it
// can be adds one, and one that is slow halves the number.
const (
	hostWindow = 4 // cold: two or three more round trips until a distant host has 60 connections

	// A handshake is slow if it waits for the target longer than slowFactor times the
	// quickest one of that host and slowHandshake. 25 of them queue for so long at one core.
	slowHandshake = 25 * time.Millisecond
	slowFactor    = 3
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

// Ended notes a handshake that ended, and for how long it waited for the network and the
// target.
func (h *Handshakes) Ended(wait time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.quickest == 0 || wait < h.quickest {
		h.quickest = wait
	}
	h.window = nextWindow(h.size(), isSlow(wait, h.quickest))
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
func nextWindow(window int, slow bool) int {
	if slow {
		return max(1, window/2)
	}
	return min(window+1, MaxDials)
}
