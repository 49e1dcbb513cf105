package executor

import (
	"errors"
	"os"
)

// noteFault notes what a connection that could not be opened, or was closed at once,
// says of the host. An address that the guard refuses was never dialled, so its calls
// do not wait.
func (p *pool) noteFault(err error) {
	_, refused := errors.AsType[*refusedError](err)
	switch {
	case refused:
		p.dials.Answered()
	case !isTimeout(err):
		p.dials.Failed()
	}
}

// awaitTurn waits for the turn of a dial to a host that does not answer. If nothing of
// the request was sent yet, the clock of the call starts only now: the target gets the
// whole time of the call, and calls that dial one after the other also time out one
// after the other. 2,000 timeouts at one instant would keep both cores busy for as
// long as 2,000 dials.
//
// After EndWaiting the wait counts as part of the call: the call ends when it would have
// ended without a line.
func (e *exchange) awaitTurn() {
	before := monotonic.Now()
	e.pool.dials.AwaitTurn(e.x.waiting, before, e.deadline)
	if e.written == 0 && e.x.waiting.Err() == nil {
		held := monotonic.Now().Sub(before)
		e.deadline = e.deadline.Add(held)
		e.out.Held += held
	}
}

// enter waits until the host has room for one more dial.
func (e *exchange) enter() error {
	if !e.pool.dials.Enter(e.deadline.Sub(monotonic.Now())) {
		return os.ErrDeadlineExceeded
	}
	return nil
}
