package executor

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"time"
)

// errStale says that a kept connection was found closed, or with bytes that
// nobody asked for, and that no byte of the request was written to it.
var errStale = errors.New("the connection was closed before the request was written")

// mayWriteAgain reports whether a request that failed on a connection may be
// written to a new one within the same attempt: only when it was a kept one and
// the kernel took no byte of the request, so that nobody can have read it.
//
// Nothing that happens later proves that the request was not read. A reset before any
// acknowledgement does not: acknowledgements are delayed, and a peer that reads the
// request and resets the connection at once has acknowledged nothing by then (on Linux,
// tcpi_bytes_acked is unchanged). The end of the stream does not prove it either: a peer
// that has closed only its sending side still reads.
func mayWriteAgain(kept bool, taken int64, err error) bool {
	return kept && taken == 0 && !errors.Is(err, os.ErrDeadlineExceeded)
}

// connState is what a look at an idle connection found.
type connState int

const (
	connUnknown connState = iota // the system does not tell
	connQuiet                    // open, and nothing has arrived
	connStale                    // closed, or bytes have arrived
)

// mayWriteTo reports whether a request may be written to a connection that was
// looked at. A call that is at most once has to be sure.
func mayWriteTo(s connState, once bool) bool {
	return s == connQuiet || s == connUnknown && !once
}

// Bounds of what is learned of how a host ends connections that rest.
const (
	// soon parts two habits: a close sooner after an answer is that of a host
	// that keeps no connections, or has been restarted; a later one is that of a
	// host with an idle timeout. The shortest common one is 2 s.
	soon = time.Second
	// minRest is how long a connection to a host that closes soon after its
	// answers rests before it is looked at. A close that follows its answer at
	// once comes microseconds behind it. The rest doubles with each close that
	// was later.
	minRest = 5 * time.Millisecond
	// idleMargin is how long before a host's idle timeout its connections are
	// used for the last time. It covers the way there and back, and servers that
	// count in whole seconds. Of a timeout below 2 s it is the half.
	idleMargin = time.Second
	// learnedFor is for how long an idle timeout that was observed is believed:
	// what was taken for one may have been a restart, and costs a connect for
	// each call after a longer rest.
	learnedFor = time.Hour
)

// onceMaxIdle is how long a connection may have been unused to carry a call
// that is at most once. Common servers close idle connections after 2 s at the
// soonest.
const onceMaxIdle = 1500 * time.Millisecond

// warmFor is how long after a call a connection is used again without a check. Under
// load a connection is used again within microseconds, and a check takes 4 % of the time
// of a call. If a peer closes the connection within this time without having announced
// it, one attempt fails; habits then notes it. If a peer closes only its sending side, or
// a proxy passes on no more than that, one call waits until its deadline; from then on
// connections to that host are always checked.
const warmFor = 200 * time.Microsecond

// habits is what is known of how a host ends connections that rest. A call
// that is written to a connection which its host is about to close is an
// attempt that failed, since nobody can tell whether it was read: connections
// are left unused before that.
type habits struct {
	said    time.Duration // by its Keep-Alive header; zero: nothing
	closes  time.Duration // the shortest rest, from soon on, after which it had closed one; zero: not seen
	until   time.Time     // closes is believed
	rest    time.Duration // before a connection is used again, while wary
	wary    bool          // it closes soon after its answers
	lingers bool          // it has half closed a connection right after an answer
}

// closed notes that a connection was found closed, or was closed without an
// answer, after it had rested for so long.
func (h habits) closed(rested time.Duration, now time.Time) habits {
	if rested < soon {
		h.wary = true
		h.rest = min(max(minRest, 2*rested, 2*h.rest), soon)
		return h
	}
	if h.closes == 0 || rested < h.closes || now.After(h.until) {
		h.closes = rested
	}
	h.until = now.Add(learnedFor)
	return h
}

// open notes that a connection was found open after it had rested as it must.
func (h habits) open() habits {
	h.wary = false
	return h
}

// longest returns for how long a connection may have been unused to be used
// again, where the configuration says idleTimeout.
func (h habits) longest(idleTimeout time.Duration, now time.Time) time.Duration {
	if h.said != 0 {
		idleTimeout = min(idleTimeout, beforeClose(h.said))
	}
	if h.closes != 0 && now.Before(h.until) {
		idleTimeout = min(idleTimeout, beforeClose(h.closes))
	}
	return idleTimeout
}

const (
	notKept  = time.Duration(1) // a host says that it does not keep a connection
	longKept = time.Hour        // and what is taken for that long, or longer
)

// keepAliveTimeout reads the value of a Keep-Alive header (RFC 2068, section
// 19.7.1.1): for how long the host keeps the connection; zero: it does not say.
func keepAliveTimeout(value []byte) (keeps time.Duration) {
	for len(value) > 0 {
		var param []byte
		param, value, _ = bytes.Cut(value, []byte{','})
		name, number, _ := bytes.Cut(param, []byte{'='})
		n, err := strconv.ParseUint(string(bytes.Trim(number, " \t\"")), 10, 32)
		name = bytes.TrimSpace(name)
		switch {
		case err != nil:
		case n == 0 && (isFold(name, "timeout") || isFold(name, "max")):
			return notKept
		case isFold(name, "timeout"):
			keeps = min(time.Duration(n)*time.Second, longKept)
		}
	}
	return keeps
}

func beforeClose(timeout time.Duration) time.Duration {
	return timeout - min(idleMargin, timeout/2)
}

// mustLook reports whether a connection that has rested for so long is looked at
// before it is written to.
func (h habits) mustLook(once bool, rested time.Duration) bool {
	return once || h.wary || h.lingers || rested >= warmFor
}

// lifetime returns for how long after it was opened a connection is used: by a
// draw from [0, 1), the greatest age or up to half of it less. So connections that
// were opened in the same moment do not end in the same moment.
func lifetime(maxAge time.Duration, draw float64) time.Duration {
	return maxAge - time.Duration(draw*float64(maxAge/2))
}
