//go:build !race

package executor

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rawWrite writes to a socket that does not block. The calls that only sockets
// know take a shorter way through the kernel than write and read.
func rawWrite(fd uintptr, b []byte) (n int, errno syscall.Errno) {
	return transfer(unix.SYS_SENDTO, fd, b, unix.MSG_NOSIGNAL)
}

// rawRead reads from a socket that does not block.
func rawRead(fd uintptr, b []byte) (n int, errno syscall.Errno) {
	return transfer(unix.SYS_RECVFROM, fd, b, 0)
}

// rawPeek reads from a socket without taking what it reads, and does not wait.
func rawPeek(fd uintptr, b []byte) (n int, errno syscall.Errno) {
	return transfer(unix.SYS_RECVFROM, fd, b, unix.MSG_PEEK|unix.MSG_DONTWAIT)
}

func transfer(trap, fd uintptr, b []byte, flags uintptr) (n int, errno syscall.Errno) {
	for {
		r, _, errno := syscall.RawSyscall6(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))),
			uintptr(len(b)), flags, 0, 0)
		switch errno {
		case 0:
			return int(r), 0
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}
