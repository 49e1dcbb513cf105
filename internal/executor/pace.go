package executor

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A host that accepts connections and never answers gets a new connection for each of
// its calls. 2,000 jobs due at one instant are 2,000 dials of 150 us of CPU time each,
// and as much again where the host is on this machine: for a fifth of a second nothing
// else gets a core in time. So dials to silent hosts are spread over time. Calls to
// hosts that answer are not delayed.
const (
	// freeDials is how many dials a host gets at once after each answer. The first
	// answer ends the waiting of all others.
	freeDials = 16
	// dialGap is the time from one dial to the next, of all silent hosts
	// together, while few wait: 2,200 a second, a third of a core.
	dialGap = 450 * time.Microsecond
	// maxPace is the longest wait of a dial. The longer the line is, the closer
	// the dials follow each other.
	maxPace = 4 * time.Second
	// failGap is the time from one dial to the next of a host whose connections
	// fail at once: refused, reset, unknown by name. Such a call takes no time and
	// is tried again: 2,000 jobs a second whose target is down are 8,000 calls,
	// which take both cores of a small machine. Each host has its own line, and all
	// hosts share another one with a short limit. Without that limit the calls of
	// hundreds of hosts, which fail together when a network fails, would occupy the
	// slots that other calls need.
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

// reserveFixed reserves the turn of a dial that is ready now and returns how long it
// has to wait, at most the given time. Turns are failGap apart however long the line
// is: a host that fails at once gains nothing from more calls in flight.
func (p *pace) reserveFixed(now time.Time, most time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := min(max(0, p.next.Sub(now)), most)
	p.next = now.Add(line + failGap)
	return line
}

// reserve reserves the turn of a dial to a silent host that is ready now and returns
// how long it has to wait.
func (p *pace) reserve(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := min(max(0, p.next.Sub(now)), maxPace)
	room := 1 - float64(line)/float64(maxPace)
	p.next = now.Add(line + time.Duration(float64(dialGap)*room))
	return line
}

// noteAnswer notes that the host has answered, and ends the waiting of the dials that
// were delayed because it was silent.
func (h *host) noteAnswer() {
	if h.silent.Load() == 0 { // most answers come on open connections: they cost no write
		return
	}
	h.silent.Store(0)
	h.failed.Store(0)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.answered != nil {
		close(h.answered)
		h.answered = nil
	}
}

// fail notes that a connection could not be opened, or was closed at once. Neither
// counts as an answer: a machine does the same for a server that is gone. An address
// that the guard refuses was never dialled, so its calls do not wait.
func (h *host) fail(err error) {
	_, refused := errors.AsType[*refusedError](err)
	switch {
	case refused:
		h.noteAnswer()
	case !isTimeout(err):
		h.failed.Add(1)
	}
}

// paceOf returns how long a dial to a silent host has to wait.
func (h *host) paceOf(now, deadline time.Time) time.Duration {
	most := deadline.Sub(now) / paceShare
	if h.failed.Load() > freeDials {
		return min(most, max(h.failPace.reserveFixed(now, maxPace), h.pool.failPace.reserveFixed(now, maxSharedLine)))
	}
	return min(h.pool.pace.reserve(now), most)
}

// awaitDialTurn waits for the turn of a dial to a silent host. If nothing of the
// request was sent yet, the clock of the call starts only now: the target gets the
// whole time of the call, and calls that dial one after the other also time out one
// after the other. 2,000 timeouts at one instant would keep both cores busy for as
// long as 2,000 dials.
//
// After EndWaiting the wait counts as part of the call: the call ends when it would have
// ended without a line.
func (e *exchange) awaitDialTurn() {
	before := monotonic.Now()
	e.host.awaitPace(e.x.waiting, before, e.deadline)
	if e.written == 0 && e.x.waiting.Err() == nil {
		held := monotonic.Now().Sub(before)
		e.deadline = e.deadline.Add(held)
		e.out.Held += held
	}
}

// awaitPace waits for the turn of a dial to a silent host, until it is silent
// no more or the context ends.
func (h *host) awaitPace(ctx context.Context, now, deadline time.Time) {
	h.mu.Lock()
	if h.answered == nil {
		h.answered = make(chan struct{})
	}
	answered := h.answered
	h.mu.Unlock()
	if h.silent.Load() <= freeDials {
		return // it has just answered; noteAnswer may not run again
	}
	wait := h.paceOf(now, deadline)
	if wait <= 0 {
		return
	}
	turn := time.NewTimer(wait)
	defer turn.Stop()
	select {
	case <-turn.C:
	case <-answered:
	case <-ctx.Done():
	}
}
