package executor

import (
	"context"
	"errors"
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
	// failGap is the time from one dial to the next of a host whose connections
	// fail at once: refused, reset, unknown by name. Such a call takes no time and
	// is tried again: 2,000 jobs a second whose target is down are 8,000 calls,
	// which take both cores of a small machine. Each host has a line of its own,
	// and there is one of them all, in which none waits for long: else the calls
	// of hundreds of hosts, as many as fail when a network does, would hold the
	// slots that the calls of others need.
	failGap       = 500 * time.Microsecond
	maxSharedLine = 250 * time.Millisecond
	// paceShare is the part of a call's time that it may spend in the line.
	paceShare = 4
)

// pace hands out the instants at which dials begin.
type pace struct {
	mu   sync.Mutex
	next time.Time
}

// bookFirm returns how long a dial has to wait that wants to begin now, where no
// line makes them follow each other closer: few calls of one host wait, since
// more of its slots bring no more ends.
func (p *pace) bookFirm(now time.Time, most time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := min(max(0, p.next.Sub(now)), most)
	p.next = now.Add(line + failGap)
	return line
}

// book returns how long a dial to a silent host has to wait that wants to begin
// now.
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
	h.failed.Store(0)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.voice != nil {
		close(h.voice)
		h.voice = nil
	}
}

// fail notes that a connection could not be opened, or was closed at once, which
// is no sign of life: a machine says so of a server that is gone. What the guard
// refuses was never dialled, and waits for nothing.
func (h *host) fail(err error) {
	_, refused := errors.AsType[*refusedError](err)
	switch {
	case refused:
		h.heard()
	case !isTimeout(err):
		h.failed.Add(1)
	}
}

// paceOf returns how long a dial to a silent host has to wait.
func (h *host) paceOf(now, deadline time.Time) time.Duration {
	most := deadline.Sub(now) / paceShare
	if h.failed.Load() > freeDials {
		return min(most, max(h.failPace.bookFirm(now, maxPace), h.pool.failPace.bookFirm(now, maxSharedLine)))
	}
	return min(h.pool.pace.book(now), most)
}

// standInLine waits for the turn of a dial to a silent host. What was not sent
// before is only begun now: the target gets the whole time of the call, and calls
// that dial one after the other also time out one after the other. 2,000 that end
// at one instant keep both cores busy for as long as 2,000 dials.
//
// After Hurry the time in the line counts as the target's: the call ends when it
// would have ended without a line.
func (e *exchange) standInLine() {
	before := monotonic.Now()
	e.host.awaitPace(e.x.hurry, before, e.deadline)
	if e.written == 0 && e.x.hurry.Err() == nil {
		held := monotonic.Now().Sub(before)
		e.deadline = e.deadline.Add(held)
		e.out.Held += held
	}
}

// awaitPace waits for the turn of a dial to a silent host, until it is silent
// no more or the context ends.
func (h *host) awaitPace(ctx context.Context, now, deadline time.Time) {
	h.mu.Lock()
	if h.voice == nil {
		h.voice = make(chan struct{})
	}
	voice := h.voice
	h.mu.Unlock()
	if h.silent.Load() <= freeDials {
		return // it was heard just now, and may not be again
	}
	wait := h.paceOf(now, deadline)
	if wait <= 0 {
		return
	}
	turn := time.NewTimer(wait)
	defer turn.Stop()
	select {
	case <-turn.C:
	case <-voice:
	case <-ctx.Done():
	}
}
