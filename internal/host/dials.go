package host

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Dials are the connections that are opened to a host, and what they tell of it. Its
// methods may be called from many goroutines.
type Dials struct {
	lines      *Lines
	own        line          // of this host, while its dials fail
	underWay   chan struct{} // has an entry for each of them
	unanswered atomic.Int64  // begun since the host last answered
	failed     atomic.Int64  // those of them that failed at once
	missed     atomic.Int64  // those of them that had no answer in their time, for people

	mu       sync.Mutex
	answered chan struct{} // closed when the host answers; nil: nobody waits for that
}

func (d *Dials) init(lines *Lines) {
	d.lines, d.underWay = lines, make(chan struct{}, MaxDials)
}

// Begin notes that a connection is about to be opened, and reports whether it has to
// wait for its turn.
func (d *Dials) Begin() (wait bool) {
	return d.judge(d.unanswered.Add(1)) != Answering
}

// Withdraw takes back a Begin: the connection is not needed any more.
func (d *Dials) Withdraw() {
	for n := d.unanswered.Load(); n > 0; n = d.unanswered.Load() { // an answer may have come in between
		if d.unanswered.CompareAndSwap(n, n-1) {
			return
		}
	}
}

// Unanswered returns how many dials have begun since the host last answered, and how many
// of those failed at once.
func (d *Dials) Unanswered() (dials, failed int) {
	return int(d.unanswered.Load()), int(d.failed.Load())
}

// State returns what the host is taken to be, by its dials.
func (d *Dials) State() State { return d.judge(d.unanswered.Load()) }

func (d *Dials) judge(unanswered int64) State {
	return Evidence{Dials: int(unanswered), Failed: int(d.failed.Load())}.State()
}

// Answered notes that the host has answered, and ends the waiting of dials.
func (d *Dials) Answered() {
	if d.unanswered.Load() == 0 { // most answers come on open connections: they cost no write
		return
	}
	d.unanswered.Store(0)
	d.failed.Store(0)
	d.missed.Store(0)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.answered != nil {
		close(d.answered)
		d.answered = nil
	}
}

// Failed notes that a connection could not be opened, or was closed at once. Neither
// counts as an answer: a machine does the same for a server that is gone.
func (d *Dials) Failed() { d.failed.Add(1) }

// Missed notes that a connection was not opened, or had no answer, when the time for that was over.
func (d *Dials) Missed() { d.missed.Add(1) }

// AwaitTurn waits for the turn of a dial to a host that does not answer: until the host
// does, until the context ends, or for the most.
func (d *Dials) AwaitTurn(ctx context.Context, now time.Time, most time.Duration) {
	d.mu.Lock()
	if d.answered == nil {
		d.answered = make(chan struct{})
	}
	answered := d.answered
	d.mu.Unlock()
	state := d.State()
	if state == Answering {
		return // it has just answered; Answered may not run again
	}
	wait := d.turn(state, now, most)
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

// turn takes the next turn and returns how long it is until then.
func (d *Dials) turn(s State, now time.Time, most time.Duration) time.Duration {
	if s == Refusing {
		return min(most, max(d.own.even(now, maxLine), d.lines.refusing.even(now, maxSharedLine)))
	}
	return min(most, d.lines.silent.narrowing(now))
}

// Enter waits until less than MaxDials connections are being opened, and reports whether
// that was before so much time has passed. Leave ends what it began.
func (d *Dials) Enter(most time.Duration) (entered bool) {
	select {
	case d.underWay <- struct{}{}:
		return true
	default:
	}
	timeout := time.NewTimer(most)
	defer timeout.Stop()
	select {
	case d.underWay <- struct{}{}:
		return true
	case <-timeout.C:
		return false
	}
}

// UnderWay returns how many connections are being opened.
func (d *Dials) UnderWay() int { return len(d.underWay) }

// Leave notes that a connection is open, or could not be opened.
func (d *Dials) Leave() { <-d.underWay }
