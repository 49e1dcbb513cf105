//go:build unix && !linux

package executor

import "syscall"

// rawPeek reads from a socket without taking what it reads, and does not wait.
func rawPeek(fd uintptr, b []byte) (n int, errno syscall.Errno) {
	return peek(fd, b)
}
