package executor

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// 2,000 dials that want to begin at once are spread over most of a second; no
// number of them has one wait longer than the most; a line that was is forgotten.
func TestPace(t *testing.T) {
	var p pace
	now := time.Unix(1_000, 0)
	var last time.Duration
	for i := range 100_000 {
		wait := p.book(now)
		switch {
		case i == 0 && wait != 0:
			t.Fatalf("the first one waits for %s", wait)
		case wait < last || wait > maxPace:
			t.Fatalf("dial %d waits for %s, the one before it for %s", i, wait, last)
		case i == 2_000 && (wait < 600*time.Millisecond || wait > 950*time.Millisecond):
			t.Errorf("2,000 dials are spread over %s", wait)
		}
		last = wait
	}
	if wait := p.book(now.Add(time.Minute)); wait != 0 {
		t.Errorf("a minute later one waits for %s", wait)
	}
	if wait := p.book(now.Add(time.Minute)); wait != dialGap {
		t.Errorf("the second one waits for %s", wait)
	}
}

// dialsIn makes n calls of a host at one instant of a bubble and returns how
// many of them dial once the time has passed.
func dialsIn(x *Executor, g *gate, n int, timeout time.Duration, calls *sync.WaitGroup) func(time.Duration) int64 {
	g.arrived = make(chan struct{}, n)
	for range n {
		calls.Go(func() { do(x, &domain.Call{Method: "POST", URL: "http://127.0.0.1:9/", Timeout: timeout}) })
	}
	return func(d time.Duration) int64 {
		time.Sleep(d + 1) // of the bubble: past what is due at this very instant
		synctest.Wait()
		return g.waiting.Load()
	}
}

// To a host that is silent the first dials begin at once and the others one
// after the other; its first answer lets go all that wait.
func TestDialsToSilentHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		x := newTestExecutor(t, Config{Guard: g})
		var calls sync.WaitGroup
		after := dialsIn(x, g, freeDials+300, time.Minute, &calls)
		if n := after(0); n != freeDials+1 {
			t.Errorf("%d dials at once, want %d", n, freeDials+1)
		}
		if n := after(100*dialGap + dialGap/2); n < freeDials+100 || n > freeDials+105 {
			t.Errorf("%d dials in the time of 100", n)
		}
		x.hosts.list()[0].heard()
		if n := after(0); n != freeDials+300 {
			t.Errorf("%d dials once the host is heard", n)
		}
		close(g.open)
		calls.Wait()
	})
}

// A call spends no more than its share in the line, and the end of the executor
// ends the wait.
func TestPaceKeepsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		x := newTestExecutor(t, Config{Guard: g})
		var calls sync.WaitGroup
		after := dialsIn(x, g, freeDials+300, 40*time.Millisecond, &calls)
		if n := after(40 * time.Millisecond / paceShare); n != freeDials+300 {
			t.Errorf("%d dials after a quarter of the timeout", n)
		}
		close(g.open)
		calls.Wait()
	})
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		x := newTestExecutor(t, Config{Guard: g})
		var calls sync.WaitGroup
		after := dialsIn(x, g, freeDials+300, time.Minute, &calls)
		after(0)
		x.stop()
		if n := after(0); n != freeDials+300 {
			t.Errorf("%d dials after the end of the executor", n)
		}
		close(g.open)
		calls.Wait()
	})
}
