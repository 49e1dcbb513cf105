package executor

import "time"

// waiter is a call that has found no connection free. It gets the first one of two: a
// connection that another call frees, or the one that is opened for it.
type waiter struct {
	once     bool // the call is at most once
	fresh    bool // only a new connection will do
	since    time.Time
	deadline time.Time // of the call, had it not waited
	unsent   bool      // no byte of the request was sent: the wait does not count as part of the call

	opening bool        // a connection is under way for it
	served  bool        // it has got what it waited for, or does not wait any more
	ready   chan supply // has room for one
	ahead   bool        // it is no call: a connection is opened before calls are due
	traced  bool        // the call has a trace

	before, after *waiter // in the line
}

// ahead is for which calls a pool is to have connections before they are due; under the mu
// of the pool.
type ahead struct {
	calls, once int
	at          time.Time // when they are due
	inLine      bool      // of the connector
}

// supply is what a waiter gets: a connection, or why there is none.
type supply struct {
	conn  *conn
	look  bool // see whether it is open before the request is written to it
	err   error
	phase phase     // in which it failed
	began time.Time // of the opening; zero: the connection was in use before
	fault any       // a panic

	steps *openSteps // of the opening for a call that has a trace
}

// waitLine are the calls that wait for a connection of a pool, the longest wait first.
// Those for which one is under way are before the others.
type waitLine struct {
	first, last *waiter
	next        *waiter   // the first one for which no connection is under way
	since       time.Time // when the line was empty last
	idle        int       // how many of them there are
}

func (l *waitLine) push(w *waiter) {
	w.before = l.last
	if l.last == nil {
		l.first, l.since = w, w.since
	} else {
		l.last.after = w
	}
	l.last = w
	if l.next == nil {
		l.next = w
	}
	l.idle++
}

// open notes that a connection is under way for a waiter.
func (l *waitLine) open(w *waiter) {
	w.opening = true
	l.idle--
	if l.next == w {
		l.next = w.after
	}
	for l.next != nil && l.next.opening {
		l.next = l.next.after
	}
}

// serve removes a waiter from the line.
func (l *waitLine) serve(w *waiter) {
	if !w.opening {
		l.open(w)
		w.opening = false
	}
	w.served = true
	if w.before == nil {
		l.first = w.after
	} else {
		w.before.after = w.after
	}
	if w.after == nil {
		l.last = w.before
	} else {
		w.after.before = w.before
	}
	w.before, w.after = nil, nil
}

// forUsed returns the first waiter that takes a connection which was in use.
func (l *waitLine) forUsed() *waiter {
	for w := l.first; w != nil; w = w.after {
		if !w.fresh {
			return w
		}
	}
	return nil
}
