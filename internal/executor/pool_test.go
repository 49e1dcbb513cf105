package executor

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// counter is a keep-alive server that counts connections and requests.
type counter struct {
	*rawServer
	conns, requests atomic.Int64
	mu              sync.Mutex
	bodies          []string
}

// count answers each request; before that, on the nth connection, with the
// requests answered on it so far, serve may do otherwise by returning false.
func count(t testing.TB, serve func(n, answered int, c net.Conn) bool) *counter {
	k := new(counter)
	k.rawServer = serveRaw(t, func(n int, c net.Conn) {
		k.conns.Add(1)
		br := bufio.NewReader(c)
		for answered := 0; ; answered++ {
			if !serve(n, answered, c) {
				return
			}
			_, body, ok := readRequest(br)
			if !ok {
				return
			}
			k.requests.Add(1)
			k.mu.Lock()
			k.bodies = append(k.bodies, body)
			k.mu.Unlock()
			_, _ = io.WriteString(c, rawResponse(200, "ok"))
		}
	})
	return k
}

func always(int, int, net.Conn) bool { return true }

func (k *counter) want(t *testing.T, conns, requests int64) {
	t.Helper()
	if c, r := k.conns.Load(), k.requests.Load(); c != conns || r != requests {
		t.Errorf("%d connections and %d requests, want %d and %d", c, r, conns, requests)
	}
}

func mustSucceed(t *testing.T, x *Executor, call *domain.Call) {
	t.Helper()
	if fault := differs(do(x, call), domain.Outcome{Verdict: success, HTTPStatus: 200}); fault != "" {
		t.Fatal(fault)
	}
}

func TestKeepAlive(t *testing.T) {
	k := count(t, always)
	x := newTestExecutor(t, Config{})
	for range 10 {
		mustSucceed(t, x, newCall(k.url()))
	}
	k.want(t, 1, 10)
}

// Answers after which a connection must not be used again.
func TestConnectionIsNotReused(t *testing.T) {
	for name, answer := range map[string]string{
		"Connection: close":      rawResponse(200, "ok", "Connection: close"),
		"HTTP/1.0":               "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"more than the answer":   rawResponse(200, "ok") + rawResponse(200, "fake"),
		"a body over the limit":  rawResponse(200, "more than ten bytes"),
		"204 with bytes behind":  "HTTP/1.1 204 No Content\r\n\r\nbody",
		"a failure, broken body": "HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			var conns atomic.Int64
			s := serveRaw(t, func(_ int, c net.Conn) {
				conns.Add(1)
				br := bufio.NewReader(c)
				for {
					if _, _, ok := readRequest(br); !ok {
						return
					}
					_, _ = io.WriteString(c, answer)
				}
			})
			x := newTestExecutor(t, Config{MaxResponseBytes: 10})
			for range 3 {
				if out := do(x, newCall(s.url())); out.HTTPStatus == 0 {
					t.Fatalf("outcome %+v", out)
				}
			}
			if n := conns.Load(); n != 3 {
				t.Errorf("%d connections for 3 calls", n)
			}
		})
	}
}

// hostOf returns the host of a call.
func hostOf(x *Executor, call *domain.Call) (*pool, error) {
	parts, _ := target.Cut(call.URL)
	to, err := x.pools.route(parts, call)
	return to.pool, err
}

func onlyHost(t *testing.T, x *Executor) *pool {
	t.Helper()
	hosts := x.pools.list()
	if len(hosts) != 1 {
		t.Fatalf("%d hosts, want 1", len(hosts))
	}
	return hosts[0]
}

// A connection that fails when it is new is no stale one: nothing is sent
// again.
func TestNewConnectionIsTriedOnce(t *testing.T) {
	var requests atomic.Int64
	s := serveRaw(t, func(_ int, c net.Conn) {
		if readRaw(c) != "" {
			requests.Add(1)
		}
	})
	out := do(newTestExecutor(t, Config{}), newCall(s.url()))
	if out.Verdict != retry || requests.Load() != 1 {
		t.Errorf("%d requests, outcome %+v", requests.Load(), out)
	}
}

// A timeout on a used connection is no stale connection either.
func TestTimeoutIsNotSentAgain(t *testing.T) {
	atTimeout(t, func(timeout time.Duration) string {
		k := count(t, func(_, answered int, c net.Conn) bool {
			if answered == 1 {
				_, _ = io.Copy(io.Discard, c)
				return false
			}
			return true
		})
		x := newTestExecutor(t, Config{})
		mustSucceed(t, x, newCall(k.url()))
		call := newCall(k.url())
		call.Timeout = timeout
		out := do(x, call)
		k.want(t, 1, 1)
		return differs(out, domain.Outcome{
			Verdict: retry, Error: fmt.Sprintf("timeout after %s waiting for the response", timeout), MaybeSent: true,
		})
	})
}

