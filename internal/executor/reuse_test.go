package executor

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestMayWriteAgain(t *testing.T) {
	timeout := &net.OpError{Op: "write", Err: os.ErrDeadlineExceeded}
	for _, tc := range []struct {
		kept  bool
		taken int64
		err   error
		want  bool
	}{
		{true, 0, errStale, true},
		{true, 0, io.ErrUnexpectedEOF, true},
		{true, 0, timeout, false},
		{true, 1, io.ErrUnexpectedEOF, false}, // one byte may be all that a peer needs
		{true, 500, errStale, false},
		{false, 0, io.ErrUnexpectedEOF, false}, // a new connection is tried once
		{false, 500, io.ErrUnexpectedEOF, false},
	} {
		if got := mayWriteAgain(tc.kept, tc.taken, tc.err); got != tc.want {
			t.Errorf("%+v: %v", tc, got)
		}
	}
}

func TestMayWriteTo(t *testing.T) {
	for s, want := range map[connState][2]bool{ // not once, once
		connQuiet: {true, true}, connStale: {false, false}, connUnknown: {true, false},
	} {
		if mayWriteTo(s, false) != want[0] || mayWriteTo(s, true) != want[1] {
			t.Errorf("state %d: want %v", s, want)
		}
	}
}

func TestMustLook(t *testing.T) {
	for _, tc := range []struct {
		h      habits
		once   bool
		rested time.Duration
		want   bool
	}{
		{habits{}, false, 0, false},
		{habits{}, false, warmFor - 1, false},
		{habits{}, false, warmFor, true},
		{habits{}, true, 0, true},
		{habits{wary: true}, false, 0, true},
		{habits{lingers: true}, false, 0, true},
	} {
		if got := tc.h.mustLook(tc.once, tc.rested); got != tc.want {
			t.Errorf("%+v: %v", tc, got)
		}
	}
}

func TestHabits(t *testing.T) {
	now := time.Now()
	var h habits
	if got := h.longest(55*time.Second, now); got != 55*time.Second {
		t.Errorf("nothing known: %v", got)
	}
	for _, tc := range []struct{ said, want time.Duration }{
		{time.Second, 500 * time.Millisecond}, {2 * time.Second, time.Second}, {5 * time.Second, 4 * time.Second},
		{time.Hour, 55 * time.Second},
	} {
		if got := (habits{said: tc.said}).longest(55*time.Second, now); got != tc.want {
			t.Errorf("it says %v: %v, want %v", tc.said, got, tc.want)
		}
	}
	for _, tc := range []struct{ rested, want time.Duration }{ // in this order
		{20 * time.Second, 19 * time.Second}, {30 * time.Second, 19 * time.Second}, {5 * time.Second, 4 * time.Second},
		{10 * time.Millisecond, 4 * time.Second},
	} {
		h = h.closed(tc.rested, now)
		if got := h.longest(55*time.Second, now); got != tc.want {
			t.Errorf("closed after %v: %v, want %v", tc.rested, got, tc.want)
		}
	}
	if got := h.longest(55*time.Second, now.Add(learnedFor)); got != 55*time.Second {
		t.Errorf("long afterwards: %v", got)
	}
	if h = (habits{}).closed(time.Millisecond, now); !h.wary || h.rest != minRest {
		t.Errorf("closed soon: %+v", h)
	}
	if h = h.open(); h.wary {
		t.Errorf("open again: %+v", h)
	}
	if h = h.closed(time.Millisecond, now); !h.wary || h.rest != 2*minRest {
		t.Errorf("closed soon, again: %+v", h)
	}
	for range 20 {
		h = h.closed(0, now)
	}
	if h.rest != soon {
		t.Errorf("it rests for %v at last", h.rest)
	}
}

// endings are ways in which a target ends a kept connection after it has read the
// second request on it.
var endings = map[string]func(c net.Conn){
	"close":         func(net.Conn) {},
	"reset":         func(c net.Conn) { _ = base(c).SetLinger(0) },
	"half close":    func(c net.Conn) { _ = base(c).CloseWrite(); _, _ = io.Copy(io.Discard, c) },
	"mid header":    func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Le") },
	"after a 100":   func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n") },
	"mid body":      func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab") },
	"a single byte": func(c net.Conn) { _, _ = io.WriteString(c, "H") },
}

