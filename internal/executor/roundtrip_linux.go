package executor

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// roundTripOf returns the time of a round trip to the other end of a connection that was just
// opened, as the kernel has measured it: the time of a dial has the wait for a processor in it.
// Zero: not known.
func roundTripOf(c net.Conn) (took time.Duration) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return 0
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			took = time.Duration(info.Rtt) * time.Microsecond
		}
	})
	return took
}