// A call that is at most once shuns connections that rested for long, and
// takes those that were just used.
func TestOnceConnectsAnewAfterARest(t *testing.T) {
	k := count(t, always)
	x := newTestExecutor(t, Config{})
	call := newCall(k.url())
	call.Once = true
	mustSucceed(t, x, call)
	mustSucceed(t, x, call)
	k.want(t, 1, 2)

	p := onlyHost(t, x)
	p.mu.Lock()
	p.idle[0].lastUse = p.idle[0].lastUse.Add(-2 * onceMaxIdle)
	p.mu.Unlock()
	mustSucceed(t, x, call)
	k.want(t, 2, 3)
	if p.open != 2 || len(p.idle) != 2 {
		t.Errorf("%d open and %d idle connections, want 2 and 2", p.open, len(p.idle))
	}
}

// At the limit of connections an old idle one makes room. One in use does not: a call
// waits for it.
func TestMaxConnsPerHost(t *testing.T) {
	release := make(chan struct{})
	arrived := make(chan struct{}, 1)
	k := count(t, func(n, answered int, _ net.Conn) bool {
		if n == 2 && answered == 0 {
			arrived <- struct{}{}
			<-release
		}
		return true
	})
	x := newTestExecutor(t, Config{MaxConnsPerHost: 1})
	call := newCall(k.url())
	call.Once = true
	mustSucceed(t, x, call)
	p := onlyHost(t, x)
	p.mu.Lock()
	p.idle[0].lastUse = p.idle[0].lastUse.Add(-2 * onceMaxIdle)
	p.mu.Unlock()

	done := make(chan domain.Outcome)
	go func() { done <- do(x, call) }()
	<-arrived
	late := newCall(k.url())
	late.Timeout = time.Minute
	go func() { done <- do(x, late) }()
	for p.cond.Waiting() == 0 {
		time.Sleep(time.Millisecond)
	}
	p.mu.Lock()
	open := p.open
	p.mu.Unlock()
	if open != 1 {
		t.Errorf("%d connections", open)
	}
	close(release)
	for range 2 {
		wantOutcome(t, <-done, domain.Outcome{Verdict: success, HTTPStatus: 200})
	}
	k.want(t, 2, 3)
}

// What was opened beyond the limit, since calls needed it, is not kept.
func TestMaxConns(t *testing.T) {
	k := count(t, always)
	x := newTestExecutor(t, Config{MaxConns: 2})
	p := fill(t, x, k, 5)
	if p.open != 2 || len(p.idle) != 2 || x.pools.open.Load() != 2 {
		t.Errorf("%d open, %d idle, %d counted, want 2 of each", p.open, len(p.idle), x.pools.open.Load())
	}
}

// fill makes n calls on n connections at the same time.
func fill(t *testing.T, x *Executor, k *counter, n int) *pool {
	t.Helper()
	mustSucceed(t, x, newCall(k.url()))
	p := onlyHost(t, x)
	conns := make([]*conn, n)
	for i := range conns {
		call := newCall(k.url())
		e := newExchange()
		e.begin(&x.transport, call, new(domain.Outcome))
		e.link.pool = p
		if err := e.connect(true); err != nil {
			t.Fatal(err)
		}
		conns[i] = e.link.conn
	}
	for _, c := range conns {
		p.keep(c, 0, monotonic.Now())
	}
	return p
}

func TestSweepClosesIdleConnectionsAndDropsHosts(t *testing.T) {
	k := count(t, always)
	x := newTestExecutor(t, Config{})
	p := fill(t, x, k, 4) // and the one of the first call
	x.pools.sweep(p.idle[2].lastUse)
	if p.open != 3 || len(p.idle) != 3 || len(x.pools.list()) != 1 {
		t.Errorf("%d open, %d idle, %d hosts, want 3, 3 and 1", p.open, len(p.idle), len(x.pools.list()))
	}
	x.pools.sweep(monotonic.Now().Add(time.Second))
	if p.open != 0 || len(x.pools.list()) != 0 || x.pools.open.Load() != 0 {
		t.Errorf("%d open, %d hosts, %d idle counted, want none", p.open, len(x.pools.list()), x.pools.open.Load())
	}
}

// The reaper closes what rests longer than IdleTimeout: the server sees it.
func TestIdleTimeout(t *testing.T) {
	ended := make(chan struct{})
	end := sync.OnceFunc(func() { close(ended) }) // after a stall there may be another connection
	s := serveRaw(t, func(_ int, c net.Conn) {
		defer end()
		br := bufio.NewReader(c)
		for {
			if _, _, ok := readRequest(br); !ok {
				return
			}
			_, _ = io.WriteString(c, rawResponse(200, ""))
		}
	})
	x := newTestExecutor(t, Config{IdleTimeout: 30 * time.Millisecond})
	mustSucceed(t, x, newCall(s.url()))
	<-ended
}

