//go:build unix

package executor

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// probe asks the kernel whether anything has arrived on a connection: bytes,
// a close or a reset. It reads nothing and does not wait.
type probe struct {
	raw   syscall.RawConn
	peek  func(fd uintptr) bool // bound once, so that asking allocates nothing
	buf   [1]byte
	errno syscall.Errno
}

func newProbe(c net.Conn) *probe {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return &probe{}
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return &probe{}
	}
	p := &probe{raw: raw}
	p.peek = func(fd uintptr) bool {
		_, p.errno = rawPeek(fd, p.buf[:])
		return true
	}
	return p
}

// ended reports whether the peer has closed its side and all that it sent before
// was read. Unlike state it may be asked after the connection's deadline.
func (p *probe) ended() bool {
	if p.raw == nil {
		return false
	}
	n := -1
	err := p.raw.Control(func(fd uintptr) {
		n, p.errno = rawPeek(fd, p.buf[:])
	})
	return err == nil && p.errno == 0 && n == 0
}

// state asks whether the connection is open and nothing has arrived: on an idle
// connection, bytes are a TLS close or an answer that nobody asked for.
func (p *probe) state() connState {
	if p.raw == nil {
		return connUnknown
	}
	p.errno = 0
	err := p.raw.Read(p.peek)
	if err == nil && p.errno == syscall.EAGAIN {
		return connQuiet
	}
	return connStale
}

// stateIdle is state, but may be asked after the connection's deadline.
func (p *probe) stateIdle() connState {
	if p.raw == nil {
		return connUnknown
	}
	state := connStale
	_ = p.raw.Control(func(fd uintptr) {
		if _, errno := rawPeek(fd, p.buf[:]); errno == syscall.EAGAIN {
			state = connQuiet
		}
	})
	return state
}

// readArrived reads what has arrived. If that is nothing, it fails as at a deadline, and
// does not wait.
func (p *probe) readArrived(b []byte) (n int, err error) {
	closed := p.raw.Control(func(fd uintptr) {
		n, _, err = syscall.Recvfrom(int(fd), b, syscall.MSG_DONTWAIT)
	})
	switch {
	case closed != nil:
		return 0, closed
	case errors.Is(err, syscall.EAGAIN):
		return 0, os.ErrDeadlineExceeded
	case err == nil && n == 0:
		return 0, io.EOF
	}
	return max(0, n), err
}
