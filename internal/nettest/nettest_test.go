package nettest_test

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/nettest"
)

// While many others listen on ports of the system's choice, nobody gets the one that refuses.
func TestRefusing(t *testing.T) {
	addr := nettest.Refusing(t)
	for range 1_000 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if l.Addr().String() == addr {
			t.Errorf("somebody listens on %s", addr)
		}
		_ = l.Close()
	}
	for range 100 {
		if c, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("a connection to %s: %v, %v", addr, c, err)
		}
	}
}

// After the release the address is free for a listener.
func TestHold(t *testing.T) {
	addr, release := nettest.Hold(t)
	if l, err := net.Listen("tcp", addr); err == nil {
		_ = l.Close()
		t.Fatal("somebody else listens on an address that is held")
	}
	release()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