func TestMaxHosts(t *testing.T) {
	const hosts = 12
	x := newTestExecutor(t, Config{MaxHosts: 10})
	servers := make([]*counter, hosts)
	for i := range servers {
		servers[i] = count(t, always)
		mustSucceed(t, x, newCall(servers[i].url()))
	}
	if n := len(x.pools.list()); n != 10 {
		t.Errorf("%d hosts, want 10", n)
	}
	mustSucceed(t, x, newCall(servers[hosts-1].url()))
	servers[hosts-1].want(t, 1, 2)
	mustSucceed(t, x, newCall(servers[0].url())) // was dropped first
	servers[0].want(t, 2, 2)
	if n := x.pools.open.Load(); n != 10 {
		t.Errorf("%d idle connections counted, want 10", n)
	}
}

// A full table of hosts in use still serves one more, without keeping it.
func TestHostBeyondATableInUse(t *testing.T) {
	release, arrived := make(chan struct{}), make(chan struct{})
	busy := count(t, func(_, answered int, _ net.Conn) bool {
		if answered == 0 {
			close(arrived)
			<-release
		}
		return true
	})
	other := count(t, always)
	x := newTestExecutor(t, Config{MaxHosts: 1})
	done := make(chan domain.Outcome)
	go func() { done <- do(x, newCall(busy.url())) }()
	<-arrived
	mustSucceed(t, x, newCall(other.url()))
	mustSucceed(t, x, newCall(other.url()))
	other.want(t, 2, 2)
	close(release)
	<-done
	if n := len(x.pools.list()); n != 1 || onlyHost(t, x).label != busy.addr {
		t.Errorf("%d hosts, want the one in use", n)
	}
}

func TestClose(t *testing.T) {
	release, arrived, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	s := serveRaw(t, func(_ int, c net.Conn) {
		defer close(ended)
		br := bufio.NewReader(c)
		_, _, _ = readRequest(br)
		close(arrived)
		<-release
		_, _ = io.WriteString(c, rawResponse(200, ""))
		_, _ = br.ReadByte()
	})
	x, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan domain.Outcome)
	go func() { done <- do(x, newCall(s.url())) }()
	<-arrived
	x.Close()
	wantOutcome(t, do(x, newCall(s.url())), domain.Outcome{Verdict: retry, Error: "not sent: the executor is closed"})
	close(release)
	wantOutcome(t, <-done, domain.Outcome{Verdict: success, HTTPStatus: 200})
	<-ended // the connection was closed after its call
	x.Close()
}

func TestNewRefusesBadConfig(t *testing.T) {
	for name, cfg := range map[string]Config{
		"negative limit": {MaxConnsPerHost: -1},
		"small header":   {MaxHeaderBytes: 100},
		"no timeout":     {DialTimeout: -time.Second},
		"no age":         {MaxConnAge: -time.Second},
		"user agent":     {UserAgent: "a\r\nb"},
	} {
		if x, err := New(cfg); err == nil {
			x.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}

// Many calls at once, over few and many connections, with edits to nothing
// shared: for the race detector.
func TestConcurrentCalls(t *testing.T) {
	k := count(t, always)
	x := newTestExecutor(t, Config{IdleTimeout: 20 * time.Millisecond})
	var wg sync.WaitGroup
	const callers, each = 50, 40
	for i := range callers {
		wg.Go(func() {
			for range each {
				call := newCall(k.url())
				call.Once = i%2 == 0
				if out := do(x, call); out.Verdict != success {
					t.Errorf("outcome %+v", out)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := k.requests.Load(); n != callers*each {
		t.Errorf("%d requests, want %d", n, callers*each)
	}
}

// timedConn counts how often its deadline is set.
type timedConn struct {
	net.Conn
	set  int
	last time.Time
}

func (c *timedConn) SetDeadline(t time.Time) error {
	c.set++
	c.last = t
	return nil
}

// A deadline is never earlier than asked for, and later by the allowance at most;
// calls that follow soon do not set it again.
func TestDeadlineOfAConnection(t *testing.T) {
	var timed timedConn
	c := &conn{Conn: &timed}
	now := time.Now()
	const timeout, later = 30 * time.Second, 30 * time.Millisecond
	for _, step := range []struct {
		after   time.Duration // since the start
		timeout time.Duration
		set     int
	}{
		{0, timeout, 1}, {later, timeout, 1}, {later + 1, timeout, 2}, {later + 1, timeout, 2},
		{2 * later, timeout - later, 3}, {2 * later, timeout, 3}, {time.Minute, timeout, 4},
	} {
		want := now.Add(step.after + step.timeout)
		if err := c.endBy(want, later); err != nil {
			t.Fatal(err)
		}
		if late := timed.last.Sub(want); late < 0 || late > later || timed.set != step.set {
			t.Errorf("%v: set %d times, want %d; %v late", step, timed.set, step.set, late)
		}
	}
}