func base(c net.Conn) *net.TCPConn {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	return c.(*net.TCPConn)
}

// lateEnder answers the first request on each connection and ends it in some way
// when it has read the second.
type lateEnder struct {
	mu       sync.Mutex
	requests int
}

func (l *lateEnder) serve(c net.Conn, end func(net.Conn)) {
	br := bufio.NewReader(c)
	for n := 1; ; n++ {
		if _, _, ok := readRequest(br); !ok {
			return
		}
		l.mu.Lock()
		l.requests++
		l.mu.Unlock()
		if n == 2 {
			end(c)
			return
		}
		_, _ = io.WriteString(c, rawResponse(200, "ok"))
	}
}

func (l *lateEnder) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.requests
}

// However a target ends a kept connection once it has read the request: that was
// the attempt. It got one request, and the outcome is a failure that says so.
func TestNoSecondRequestWithinAnAttempt(t *testing.T) {
	ca := newAuthority(t)
	for name, end := range endings {
		for _, secure := range []bool{false, true} {
			for _, size := range []int{0, maxInlineBody + 1} {
				t.Run(fmt.Sprintf("%s tls=%v body=%d", name, secure, size), func(t *testing.T) {
					l := new(lateEnder)
					s := serveRaw(t, func(_ int, c net.Conn) {
						if secure {
							c = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{ca.sign(t, nil)}})
							defer c.Close()
						}
						l.serve(c, end)
					})
					x := newTestExecutor(t, Config{RootCAs: ca.pool})
					url := s.url()
					if secure {
						url = strings.Replace(url, "http:", "https:", 1)
					}
					call := newCall(url)
					if size > 0 {
						call.Body = make([]byte, size)
					}
					mustSucceed(t, x, call)
					setLastUse(t, x, -warmFor)
					out := do(x, call)
					if out.Verdict != retry || !out.MaybeSent || out.Error == "" || l.count() != 2 {
						t.Errorf("%d requests, want 2; outcome %+v", l.count(), out)
					}
				})
			}
		}
	}
}

// A connection that was closed while it rested is found out before the request is
// written: that goes out once, on a new one, over TLS too.
func TestClosedWhileAtRestOverTLS(t *testing.T) {
	ca := newAuthority(t)
	for _, once := range []bool{false, true} {
		t.Run(fmt.Sprintf("once=%v", once), func(t *testing.T) {
			var requests atomic.Int64
			hang := make(chan struct{})
			s := serveRaw(t, func(n int, c net.Conn) {
				secure := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{ca.sign(t, nil)}})
				defer secure.Close()
				br := bufio.NewReader(secure)
				for {
					if _, _, ok := readRequest(br); !ok {
						return
					}
					requests.Add(1)
					_, _ = io.WriteString(secure, rawResponse(200, "ok"))
					if n == 1 {
						<-hang
						return
					}
				}
			})
			x := newTestExecutor(t, Config{RootCAs: ca.pool})
			call := newCall(strings.Replace(s.url(), "http:", "https:", 1))
			call.Once = once
			mustSucceed(t, x, call)
			setLastUse(t, x, -warmFor)
			close(hang)
			untilArrival(t, onlyHost(t, x).idle[0].probe)
			mustSucceed(t, x, call)
			if n := requests.Load(); n != 2 {
				t.Errorf("%d requests, want 2", n)
			}
		})
	}
}

// A host that closes each connection right after its answer, without saying so,
// costs one failed attempt at most: then its connections rest before they are used.
func TestHostThatClosesAfterEachAnswer(t *testing.T) {
	var requests atomic.Int64
	s := serveRaw(t, func(_ int, c net.Conn) {
		if readRaw(c) != "" {
			requests.Add(1)
			_, _ = io.WriteString(c, rawResponse(200, "ok"))
		}
	})
	x := newTestExecutor(t, Config{})
	failed := 0
	const calls = 200
	for range calls {
		if out := do(x, newCall(s.url())); out.Verdict != success {
			failed++
		}
	}
	if n := requests.Load(); failed > 1 || n > calls || n < calls-1 {
		t.Errorf("%d requests and %d failures of %d calls", n, failed, calls)
	}
}

