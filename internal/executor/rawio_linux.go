//go:build !race

package executor

import (
	"syscall"
	"unsafe"
)

// rawWrite writes to a socket that does not block.
func rawWrite(fd uintptr, b []byte) (n int, errno syscall.Errno) {
	return transfer(syscall.SYS_WRITE, fd, b)
}

// rawRead reads from a socket that does not block.
func rawRead(fd uintptr, b []byte) (n int, errno syscall.Errno) {
	return transfer(syscall.SYS_READ, fd, b)
}

func transfer(trap, fd uintptr, b []byte) (n int, errno syscall.Errno) {
	for {
		r, _, errno := syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch errno {
		case 0:
			return int(r), 0
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}
