package executor

import (
	"crypto/tls"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/nettest"
)

// prepare has connections prepared for so many calls to a URL.
func prepare(x *Executor, url string, calls int) {
	x.Prepare(&domain.Upcoming{URL: url, Calls: calls, In: prompt})
}

// untilIdle waits until the only host has so many idle connections, and none is under way.
func untilIdle(t *testing.T, x *Executor, n int) {
	t.Helper()
	p := onlyHost(t, x)
	idle, opening := 0, 0
	for end := time.Now().Add(ample); time.Now().Before(end); time.Sleep(time.Millisecond) {
		p.mu.Lock()
		idle, opening = len(p.idle), p.opening
		inLine := p.ahead.inLine
		p.mu.Unlock()
		if idle == n && opening == 0 && !inLine {
			return
		}
	}
	t.Fatalf("%d idle connections, %d under way, want %d", idle, opening, n)
}

// Before its instant a lone https call has its name, its connection and its handshake. At the
// instant only the request is left, also for a call that is at most once. The tickets that
// TLS sends right after the handshake do not count as bytes that nobody asked for.
func TestPrepare(t *testing.T) {
	for _, once := range []bool{false, true} {
		ca := newAuthority(t)
		server := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.sign(t, nil)},
			ClientAuth: tls.RequestClientCert}) // so tickets come after the handshake, as OpenSSL sends them
		x := newTLSExecutor(t, Config{RootCAs: ca.pool})
		url := server.under("hook.test")
		prepare(x, url, 1)
		untilIdle(t, x, 1)
		prepare(x, url, 1)
		untilIdle(t, x, 1)
		for end := time.Now().Add(ample); server.handshakes.Load() == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("no handshake before the call")
			}
		}
		p := onlyHost(t, x)
		p.mu.Lock()
		p.idle[0].lastUse = p.idle[0].lastUse.Add(-500 * time.Millisecond)
		p.mu.Unlock()
		call := newCall(url)
		call.Once = once
		mustSucceed(t, x, call)
		if n := server.handshakes.Load(); n != 1 {
			t.Errorf("%d handshakes with the call, want 1", n)
		}
		if p.cond.State() != host.Answering || p.cond.Dials.UnderWay() != 0 {
			t.Errorf("the host is %d", p.cond.State())
		}
		m := x.cfg.Metrics.Prepared
		if o, u := testutil.ToFloat64(m.Opened), testutil.ToFloat64(m.Used); o != 1 || u != 1 {
			t.Errorf("%v prepared, %v used, want one each", o, u)
		}
		mustSucceed(t, x, call)
		if u := testutil.ToFloat64(m.Used); u != 1 {
			t.Errorf("%v prepared connections used, want 1", u)
		}
	}
}

// One connection is opened for each call that is due at the instant, and none that is there.
func TestPrepareOpensWhatIsNeeded(t *testing.T) {
	k := count(t, always)
	x := newTestExecutor(t, Config{})
	prepare(x, k.url(), 3)
	untilIdle(t, x, 3)
	prepare(x, k.url(), 3)
	prepare(x, k.url(), 1)
	untilIdle(t, x, 3)
	prepare(x, k.url(), 5)
	untilIdle(t, x, 5)
	k.want(t, 5, 0)
}

// An idle connection that the host has closed is found before the calls are due, and a new one
// opened.
func TestPrepareFindsClosedConnections(t *testing.T) {
	var closes atomic.Bool
	closes.Store(true)
	ended := make(chan struct{}, 1)
	k := count(t, func(_, answered int, c net.Conn) bool {
		if answered == 1 && closes.CompareAndSwap(true, false) {
			_ = c.Close()
			ended <- struct{}{}
			return false
		}
		return true
	})
	x := newTestExecutor(t, Config{})
	mustSucceed(t, x, newCall(k.url()))
	<-ended
	p := onlyHost(t, x)
	p.mu.Lock()
	p.idle[0].lastUse = p.idle[0].lastUse.Add(-10 * time.Second)
	p.mu.Unlock()
	prepare(x, k.url(), 1)
	untilIdle(t, x, 1)
	k.want(t, 2, 1)
	mustSucceed(t, x, newCall(k.url()))
	k.want(t, 2, 2)
}

// That a connection cannot be opened is told by nobody, but known of the host: after some of
// them it is not dialled any more before its calls are due.
func TestPrepareFails(t *testing.T) {
	url := "http://" + nettest.Refusing(t) + "/"
	x := newTestExecutor(t, Config{})
	for range 2 * host.FreeDials {
		prepare(x, url, 1)
		untilIdle(t, x, 0)
	}
	if n := testutil.ToFloat64(x.cfg.Metrics.Prepared.Failed); n != host.FreeDials {
		t.Errorf("%v dials of a host that does not answer, want %d", n, host.FreeDials)
	}
	p := onlyHost(t, x)
	p.cond.Dials.Begin() // of a call
	if p.cond.State() == host.Answering || expectCalls(p, &domain.Upcoming{Calls: 1, In: prompt}, monotonic.Now()) {
		t.Error("a host that refuses is dialled before its calls are due")
	}
}

// Nothing is opened ahead while the processor is busy, nor for calls that are due by now. An
// opening that was begun before goes to a call that waits meanwhile.
func TestAheadLine(t *testing.T) {
	b := newPoolBench(t, Config{})
	now := monotonic.Now()
	expect := func(calls int) {
		t.Helper()
		if !expectCalls(b.p, &domain.Upcoming{Calls: calls, In: time.Second}, now) {
			t.Fatal("nothing is to be opened")
		}
	}
	var begun []*waiter
	line := aheadLine{pools: []*pool{b.p}}
	turn := func(now time.Time, lag time.Duration) {
		allowed := host.TurnNow{Lag: lag, Cores: 1}.Allow()
		line.turn(now, &allowed, func(_ *pool, w *waiter) { begun = append(begun, w) })
	}
	expect(2)
	turn(now, time.Second)
	b.want("busy", 0, 0, 0, 0)
	turn(now, 0)
	b.want("calm", 1, 1, 0, 0)
	call := b.wait(false)
	turn(now, 0)
	if len(line.pools) != 0 || len(begun) != 1 {
		t.Error("it is in line while a call waits")
	}
	b.p.arrived(begun[0], supply{conn: b.conn()})
	if b.got(call).conn == nil {
		t.Error("the call that waits has got no connection")
	}
	b.p.cond.Connecting(-1)
	b.want("used at once", 1, 0, 0, 0)

	expect(2)
	line.pools = append(line.pools, b.p)
	turn(now.Add(time.Second), 0)
	if len(line.pools) != 0 || len(begun) != 1 {
		t.Error("it is in line when the calls are due")
	}
}
