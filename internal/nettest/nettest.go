package nettest

import (
	"context"
	"errors"
	"net"
	"testing"
)

// Refusing returns an address of 127.0.0.1 at which connections are refused until the test ends.
func Refusing(t testing.TB) string {
	t.Helper()
	addr, release := Hold(t)
	t.Cleanup(release)
	return addr
}

// Hold returns an address at which connections are refused until release is called. The caller
// calls it once; then somebody may listen there.
//
// The address is the local one of a connection: its port is bound, so the system gives it to no
// listener and to no other connection, and nobody listens on it.
func Hold(t testing.TB) (addr string, release func()) {
	t.Helper()
	loopback := net.IPv4(127, 0, 0, 1)
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: loopback})
	if err != nil {
		t.Fatal(err)
	}
	// The port of the local address is chosen by bind, not by connect. One that connect has
	// chosen may be given to other connections, also to one that then meets itself.
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: loopback}}
	c, err := dialer.DialContext(context.Background(), "tcp4", l.Addr().String())
	if err != nil {
		_ = l.Close()
		t.Fatal(err)
	}
	return c.LocalAddr().String(), func() {
		if err := errors.Join(c.(*net.TCPConn).SetLinger(0), c.Close(), l.Close()); err != nil {
			t.Errorf("an address is released: %v", err)
		}
	}
}
