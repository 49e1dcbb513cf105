//go:build unix

package front

import (
	"context"
	"net"
	"testing"
	"time"
)

// TestTheQueueIsShort: the kernel takes some more connections than the queue is
// long, and then none until somebody accepts.
func TestTheQueueIsShort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ShortenQueue(l, 4)
	taken := 0
	for taken < 64 {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		c, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
		cancel()
		if err != nil {
			break
		}
		taken++
		defer func() { _ = c.Close() }()
	}
	if taken < 4 || taken == 64 {
		t.Errorf("%d connections were taken", taken)
	}
	ShortenQueue(struct{ net.Listener }{}, 4) // no TCP: left alone
}
