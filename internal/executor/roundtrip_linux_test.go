package executor

import (
	"net"
	"testing"
	"time"
)

// The kernel knows the time of a round trip from the opening on.
func TestRoundTripOf(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if took := roundTripOf(c); took <= 0 || took > time.Minute {
		t.Errorf("a round trip on this machine takes %s", took)
	}
	in, out := net.Pipe()
	defer in.Close()
	defer out.Close()
	if took := roundTripOf(in); took != 0 {
		t.Errorf("a pipe has a round trip of %s", took)
	}
}
