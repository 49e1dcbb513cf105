package executor

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// anyPort lets the kernel choose any free port of the system's range for a connection.
// By default the kernel first tries every second port and keeps the others for
// listeners. Once some 14,000 connections lead to one address, each further connect
// tries 14,000 ports in vain and costs 1 ms of CPU time instead of 20 us. A socket with
// a port range of its own is exempt from that. The range set here has a lower bound
// below that of the system and no upper bound, so the system's range stays in force.
//
// A server may want to listen on a port that one of these connections has, for example
// a target on this machine that restarts. It can if both sockets have SO_REUSEADDR, which
// servers usually set; so it is set here.
//
// Kernels before 6.3 do not know the option, and those before 6.9 still try every second
// port first. The connection is made in any case.
func anyPort(_, _ string, c syscall.RawConn) error {
	const firstPort = 1 // the last in the upper 16 bits: none
	return c.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_LOCAL_PORT_RANGE, firstPort)
	})
}
