package executor

import (
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// 2,000 dials that want to begin at once are spread over most of a second; no
// number of them has one wait longer than the most; a line that has passed has no effect.
func TestPace(t *testing.T) {
	var p pace
	now := time.Unix(1_000, 0)
	var last time.Duration
	for i := range 100_000 {
		wait := p.reserve(now)
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
	if wait := p.reserve(now.Add(time.Minute)); wait != 0 {
		t.Errorf("a minute later one waits for %s", wait)
	}
	if wait := p.reserve(now.Add(time.Minute)); wait != dialGap {
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
		x.hosts.list()[0].noteAnswer()
		if n := after(0); n != freeDials+300 {
			t.Errorf("%d dials once the host has answered", n)
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

// The time in the line is not the target's: a call that has waited there has its
// whole timeout still, and calls that dial one after the other also end so. The
// outcome says how long it was.
func TestTimeInLineIsNotTheTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, timeout = freeDials + maxDials + 300, time.Minute
		g := &gate{open: make(chan struct{}), arrived: make(chan struct{}, n)}
		x := newTestExecutor(t, Config{Guard: g})
		var calls sync.WaitGroup
		ends := make(chan time.Duration, n)
		began := time.Now()
		for range n {
			calls.Go(func() {
				out := do(x, &domain.Call{Method: "POST", URL: "http://127.0.0.1:9/", Timeout: timeout})
				if took := time.Since(began); strings.Contains(out.Error, "timeout") {
					ends <- took
					if took != out.Held+timeout || out.Held > timeout/paceShare {
						t.Errorf("a call took %s, of which %s in the line", took, out.Held)
					}
				}
			})
		}
		time.Sleep(2 * timeout) // those that got a turn to dial wait at the gate
		close(g.open)
		calls.Wait()
		close(ends)
		at := make(map[time.Duration]int)
		for end := range ends {
			at[end]++
		}
		if len(at) < n-freeDials-maxDials-1 {
			t.Errorf("%d calls ended at %d instants", n-maxDials, len(at))
		}
	})
}

// After EndWaiting no call waits for its turn to dial, and those that waited end when
// they would have ended without the line.
func TestEndWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, timeout, waited = freeDials + maxDials + 300, time.Minute, 20 * time.Millisecond
		g := &gate{open: make(chan struct{}), arrived: make(chan struct{}, n)}
		x := newTestExecutor(t, Config{Guard: g})
		var calls sync.WaitGroup
		began, timedOut := time.Now(), make(chan domain.Outcome, n)
		for range n {
			calls.Go(func() {
				out := do(x, &domain.Call{Method: "POST", URL: "http://127.0.0.1:9/", Timeout: timeout})
				if strings.Contains(out.Error, "timeout") {
					timedOut <- out
					if took := time.Since(began); took != timeout+out.Held {
						t.Errorf("a call took %s, held for %s", took, out.Held)
					}
				}
			})
		}
		time.Sleep(waited)
		x.EndWaiting()
		synctest.Wait()
		if n := g.waiting.Load(); n != maxDials {
			t.Errorf("%d dials at once, want %d", n, maxDials)
		}
		time.Sleep(2 * timeout)
		close(g.open)
		calls.Wait()
		close(timedOut)
		ended := 0
		for out := range timedOut {
			if ended++; out.Held > waited {
				t.Errorf("a call was held for %s, and released after %s", out.Held, waited)
			}
		}
		if ended < 300 {
			t.Errorf("%d calls timed out", ended)
		}
	})
}

// A request of which a part has left is begun: the clock of its call runs on.
func TestLineOfCallThatWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{}), arrived: make(chan struct{}, 1)}
		close(g.open)
		x := newTestExecutor(t, Config{Guard: g})
		call := &domain.Call{Method: "POST", URL: "http://127.0.0.1:9/", Timeout: time.Minute}
		do(x, call)
		for _, written := range []int64{0, 1} {
			var out domain.Outcome
			e := newExchange()
			e.begin(x, call, &out)
			e.host, e.written = x.hosts.list()[0], written
			e.host.silent.Store(freeDials + 100)
			e.host.pool.pace.next = monotonic.Now().Add(time.Second)
			e.awaitDialTurn()
			waited := monotonic.Now().Sub(e.begun)
			if remaining := e.deadline.Sub(monotonic.Now()); waited != time.Second ||
				(remaining == time.Minute) != (written == 0) || (out.Held == waited) != (written == 0) {
				t.Errorf("%d bytes sent: waited for %s, noted %s, has %s left", written, waited, out.Held, remaining)
			}
		}
	})
}

// Connections to targets that are down follow each other in an even step, however
// many wait; an answer ends that, and a refusal that takes long is none.
func TestDialsToHostThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		x := newTestExecutor(t, Config{Guard: g})
		var calls sync.WaitGroup
		after := dialsIn(x, g, 1, time.Minute, &calls)
		after(0)
		h := x.hosts.list()[0]
		for range freeDials + 1 {
			h.silent.Add(1)
			h.fail(os.ErrDeadlineExceeded)
		}
		if h.failed.Load() != 0 {
			t.Error("a timeout counts as a failure that came at once")
		}
		for range freeDials + 1 {
			h.fail(errors.New("connection refused"))
		}
		before := g.waiting.Load()
		after = dialsIn(x, g, 300, time.Minute, &calls)
		if n := after(100*failGap+failGap/2) - before; n < 100 || n > 102 {
			t.Errorf("%d dials in the time of 100", n)
		}
		other := &host{pool: h.pool}
		other.failed.Store(freeDials + 1)
		if wait := other.paceOf(monotonic.Now(), monotonic.Now().Add(time.Minute)); wait > maxSharedLine {
			t.Errorf("a dial to another host that is down waits for %s in the line of the first", wait)
		}
		h.noteAnswer()
		if n := after(0) - before; n != 300 {
			t.Errorf("%d dials once the host has answered", n)
		}
		if h.failed.Load() != 0 {
			t.Error("the failures before an answer still count")
		}
		h.silent.Add(1)
		if h.fail(&refusedError{errors.New("no")}); h.failed.Load() != 0 || h.silent.Load() != 0 {
			t.Error("what the guard refuses counts as a dial")
		}
		for range 100_000 {
			if wait := h.failPace.reserveFixed(monotonic.Now(), maxPace); wait > maxPace {
				t.Fatalf("a dial waits for %s", wait)
			}
		}
		close(g.open)
		calls.Wait()
	})
}

// A target that refuses connections is known to be down; one that answers is not.
func TestRefusalsAreCounted(t *testing.T) {
	x := newTestExecutor(t, Config{})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_ = ln.Close()
	call := func() domain.Outcome {
		return do(x, &domain.Call{Method: "POST", URL: "http://" + addr + "/", Timeout: 20 * time.Second})
	}
	for range 3 {
		call()
	}
	h := x.hosts.list()[0]
	if n := h.failed.Load(); n != 3 {
		t.Errorf("%d failures counted, want 3", n)
	}
	if ln, err = net.Listen("tcp", addr); err != nil {
		t.Skip("the port was taken in between: ", err)
	}
	srv := &http.Server{Handler: http.NotFoundHandler()}
	go func() { _ = srv.Serve(ln) }()
	defer srv.Close()
	if out := call(); out.HTTPStatus != http.StatusNotFound || h.failed.Load() != 0 {
		t.Errorf("outcome %+v, %d failures counted after an answer", out, h.failed.Load())
	}
}
