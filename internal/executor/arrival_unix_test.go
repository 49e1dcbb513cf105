//go:build unix

package executor

import (
	"syscall"
	"testing"
)

// arrival returns when the poller watches a connection on which nothing has
// arrived, and closes the channel when it has reported that something did. It
// reports that once.
func arrival(t *testing.T, p *probe) <-chan struct{} {
	t.Helper()
	watching, arrived := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(arrived)
		asked := false
		if err := p.raw.Read(func(uintptr) bool {
			if !asked {
				close(watching)
			}
			defer func() { asked = true }()
			return asked
		}); err != nil {
			t.Error(err)
		}
	}()
	<-watching
	return arrived
}

// untilArrival waits for the kernel to know of bytes or of a close.
func untilArrival(t *testing.T, p *probe) {
	t.Helper()
	if err := p.raw.Read(func(fd uintptr) bool { return p.peek(fd) && p.errno != syscall.EAGAIN }); err != nil {
		t.Fatal(err)
	}
}
