package resolve

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/resolve/dnstest"
	"golang.org/x/net/dns/dnsmessage"
)

// A server is silent when its timeout has passed, whether the context or the connection
// notices first, and not when nobody waits for it any more.
func TestSilenceIsSeen(t *testing.T) {
	s := dnstest.Serve(t)
	s.Set("silent.test.", dnstest.Record{Lose: func(int, dnsmessage.Type) bool { return true }})
	s.SetAddrs("known.test.", 60, "192.0.2.1")
	ask := func(name string, timeout time.Duration, cancelled bool) (seen []bool) {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		raw, err := s.Dial(ctx, "udp", "")
		if err != nil {
			t.Fatal(err)
		}
		c := newPacketServer(ctx, raw.(*net.UDPConn), new(exchanges),
			func(answered bool) { seen = append(seen, answered) })
		defer c.Close()
		deadline, _ := ctx.Deadline()
		if err := c.SetDeadline(deadline); err != nil {
			t.Fatal(err)
		}
		m := dnsmessage.Message{Header: dnsmessage.Header{ID: 7}, Questions: []dnsmessage.Question{
			{Name: dnsmessage.MustNewName(name), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
		packed, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(packed); err != nil {
			t.Fatal(err)
		}
		if cancelled {
			cancel()
		}
		_, _ = c.Read(make([]byte, 512))
		return seen
	}
	for range 10 {
		if seen := ask("silent.test.", 100*time.Millisecond, false); len(seen) != 1 || seen[0] {
			t.Fatalf("silent: %v", seen)
		}
	}
	if seen := ask("silent.test.", time.Minute, true); len(seen) != 0 {
		t.Errorf("cancelled: %v", seen)
	}
	if seen := ask("known.test.", time.Minute, false); len(seen) != 1 || !seen[0] {
		t.Errorf("answered: %v", seen)
	}
}
