package executor

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// anyPort lets the kernel give a connection any port of its range. Left to itself
// it looks through every second one first and keeps the others for those who
// listen: once some 14,000 connections lead to one address, each further connect
// tries 14,000 ports in vain and costs 1 ms of CPU time instead of 20 us. A range
// of our own switches that off; as one bound lies outside the range of the system
// and the other is not said, it is the range of the system.
//
// A port that a connection of ours has may be the one that a server wants to
// listen on, all the more when any may be: a target on this machine that is down
// for a moment. SO_REUSEADDR on both, as servers have it, lets it.
//
// Kernels before 6.3 do not know the option and those before 6.9 look at every
// second port all the same: the connection is made in any case.
func anyPort(_, _ string, c syscall.RawConn) error {
	const firstPort = 1 // the last in the upper 16 bits: none
	return c.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_LOCAL_PORT_RANGE, firstPort)
	})
}
