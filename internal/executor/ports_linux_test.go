package executor

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// localRange returns what a socket asks of the kernel's ports, and whether the
// kernel can be asked at all.
func localRange(t *testing.T, c syscall.RawConn) (value int, known bool) {
	t.Helper()
	var err error
	ask := func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_LOCAL_PORT_RANGE) }
	if broken := c.Control(ask); broken != nil {
		t.Fatal(broken)
	}
	return value, err == nil
}

// A connection may take every port of the system's range, the odd ones and the
// even ones, over IPv4 and IPv6.
func TestConnectionsTakeAnyPort(t *testing.T) {
	d := newTestExecutor(t, Config{}).opener.dialer
	for _, addr := range []string{"127.0.0.1", "::1"} {
		ln, err := net.Listen("tcp", net.JoinHostPort(addr, "0"))
		if err != nil {
			t.Logf("%s: %v", addr, err)
			continue
		}
		t.Cleanup(func() { ln.Close() })
		port := ln.Addr().(*net.TCPAddr).AddrPort().Port()
		c, err := d.dialAddr(context.Background(), netip.MustParseAddr(addr), port)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		raw, err := c.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		switch value, known := localRange(t, raw); {
		case !known:
			t.Skip("this kernel knows no range of a socket's own")
		case value == 0:
			t.Errorf("%s: the connection leaves the choice of the port to the kernel's habit", addr)
		}
	}
}

// A server may listen on the port that one of our connections has, while it is
// open and after it was closed.
func TestConnectionsKeepNoPortFromServers(t *testing.T) {
	d := newTestExecutor(t, Config{}).opener.dialer
	target, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { target.Close() })
	// Another process may have the same port by chance: it would have to be so five times.
	var taken error
	for range 5 {
		c, err := d.dialAddr(context.Background(), netip.MustParseAddr("127.0.0.1"),
			target.Addr().(*net.TCPAddr).AddrPort().Port())
		if err != nil {
			t.Fatal(err)
		}
		taken = portIsFree(c.LocalAddr().String(), "while it is open")
		c.Close() // the first to close waits for a minute
		if taken == nil {
			taken = portIsFree(c.LocalAddr().String(), "after it was closed")
		}
		if taken == nil {
			return
		}
	}
	t.Error(taken)
}

// portIsFree returns why no server can listen at an address.
func portIsFree(addr, when string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%s: %w", when, err)
	}
	return ln.Close()
}
