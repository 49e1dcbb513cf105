package bench

import (
	"context"
	"net"
	"testing"
	"time"
)

// The name server answers questions for IPv4 addresses after its time, counts them, and has no
// other addresses.
func TestNameServer(t *testing.T) {
	s, err := startNameServer(t.Context(), 20*time.Millisecond, 5*time.Second)
	if err != nil {
		t.Skip(err)
	}
	defer s.stop()
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", s.conn.LocalAddr().String())
	}}
	begun := time.Now()
	addrs, err := r.LookupNetIP(t.Context(), "ip", "host1.bench.test")
	if err != nil || len(addrs) != 1 || addrs[0].Unmap().String() != "127.0.0.1" {
		t.Errorf("%v, %v", addrs, err)
	}
	if took := time.Since(begun); took < 20*time.Millisecond {
		t.Errorf("it took %v", took)
	}
	if n := s.asked.Load(); n != 1 {
		t.Errorf("%d questions", n)
	}
	if _, ok := s.answer([]byte("no question")); ok {
		t.Error("it answers what is no question")
	}
}
