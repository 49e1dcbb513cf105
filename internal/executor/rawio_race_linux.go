//go:build race

package executor

import (
	"errors"
	"syscall"
)

// The race detector takes a write and a read of package syscall for an order
// between the two ends of a connection, and tests rely on that order.

func rawWrite(fd uintptr, b []byte) (n int, errno syscall.Errno) {
	n, err := syscall.Write(int(fd), b)
	return noError(n, err)
}

func rawRead(fd uintptr, b []byte) (n int, errno syscall.Errno) {
	n, err := syscall.Read(int(fd), b)
	return noError(n, err)
}

func rawPeek(fd uintptr, b []byte) (n int, errno syscall.Errno) { return peek(fd, b) }

func noError(n int, err error) (int, syscall.Errno) {
	errno, _ := errors.AsType[syscall.Errno](err)
	return max(0, n), errno
}
