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
	push func(fd uintptr) bool // bound once, so that a call allocates nothing
	pull func(fd uintptr) bool
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
	s.push, s.pull = s.writeSome, s.readSome
	return s
}

// Write implements net.Conn.
func (s *rawStream) Write(b []byte) (int, error) {
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
	err := s.raw.Read(s.pull)
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
