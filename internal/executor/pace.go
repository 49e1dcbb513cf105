package executor

import (
	"context"
	"sync"
	"time"
)

// A host that takes connections and never answers has a connection opened for
// each of its calls. 2,000 jobs due at one instant are 2,000 dials of 150 us of
// CPU time each, and as much again where the host is on this machine: for a
// fifth of a second nobody else gets a core in time. So dials to hosts that are
// silent are spread over the time that follows. Hosts that answer wait for nothing.
const (
	// freeDials is how many dials a host gets at once after each sign of life.
	// The first answer lets all others go.
	freeDials = 16
	// dialGap is the time from one dial to the next, of all silent hosts
	// together, while few wait: 2,200 a second, a third of a core.
	dialGap = 450 * time.Microsecond
	// maxPace is what no dial waits longer than. The longer the line is, the
	// closer they follow each other.
	maxPace = 4 * time.Second
	// paceShare is the part of a call's time that it may spend in the line.
	paceShare = 4
)

// pace hands out the instants at which dials begin.
type pace struct {
	mu   sync.Mutex
	next time.Time
}

// book returns how long a dial has to wait that wants to begin now.
func (p *pace) book(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := min(max(0, p.next.Sub(now)), maxPace)
	room := 1 - float64(line)/float64(maxPace)
	p.next = now.Add(line + time.Duration(float64(dialGap)*room))
	return line
}

// heard notes that the host has answered something, and lets those go who wait
// because it had not.
func (h *host) heard() {
	if h.silent.Load() == 0 { // most answers come on open connections: they cost no write
		return
	}
	h.silent.Store(0)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.voice != nil {
		close(h.voice)
		h.voice = nil
	}
}

// awaitPace waits for the turn of a dial to a silent host, until it is silent
// no more or the context ends.
func (h *host) awaitPace(ctx context.Context, deadline time.Time) {
	h.mu.Lock()
	if h.voice == nil {
		h.voice = make(chan struct{})
	}
	voice := h.voice
	h.mu.Unlock()
	if h.silent.Load() <= freeDials {
		return // it was heard just now, and may not be again
	}
	now := monotonic.Now()
	turn := time.NewTimer(min(h.pool.pace.book(now), deadline.Sub(now)/paceShare))
	defer turn.Stop()
	select {
	case <-turn.C:
	case <-voice:
	case <-ctx.Done():
	}
}
