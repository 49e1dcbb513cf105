//go:build unix && (race || !linux)

package executor

import (
	"errors"
	"syscall"
)

// peek is rawPeek by way of package syscall.
func peek(fd uintptr, b []byte) (int, syscall.Errno) {
	n, _, err := syscall.Recvfrom(int(fd), b, syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	errno, _ := errors.AsType[syscall.Errno](err)
	return max(0, n), errno
}
