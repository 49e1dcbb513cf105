package executor

import (
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/host"
)

// gate is a guard at which every dial waits.
type gate struct {
	open    chan struct{}
	arrived chan struct{}
	waiting atomic.Int64
}

var errGate = errors.New("closed for the test")

func (*gate) CheckName(string, uint16) error { return nil }

func (g *gate) CheckAddr(string, netip.AddrPort) error {
	g.waiting.Add(1)
	g.arrived <- struct{}{}
	<-g.open
	g.waiting.Add(-1)
	return errGate
}

// So many connections to a host are opened at a time and no more. Those that
// wait for their turn give up in time, and other hosts do not wait with them.
func TestDialsAtATime(t *testing.T) {
	g := &gate{open: make(chan struct{}), arrived: make(chan struct{})}
	x := newTestExecutor(t, Config{Guard: g, MaxConnsPerHost: 2 * host.MaxDials})
	var calls sync.WaitGroup
	outcomes := make(chan domain.Outcome, host.MaxDials)
	for range host.MaxDials {
		calls.Go(func() {
			outcomes <- do(x, &domain.Call{Method: "POST", URL: "http://127.0.0.1:9/", Timeout: time.Minute})
		})
	}
	for range host.MaxDials {
		<-g.arrived
	}
	late := do(x, &domain.Call{Method: "POST", URL: "http://127.0.0.1:9/", Timeout: 50 * time.Millisecond})
	if late.Verdict != domain.VerdictRetry || !strings.Contains(late.Error, "timeout") ||
		g.waiting.Load() != host.MaxDials {
		t.Errorf("one too many: %+v, %d dials", late, g.waiting.Load())
	}
	other := make(chan domain.Outcome, 1)
	go func() {
		other <- do(x, &domain.Call{Method: "POST", URL: "http://127.0.0.1:10/", Timeout: time.Minute})
	}()
	<-g.arrived
	close(g.open)
	calls.Wait()
	<-other
	for range host.MaxDials {
		if out := <-outcomes; !strings.Contains(out.Error, errGate.Error()) {
			t.Errorf("%+v", out)
		}
	}
}
