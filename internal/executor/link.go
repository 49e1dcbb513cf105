package executor

import (
	"errors"
	"net"
	"os"
	"time"
)

// maxInlineBody is the longest body that is copied behind the head of the request. A
// longer one is sent from the caller's memory.
const maxInlineBody = 4 << 10

// maxHeldBuffer is how large the memory of held writes may be to be kept for other calls.
const maxHeldBuffer = 2 * maxInlineBody

// link is the connection that an exchange holds, and what was written to it.
type link struct {
	pool     *pool
	conn     *conn         // nil: none is held
	look     bool          // see whether conn is open before the request is written to it
	sent     bool          // the whole request was written to it
	written  int64         // bytes of the request, over all connections
	reusable bool          // conn can carry another request
	keeps    time.Duration // the target says that it keeps conn for so long; zero: nothing
	single   bool          // conn carries no other call

	duplex duplex
	held   heldWrite
	vector [2][]byte
}

func (l *link) begin(single bool) {
	l.look, l.sent, l.written, l.reusable, l.keeps, l.single = false, false, 0, false, 0, single
}

// take takes an idle connection, if there is one.
func (l *link) take(once bool, now time.Time) (taken bool) {
	l.conn, l.look = l.pool.take(once, now)
	return l.conn != nil
}

// discard closes the connection.
func (l *link) discard() {
	l.pool.discard(l.conn)
	l.conn = nil
}

// end returns the connection to its pool, or closes it, and drops what the link refers
// to.
func (l *link) end(now time.Time) {
	l.giveBack(now)
	l.pool, l.vector = nil, [2][]byte{}
	if cap(l.held.b) > maxHeldBuffer {
		l.held.b = nil
	}
}

// giveBack returns the connection to its pool, or closes it.
func (l *link) giveBack(now time.Time) {
	if l.conn == nil {
		return
	}
	if l.conn.mux == nil {
		l.pool.limits.counts.http1.Add(1)
	} else {
		l.pool.limits.counts.http2.Add(1)
	}
	switch {
	case l.conn.mux != nil && l.single:
		muxRetire(l.pool, l.conn)
	case l.conn.mux != nil:
		muxReturned(l.pool, l.conn, now)
	case l.reusable && !l.single:
		l.pool.keep(l.conn, l.keeps, now)
	default:
		l.pool.discard(l.conn)
	}
	l.conn = nil
}

// ask sends the request and waits for the first bytes of the response. A target
// may answer and close before it has read the whole request: the answer counts,
// unless the connection is a kept one that took nothing of this request.
func (l *link) ask(req *request, first []byte, once bool) (n int, sendErr, err error) {
	l.sent = false
	if l.conn.raw != nil && len(req.body) <= maxInlineBody {
		var done bool
		if done, n, sendErr, err = l.askDuplex(req.whole(), first); done {
			return n, sendErr, err
		}
	} else {
		if l.conn.tally != nil && len(req.body) <= maxInlineBody && holdWrites(l.conn.tally.Conn, &l.held, l.look) {
			return l.askHeld(req, first)
		}
		if l.look && !mayWriteTo(l.conn.state(), once) {
			return 0, errStale, nil
		}
		sendErr = l.write(req)
	}
	if errors.Is(sendErr, os.ErrDeadlineExceeded) || sendErr != nil &&
		mayWriteAgain(l.conn.used(), l.written, sendErr) {
		return 0, sendErr, nil
	}
	l.sent = sendErr == nil
	n, err = l.conn.Read(first)
	return n, sendErr, err
}

// askDuplex is ask by way of a duplex. When it is not done, the request has gone
// out, or sendErr says why not, and the response is to be read.
func (l *link) askDuplex(whole, first []byte) (done bool, n int, sendErr, err error) {
	var wrote int
	wrote, n, sendErr, err = l.duplex.exchange(l.conn.raw, whole, first, l.look)
	l.written += int64(wrote)
	if !l.look && l.conn.used() && errors.Is(err, os.ErrDeadlineExceeded) && l.conn.probe.ended() {
		l.pool.sawLingering()
	}
	switch {
	case wrote == len(whole):
		l.sent = true
		return true, n, nil, err
	case err != nil: // the deadline
		return true, 0, err, nil
	case sendErr == nil:
		wrote, sendErr = l.conn.Write(whole[wrote:])
		l.written += int64(wrote)
	}
	return false, 0, sendErr, nil
}

// askHeld is ask by way of a connection with TLS that holds writes. If the connection is to be
// looked at, that happens in the same turn, right before the request is written.
func (l *link) askHeld(req *request, first []byte) (n int, sendErr, err error) {
	below, h := l.conn.tally.Conn, &l.held
	defer releaseWrites(below)
	if _, sendErr = l.writeAll(req); sendErr != nil {
		return 0, sendErr, nil
	}
	n, err = l.conn.Read(first)
	switch {
	case h.out:
	case l.conn.used(): // an end that came with the answer before, or bytes that nobody asked for
		return 0, errStale, nil
	case n > 0: // the target speaks first
		releaseWrites(below)
		var taken int
		taken, h.err = below.Write(h.b)
		h.taken = int64(taken)
	}
	l.written += h.taken
	l.sent = h.taken > 0 && h.err == nil
	if h.err != nil && mayWriteAgain(l.conn.used(), l.written, h.err) {
		return 0, h.err, nil
	}
	return n, h.err, err
}

// write sends the request, and counts the bytes that the kernel took.
func (l *link) write(req *request) error {
	var before int64
	if l.conn.tally != nil {
		before = l.conn.tally.taken.Load()
	}
	n, err := l.writeAll(req)
	if l.conn.tally != nil {
		n = l.conn.tally.taken.Load() - before
	}
	l.written += n
	return err
}

func (l *link) writeAll(req *request) (int64, error) {
	if len(req.body) <= maxInlineBody {
		n, err := l.conn.Write(req.whole())
		return int64(n), err
	}
	l.vector = [2][]byte{req.head, req.body}
	buffers := net.Buffers(l.vector[:])
	return buffers.WriteTo(l.conn.Conn) // one writev on a plain connection
}
