package executor

import (
	"io"
	"net"
	"syscall"
)

// rawStream is a connection that is written and read with system calls which are hidden from
// Go's scheduler, for the reason that is given at duplex. TLS is spoken over it. Like the
// connection below it, it may be written and read at the same time, but neither by more
// than one goroutine.
type rawStream struct {
	net.Conn
	raw  syscall.RawConn
	out  transfers
	in   transfers
	held *heldWrite            // nil: writes go out at once
	push func(fd uintptr) bool // bound once, so that a call allocates nothing
	pull func(fd uintptr) bool
	ask  func(fd uintptr) bool
}

// transfers is what a write or a read has come to.
type transfers struct {
	b   []byte // what remains to be written, or is to be filled
	n   int
	err error
}

// newRawStream returns a stream over a connection, or the connection if it is no plain one
// of TCP.
func newRawStream(c net.Conn) net.Conn {
	raw := rawTCP(c)
	if raw == nil {
		return c
	}
	s := &rawStream{Conn: c, raw: raw}
	s.push, s.pull, s.ask = s.writeSome, s.readSome, s.writeThenRead
	return s
}

// holdWrites has the next writes go out with the read that follows them, in one turn of
// reading, as with a duplex: a read right after a write finds nothing, which costs a system
// call. With look, what has arrived before is read first, and as long as there is something,
// nothing is written. It reports whether the connection can do that.
func holdWrites(c net.Conn, h *heldWrite, look bool) bool {
	s, ok := c.(*rawStream)
	if ok {
		*h = heldWrite{b: h.b[:0], look: look}
		s.held = h
	}
	return ok
}

// releaseWrites has writes go out at once again.
func releaseWrites(c net.Conn) { c.(*rawStream).held = nil }

// Write implements net.Conn.
func (s *rawStream) Write(b []byte) (int, error) {
	if s.held != nil && !s.held.out {
		s.held.b = append(s.held.b, b...)
		return len(b), nil
	}
	return s.write(b)
}

func (s *rawStream) write(b []byte) (int, error) {
	s.out = transfers{b: b}
	err := s.raw.Write(s.push)
	n := s.out.n
	if err == nil {
		err = s.out.err
	}
	s.out = transfers{}
	return n, err
}

// writeSome reports whether all was written, or cannot be.
func (s *rawStream) writeSome(fd uintptr) bool {
	for t := &s.out; t.n < len(t.b); {
		n, errno := rawWrite(fd, t.b[t.n:])
		t.n += n
		switch errno {
		case 0:
		case syscall.EAGAIN:
			return false
		default:
			t.err = operationError("write", errno)
			return true
		}
	}
	return true
}

// Read implements net.Conn.
func (s *rawStream) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	s.in = transfers{b: b}
	var err error
	if s.held != nil && !s.held.out {
		err = s.readAnswer()
	} else {
		err = s.raw.Read(s.pull)
	}
	n := s.in.n
	if err == nil {
		err = s.in.err
	}
	s.in = transfers{}
	return n, err
}

// readSome reports whether something was read, or cannot be.
func (s *rawStream) readSome(fd uintptr) bool {
	t := &s.in
	n, errno := rawRead(fd, t.b)
	switch {
	case errno == syscall.EAGAIN:
		return false
	case errno != 0:
		t.err = operationError("read", errno)
	case n == 0:
		t.err = io.EOF
	}
	t.n = n
	return true
}

// readAnswer writes what is held, and reads.
func (s *rawStream) readAnswer() error {
	h := s.held
	s.out = transfers{b: h.b}
	err := s.raw.Read(s.ask)
	h.taken, h.err = int64(s.out.n), s.out.err
	rest := s.out.b[s.out.n:]
	s.out = transfers{}
	switch {
	case err != nil && !h.out: // the deadline, before anything was done
		h.out, h.err = true, err
		return err
	case !h.out: // the look has found something
		return nil
	case err != nil || h.err != nil || len(rest) == 0:
		return err
	}
	n, err := s.write(rest)
	if h.taken += int64(n); err != nil {
		h.err = err
	}
	return s.raw.Read(s.pull)
}

// writeThenRead reports whether something was read, or what is held cannot be written now.
// If the target does not take it, what it may have sent before is read.
func (s *rawStream) writeThenRead(fd uintptr) bool {
	switch {
	case s.held.out:
		return s.readSome(fd)
	case s.held.look && s.readSome(fd):
		return true // an end, or what TLS has to read first
	}
	s.held.out = true
	switch whole := s.writeSome(fd); {
	case whole && s.out.err == nil:
		return false
	case whole && !s.readSome(fd):
		s.in.err = s.out.err
	}
	return true
}
