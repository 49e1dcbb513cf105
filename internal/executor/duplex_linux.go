package executor

import (
	"io"
	"net"
	"os"
	"syscall"
)

// duplex sends a request and reads the start of its answer with system calls that are
// hidden from Go's scheduler. The scheduler assumes that a system call may block: its
// monitor takes the processor away from a thread that stays in one for more than 20 us.
// On a busy machine this happens at every other write; each time another thread is woken
// and this one sleeps. Neither of the two calls blocks here.
type duplex struct {
	step func(fd uintptr) bool // bound once, so that an exchange allocates nothing

	request, answer []byte
	look            bool // see whether the connection is open before writing to it
	sent            bool // the request was given to the kernel, as far as it took it
	wrote, read     int
	sendErr, err    error
}

// rawTCP returns what a duplex needs of a connection, or nil if that is no plain
// one of TCP.
func rawTCP(c net.Conn) syscall.RawConn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// exchange writes the request and reads the first bytes of the answer, within the
// connection's deadline. If the kernel does not take the whole request, nothing is read:
// the caller has to write the rest, unless sendErr says that this is pointless. With look,
// the connection is checked first: if it is closed or bytes have arrived, nothing is
// written and errStale is returned. warmFor says when the check is omitted.
func (d *duplex) exchange(raw syscall.RawConn, request, answer []byte, look bool) (wrote, read int,
	sendErr, err error) {
	if d.step == nil {
		d.step = d.advance
	}
	*d = duplex{step: d.step, request: request, answer: answer, look: look}
	// A turn of reading has two parts. The poller drops what it has reported,
	// and then step is called, after each report again until it has finished.
	err = raw.Read(d.step)
	d.request, d.answer = nil, nil
	if err == nil {
		err = d.err
	}
	return d.wrote, d.read, d.sendErr, err
}

// advance reports whether the exchange is over. It looks before it writes, since
// what had been reported before this turn is reported no more, and what the look
// does not find is reported afterwards. No answer can be there right after the
// request was written: it is waited for at once.
func (d *duplex) advance(fd uintptr) bool {
	if !d.sent {
		d.sent = true
		return !d.send(fd)
	}
	n, errno := rawRead(fd, d.answer)
	switch {
	case errno == syscall.EAGAIN:
		return false
	case errno != 0:
		d.err = operationError("read", errno)
	case n == 0:
		d.err = io.EOF
	}
	d.read = n
	return true
}

// send looks, writes, and reports whether the kernel took the whole request.
func (d *duplex) send(fd uintptr) bool {
	if d.look {
		if _, errno := rawRead(fd, d.answer); errno != syscall.EAGAIN {
			d.sendErr = errStale
			return false
		}
	}
	n, errno := rawWrite(fd, d.request)
	if errno != 0 && errno != syscall.EAGAIN {
		d.sendErr = operationError("write", errno)
	}
	d.wrote = n
	return n == len(d.request)
}

// operationError makes the error that package net would have returned.
func operationError(op string, errno syscall.Errno) error {
	return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, errno)}
}