// Of a host that closed soon after an answer the connection that rested longest
// is used, once it has rested; when it is found open, all is as before.
func TestWaryHostIsTrustedAgain(t *testing.T) {
	k := count(t, always)
	x := newTestExecutor(t, Config{})
	mustSucceed(t, x, newCall(k.url()))
	p := onlyHost(t, x)
	p.sawClosed(time.Second / 4)
	setLastUse(t, x, ample)             // it has not rested yet, however the machine stalls
	mustSucceed(t, x, newCall(k.url())) // on a new one
	k.want(t, 2, 2)
	first := p.idle[0]
	setLastUse(t, x, -time.Second)
	mustSucceed(t, x, newCall(k.url()))
	k.want(t, 2, 3)
	if p.wary.Load() || p.idle[1] != first {
		t.Errorf("wary %v; the connection that rested longest was not taken", p.wary.Load())
	}
}

// A connection is not used when its host is about to close it.
func TestConnectionIsRetiredBeforeItsHostClosesIt(t *testing.T) {
	k := count(t, always)
	x := newTestExecutor(t, Config{})
	call := newCall(k.url())
	mustSucceed(t, x, call)
	p := onlyHost(t, x)
	p.sawClosed(5 * time.Second)
	setLastUse(t, x, -time.Second) // which a stall may make three
	mustSucceed(t, x, call)
	k.want(t, 1, 2)
	setLastUse(t, x, -4500*time.Millisecond)
	mustSucceed(t, x, call)
	k.want(t, 2, 3)
	x.pools.sweep(monotonic.Now().Add(-x.cfg.IdleTimeout))
	if len(p.idle) != 1 || p.open != 1 {
		t.Errorf("%d idle and %d open connections after the sweep, want 1", len(p.idle), p.open)
	}
}

// An answer that was there before the request is none to it: the connection is not
// written to.
func TestAnswerBeforeTheRequest(t *testing.T) {
	kept := make(chan struct{})
	k := count(t, func(n, answered int, c net.Conn) bool {
		if n == 1 && answered == 1 {
			<-kept
			_, _ = io.WriteString(c, rawResponse(500, "of somebody else"))
			_, _ = io.Copy(io.Discard, c)
			return false
		}
		return true
	})
	x := newTestExecutor(t, Config{})
	mustSucceed(t, x, newCall(k.url()))
	close(kept)
	untilArrival(t, onlyHost(t, x).idle[0].probe)
	setLastUse(t, x, -warmFor)
	mustSucceed(t, x, newCall(k.url()))
	k.want(t, 2, 2)
}

func TestKeepAliveTimeout(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "timeout=5": 5 * time.Second, " timeout=5, max=100": 5 * time.Second,
		"max=99, Timeout = 15": 15 * time.Second,
		"timeout=\"7\"":        7 * time.Second, "timeout=0": notKept, "timeout=5, max=0": notKept, "max=5": 0,
		"timeout=-1": 0,
		"timeout=x":  0, "timeout": 0, "timeout=99999999999999999999": 0, "timeout=4000000000": longKept, ",,": 0,
	} {
		if got := keepAliveTimeout([]byte(value)); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
	value := []byte(" timeout=5, max=100")
	if n := testing.AllocsPerRun(100, func() { keepAliveTimeout(value) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// What the host says about its connections is followed, however it says the rest.
func TestKeepAliveHeaderIsFollowed(t *testing.T) {
	for name, answer := range map[string]string{
		"plain":     rawResponse(200, "ok", "Keep-Alive: timeout=3"),
		"not plain": rawResponse(404, "no", "keep-alive: timeout=3, max=7"),
		"chunked":   "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
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
			x := newTestExecutor(t, Config{})
			for i, rested := range []time.Duration{0, time.Second / 10, 2500 * time.Millisecond} {
				if i > 0 {
					setLastUse(t, x, -rested)
				}
				do(x, newCall(s.url()))
			}
			if n := conns.Load(); n != 2 {
				t.Errorf("%d connections, want 2", n)
			}
		})
	}
}
