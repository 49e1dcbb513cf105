package executor

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Ways in which a peer ends a connection. One that lingers has closed its side
// and reads what comes for a while, to no avail: no answer and no reset follow.
const (
	byClose  = "closed"
	byReset  = "reset"
	byLinger = "lingering"
)

// closedBehind makes the first connection end after one answer and returns
// when the close has reached this side.
func closedBehind(t *testing.T, x *Executor, closed chan net.Conn, k *counter, how string) {
	t.Helper()
	mustSucceed(t, x, newCall(k.url()))
	c := (<-closed).(*net.TCPConn)
	arrived := arrival(t, onlyHost(t, x).idle[0].probe)
	defer func() { <-arrived }()
	switch how {
	case byReset:
		_ = c.SetLinger(0)
		_ = c.Close()
	case byLinger:
		_ = c.CloseWrite()
	default:
		_ = c.Close()
	}
}

// handOver lets the first connection answer once, and hands it out for the
// test to close.
func handOver(closed chan net.Conn) func(n, answered int, c net.Conn) bool {
	return func(n, answered int, c net.Conn) bool {
		if n == 1 && answered == 1 {
			closed <- c
			_, _ = io.Copy(io.Discard, c)
			return false
		}
		return true
	}
}

func TestStaleConnection(t *testing.T) {
	for _, how := range []string{byClose, byReset, byLinger} {
		for _, once := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s once=%v", how, once), func(t *testing.T) {
				closed := make(chan net.Conn, 1)
				k := count(t, handOver(closed))
				x := newTestExecutor(t, Config{})
				closedBehind(t, x, closed, k, how)
				setLastUse(t, x, -warmFor)
				call := newCall(k.url())
				call.Once, call.Body = once, []byte("second")
				mustSucceed(t, x, call)
				k.want(t, 2, 2)
				if k.bodies[1] != "second" {
					t.Errorf("body %q", k.bodies[1])
				}
			})
		}
	}
}

// setLastUse sets when the only idle connection was last used, from now.
func setLastUse(t *testing.T, x *Executor, d time.Duration) {
	t.Helper()
	p := onlyHost(t, x)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle[0].lastUse = monotonic.Now().Add(d)
}

// A warm connection is not looked at: the request is written, and nobody can tell
// whether it was read. It is an attempt that failed, and the host is known for it
// from then on. A call that is at most once has looked.
func TestStaleWarmConnection(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the words of the system differ")
	}
	for _, how := range []string{byClose, byReset} {
		for _, once := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s once=%v", how, once), func(t *testing.T) {
				closed := make(chan net.Conn, 1)
				k := count(t, handOver(closed))
				x := newTestExecutor(t, Config{})
				closedBehind(t, x, closed, k, how)
				setLastUse(t, x, time.Minute)
				call := newCall(k.url())
				call.Once = once
				switch out := do(x, call); {
				case once, how == byReset: // the write itself failed, or there was a look
					wantOutcome(t, out, domain.Outcome{Verdict: success, HTTPStatus: 200})
					k.want(t, 2, 2)
				default:
					wantOutcome(t, out, domain.Outcome{Verdict: retry, Error: out.Error, MaybeSent: true})
					if !strings.HasSuffix(out.Error, "before a response (a connection kept from an earlier call)") {
						t.Errorf("error %q", out.Error)
					}
					k.want(t, 1, 1)
				}
				if !onlyHost(t, x).wary.Load() {
					t.Error("nothing was learned")
				}
			})
		}
	}
}

// halfClosing is a target that hands out each connection after the first answer on it.
// When the connection is closed, it reports how many bytes came after that answer.
func halfClosing(t *testing.T) (k *counter, closed chan net.Conn, after chan int64) {
	closed, after = make(chan net.Conn, 1), make(chan int64, 3)
	return count(t, func(_, answered int, c net.Conn) bool {
		if answered == 1 {
			closed <- c
			n, _ := io.Copy(io.Discard, c)
			after <- n
			return false
		}
		return true
	}), closed, after
}

// The price of it: a peer that half closes right after an answer is waited for
// until the deadline. It does so once: then its connections are looked at again.
func TestLingeringWarmConnection(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("connections are always looked at here")
	}
	atTimeout(t, func(timeout time.Duration) string {
		k, closed, _ := halfClosing(t)
		x := newTestExecutor(t, Config{})
		closedBehind(t, x, closed, k, byLinger)
		setLastUse(t, x, time.Minute)
		call := newCall(k.url())
		call.Timeout = timeout
		if out := do(x, call); out.Verdict != domain.VerdictRetry || !out.MaybeSent {
			return fmt.Sprintf("outcome %+v", out)
		}
		closedBehind(t, x, closed, k, byLinger)
		setLastUse(t, x, time.Minute)
		mustSucceed(t, x, newCall(k.url()))
		k.want(t, 3, 3)
		return ""
	})
}

// A call that is at most once is not sent there at all.
func TestOnceOnALingeringWarmConnection(t *testing.T) {
	k, closed, after := halfClosing(t)
	x := newTestExecutor(t, Config{})
	closedBehind(t, x, closed, k, byLinger)
	setLastUse(t, x, time.Minute)
	call := newCall(k.url())
	call.Once = true
	mustSucceed(t, x, call)
	k.want(t, 2, 2)
	if n := <-after; n != 0 {
		t.Errorf("%d bytes were sent where nobody answers", n)
	}
}
