package executor

import (
	"context"
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
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/nettest"
)

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
		after := dialsIn(x, g, host.FreeDials+300, time.Minute, &calls)
		if n := after(0); n != 1 {
			t.Errorf("%d dials at once, want one: the others wait for its connection", n)
		}
		if n := after(3 * host.Turn); n < host.FreeDials+1 || n > host.FreeDials+10 {
			t.Errorf("%d dials soon after, want %d", n, host.FreeDials+1)
		}
		if n := after(100 * host.SilentGap); n < host.FreeDials+95 || n > host.FreeDials+110 {
			t.Errorf("%d dials in the time of 100", n)
		}
		x.pools.list()[0].cond.Dials.Answered()
		if n := after(0); n != host.FreeDials+300 {
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
		after := dialsIn(x, g, host.FreeDials+300, 40*time.Millisecond, &calls)
		if n := after(40 * time.Millisecond / host.CallShare); n != host.FreeDials+300 {
			t.Errorf("%d dials after a quarter of the timeout", n)
		}
		close(g.open)
		calls.Wait()
	})
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		x := newTestExecutor(t, Config{Guard: g})
		var calls sync.WaitGroup
		after := dialsIn(x, g, host.FreeDials+300, time.Minute, &calls)
		after(0)
		x.stop()
		if n := after(0); n != host.FreeDials+300 {
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
		const n, timeout = host.FreeDials + host.MaxDials + 300, time.Minute
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
					if took != out.Held+timeout || out.Held > timeout/host.CallShare {
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
		if len(at) < n-host.FreeDials-host.MaxDials-1 {
			t.Errorf("%d calls ended at %d instants", n-host.MaxDials, len(at))
		}
	})
}

// After EndWaiting no call waits for its turn to dial, and those that waited end when
// they would have ended without the line.
func TestEndWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, timeout, waited = host.FreeDials + host.MaxDials + 300, time.Minute, 20 * time.Millisecond
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
		if n := g.waiting.Load(); n != host.MaxDials {
			t.Errorf("%d dials at once, want %d", n, host.MaxDials)
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

// A request of which a part has left is begun: the clock of its call runs on. So it does
// after EndWaiting.
func TestWaitOfCallThatWasSent(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000, 0)
	const waited = 40 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	o := &opener{waiting: ctx}
	w := &waiter{since: now, deadline: now.Add(time.Minute), unsent: true}
	if until := o.until(w, now.Add(waited+time.Millisecond/20)); !until.Equal(w.deadline.Add(waited)) {
		t.Errorf("ends %s after its deadline", until.Sub(w.deadline))
	}
	cancel()
	if until := o.until(w, now.Add(waited)); !until.Equal(w.deadline) {
		t.Errorf("after EndWaiting it ends %s after its deadline", until.Sub(w.deadline))
	}
	o.waiting, w.unsent = t.Context(), false
	if until := o.until(w, now.Add(waited)); !until.Equal(w.deadline) {
		t.Errorf("one of which a part was sent ends %s after its deadline", until.Sub(w.deadline))
	}
}

// Connections to targets that are down follow each other in an even step, however
// many wait; an answer ends that. A timeout is no failure that came at once, and what
// the guard refuses is no dial.
func TestDialsToHostThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		x := newTestExecutor(t, Config{Guard: g})
		var calls sync.WaitGroup
		after := dialsIn(x, g, 1, time.Minute, &calls)
		after(0)
		p := onlyHost(t, x)
		for range host.FreeDials + 1 {
			p.cond.Dials.Begin()
			noteFault(&p.cond.Dials, os.ErrDeadlineExceeded)
		}
		if s := p.cond.Dials.State(); s != host.Silent {
			t.Errorf("state %d after timeouts", s)
		}
		for range host.FreeDials + 1 {
			noteFault(&p.cond.Dials, errors.New("connection refused"))
		}
		if s := p.cond.Dials.State(); s != host.Refusing {
			t.Errorf("state %d after refusals", s)
		}
		before := g.waiting.Load()
		after = dialsIn(x, g, 300, time.Minute, &calls)
		if n := after(100*host.FailGap+host.FailGap/2) - before; n < 95 || n > 102 {
			t.Errorf("%d dials in the time of 100", n)
		}
		p.cond.Dials.Answered()
		if n := after(0) - before; n != 300 {
			t.Errorf("%d dials once the host has answered", n)
		}
		if s := p.cond.Dials.State(); s != host.Answering {
			t.Errorf("state %d after an answer", s)
		}
		for range host.FreeDials + 1 {
			p.cond.Dials.Begin()
		}
		if noteFault(&p.cond.Dials, &refusedError{errors.New("no")}); p.cond.Dials.State() != host.Answering {
			t.Error("what the guard refuses counts as a dial")
		}
		close(g.open)
		calls.Wait()
	})
}

// A target that refuses connections is known to be down; one that answers is not.
func TestRefusalsAreCounted(t *testing.T) {
	x := newTestExecutor(t, Config{})
	addr, release := nettest.Hold(t)
	call := func() domain.Outcome {
		return do(x, &domain.Call{Method: "POST", URL: "http://" + addr + "/", Timeout: 20 * time.Second})
	}
	for range host.FreeDials + 1 {
		call()
	}
	dials := &onlyHost(t, x).cond.Dials
	if s := dials.State(); s != host.Refusing {
		t.Errorf("state %d after %d refusals", s, host.FreeDials+1)
	}
	release()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skip("the port was taken in between: ", err)
	}
	srv := &http.Server{Handler: http.NotFoundHandler()}
	go func() { _ = srv.Serve(ln) }()
	defer srv.Close()
	if out := call(); out.HTTPStatus != http.StatusNotFound || dials.State() != host.Answering {
		t.Errorf("outcome %+v, state %d after an answer", out, dials.State())
	}
}
