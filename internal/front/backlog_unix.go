//go:build unix

package front

import (
	"net"

	"golang.org/x/sys/unix"
)

// ShortenQueue sets how many connections the kernel holds for a listener, of
// which Go always asks for as many as the system allows. Where that fails the
// queue stays as long as it was, which only makes it slower.
func ShortenQueue(l net.Listener, n int) {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { _ = unix.Listen(int(fd), n) })
}
