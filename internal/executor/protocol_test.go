package executor

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/target"
	"golang.org/x/net/http2"
)

// Only a host that has said nothing of its own changes with what its calls take.
func TestProtocol(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		from      protocol
		call      time.Duration
		want      protocol
		onlyHTTP1 bool
	}{
		{targetChooses, 0, targetChooses, false},
		{targetChooses, ms, cheaperHTTP1, false},
		{targetChooses, 5 * ms, targetChooses, false},
		{cheaperHTTP1, 0, cheaperHTTP1, true},
		{cheaperHTTP1, ms, cheaperHTTP1, true},
		{cheaperHTTP1, 5 * ms, targetChooses, true},
		{needsHTTP1, ms, needsHTTP1, true},
		{needsHTTP1, 5 * ms, needsHTTP1, true},
		{needsHTTP2, ms, needsHTTP2, false},
		{needsHTTP2, 5 * ms, needsHTTP2, false},
	} {
		cond := new(host.Table).Hold(target.Of("https://a.test"))
		limit := host.NewLimit(cond, 64)
		if c.call > 0 {
			limit.Ended(c.call, time.Now().UnixMilli())
		}
		if got := c.from.judge(time.Second, cond); got != c.want {
			t.Errorf("%d, calls of %s: %d, want %d", c.from, c.call, got, c.want)
		}
		if c.from.onlyHTTP1() != c.onlyHTTP1 {
			t.Errorf("%d: offers only HTTP/1.1: %v", c.from, !c.onlyHTTP1)
		}
	}
}

// The first connection to a host that is near offers HTTP/1.1 alone, unless its calls are known.
func TestProtocolBegins(t *testing.T) {
	cond := new(host.Table).Hold(target.Of("https://a.test"))
	for roundTrip, want := range map[time.Duration]protocol{
		0: targetChooses, time.Millisecond: cheaperHTTP1, 3 * time.Millisecond: targetChooses,
	} {
		if got := targetChooses.begin(roundTrip, cond); got != want {
			t.Errorf("a round trip of %s: %d, want %d", roundTrip, got, want)
		}
	}
	limit := host.NewLimit(cond, 64)
	limit.Ended(5*time.Millisecond, time.Now().UnixMilli())
	if got := targetChooses.begin(time.Millisecond, cond); got != targetChooses {
		t.Errorf("its calls are slow: %d, want that the target chooses", got)
	}
}

func TestOffers(t *testing.T) {
	if got := offers(true); len(got) != 1 || got[0] != "http/1.1" {
		t.Errorf("only HTTP/1.1: %q", got)
	}
	if got := offers(false); len(got) != 2 || got[0] != "h2" || got[1] != "http/1.1" {
		t.Errorf("both: %q", got)
	}
}

func TestRefusesHTTP1(t *testing.T) {
	for status := 100; status < 600; status++ {
		want := status == 421 || status == 426 || status == 464 || status == 505
		if refusesHTTP1(status) != want {
			t.Errorf("%d: %v", status, !want)
		}
	}
}

// callsOf makes calls of which the host is told that each took so long, as the dispatcher
// does.
func callsOf(t *testing.T, x *Executor, url string, n int, took time.Duration) {
	t.Helper()
	for range n {
		mustSucceed(t, x, newCall(url))
		p := x.pools.list()[0]
		limit := host.NewLimit(p.cond, 64)
		limit.Ended(took, time.Now().UnixMilli())
	}
}

// A host that answers at once is called by HTTP/1.1 when that is known, and by HTTP/2 again
// when its calls take longer.
func TestQuickHostByHTTP1(t *testing.T) {
	ca := newAuthority(t)
	s := serveBoth(t, ca, func(http.ResponseWriter, *http.Request) {})
	x := newTLSExecutor(t, Config{RootCAs: ca.pool})
	callsOf(t, x, s.url("/hook"), host.ManyCalls, time.Millisecond)
	if c := x.Counts(); c != (Counts{HTTP2: host.ManyCalls}) {
		t.Fatalf("counted %+v, want all by HTTP/2", c)
	}
	callsOf(t, x, s.url("/hook"), 10, time.Millisecond)
	if c := x.Counts(); c != (Counts{HTTP1: 10, HTTP2: host.ManyCalls}) {
		t.Fatalf("counted %+v, want 10 by HTTP/1.1", c)
	}
	if s.http1.Load() != 1 || s.http2.Load() != 1 {
		t.Errorf("%d connections by HTTP/1.1 and %d by HTTP/2, want one each", s.http1.Load(), s.http2.Load())
	}
	callsOf(t, x, s.url("/hook"), 30, time.Second)
	p := x.pools.list()[0]
	p.closeIdle(monotonic.Now().Add(time.Hour))
	callsOf(t, x, s.url("/hook"), 2*host.ManyCalls, time.Second)
	if c := x.Counts(); c != (Counts{HTTP1: 40, HTTP2: 3 * host.ManyCalls}) {
		t.Errorf("counted %+v, want the last ones by HTTP/2", c)
	}
}

// near is the time of a round trip to a host that is.
func near(net.Conn) time.Duration { return time.Millisecond / 10 }

// A host that is near is called by HTTP/1.1 from the first call on, and by HTTP/2 when its calls
// take long and it needs another connection.
func TestNearHostBeginsByHTTP1(t *testing.T) {
	ca := newAuthority(t)
	s := serveBoth(t, ca, func(http.ResponseWriter, *http.Request) {})
	x := newTLSExecutor(t, Config{RootCAs: ca.pool})
	x.opener.roundTrip = near
	callsOf(t, x, s.url("/hook"), 2*host.ManyCalls, time.Millisecond)
	if c := x.Counts(); c != (Counts{HTTP1: 2 * host.ManyCalls}) || s.http1.Load() != 1 || s.http2.Load() != 0 {
		t.Fatalf("counted %+v, want all by HTTP/1.1 over one connection", c)
	}
	callsOf(t, x, s.url("/hook"), 30, time.Second)
	x.pools.list()[0].closeIdle(monotonic.Now().Add(time.Hour))
	before := x.Counts()
	callsOf(t, x, s.url("/hook"), 2*host.ManyCalls, time.Second)
	if c := x.Counts(); c.HTTP1 != before.HTTP1 || c.HTTP2 != 2*host.ManyCalls {
		t.Errorf("counted %+v after %+v, want the last ones by HTTP/2", c, before)
	}
}

// A certificate that does not verify is no reason to try another protocol.
func TestUnverifiedIsNotTriedAgain(t *testing.T) {
	var hellos atomic.Int64
	pair := newAuthority(t).sign(t, nil)
	s := serveTLS(t, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		hellos.Add(1)
		return &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}, nil
	}})
	x := newTLSExecutor(t, Config{RootCAs: newAuthority(t).pool})
	x.opener.roundTrip = near
	if out := do(x, newCall(s.under("hook.test"))); out.Error == "" || hellos.Load() != 1 {
		t.Errorf("%d handshakes, %+v, want one that fails", hellos.Load(), out)
	}
}

// Without the evidence, or with slow calls among quick ones, the target chooses.
func TestSlowHostByHTTP2(t *testing.T) {
	ca := newAuthority(t)
	s := serveBoth(t, ca, func(http.ResponseWriter, *http.Request) {})
	x := newTLSExecutor(t, Config{RootCAs: ca.pool})
	for range 2 * host.ManyCalls {
		mustSucceed(t, x, newCall(s.url("/hook")))
	}
	callsOf(t, x, s.url("/hook"), 2*host.ManyCalls, 3*time.Millisecond)
	if c := x.Counts(); c != (Counts{HTTP2: 4 * host.ManyCalls}) {
		t.Errorf("counted %+v, want all by HTTP/2", c)
	}
}

// serveByProtocol answers 200 by HTTP/2, and hands a connection for which HTTP/1.1 alone was
// offered to a function. Without one, its handshake is refused with an alert.
func serveByProtocol(t *testing.T, ca *authority, http1 func(net.Conn)) *rawServer {
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.sign(t, nil)}, NextProtos: []string{"h2", "http/1.1"}}
	cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if http1 == nil && !slices.Contains(hello.SupportedProtos, "h2") {
			return nil, errors.New("no HTTP/2")
		}
		return nil, nil
	}
	return serveRaw(t, func(n int, raw net.Conn) {
		c := tls.Server(raw, cfg)
		if c.Handshake() != nil {
			return
		}
		defer c.Close()
		if c.ConnectionState().NegotiatedProtocol != "h2" {
			http1(c)
			return
		}
		f := newFramer(c)
		_ = f.WriteSettings()
		f.answerAll()
	})
}

// A host that refuses HTTP/1.1, after it was called by HTTP/2 or at once, gets each call by
// HTTP/2, no call fails, and it is not tried again. At most once holds.
func TestHostRefusesHTTP1(t *testing.T) {
	ca := newAuthority(t)
	answer := func(status int) func(net.Conn) {
		return func(c net.Conn) {
			for readRaw(c) != "" {
				_, _ = io.WriteString(c, rawResponse(status, "no"))
			}
		}
	}
	for name, http1 := range map[string]func(net.Conn){
		"by an alert": nil,
		"421":         answer(421),
		"426":         answer(426),
		"464":         answer(464),
		"505":         answer(505),
		"by speaking HTTP/2": func(c net.Conn) {
			_ = http2.NewFramer(c, c).WriteSettings()
			readRaw(c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveByProtocol(t, ca, http1)
			x := newTLSExecutor(t, Config{RootCAs: ca.pool})
			callsOf(t, x, s.secure(), host.ManyCalls, time.Millisecond)
			mustGoOnByHTTP2(t, x, s.secure())
			x = newTLSExecutor(t, Config{RootCAs: ca.pool})
			x.opener.roundTrip = near
			mustGoOnByHTTP2(t, x, s.secure())
		})
	}
}

// mustGoOnByHTTP2 makes calls at a time to a host that refuses HTTP/1.1, by which it is called
// now, and more afterwards.
func mustGoOnByHTTP2(t *testing.T, x *Executor, url string) {
	t.Helper()
	once := newCall(url)
	once.Once = true
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() { mustSucceed(t, x, once) })
		wg.Go(func() { mustSucceed(t, x, newCall(url)) })
	}
	wg.Wait()
	if p := x.pools.list()[0]; p.shared.protocol != needsHTTP2 {
		t.Errorf("protocol %d, want that HTTP/1.1 was tried and refused", p.shared.protocol)
	}
	before := x.Counts()
	callsOf(t, x, url, 2*host.ManyCalls, time.Millisecond)
	if after := x.Counts(); after.HTTP1 != before.HTTP1 {
		t.Error("HTTP/1.1 was tried again")
	}
	if n := x.pools.list()[0].cond.Carried(); n < host.ManyStreams {
		t.Errorf("the host was told of %d calls at a time, and has a connection of HTTP/2", n)
	}
}

// A status that refuses a protocol stands where nothing else was offered.
func TestRefusalWithoutAnother(t *testing.T) {
	ca := newAuthority(t)
	var calls atomic.Int64
	s := serveBoth(t, ca, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusHTTPVersionNotSupported)
	})
	for _, off := range []bool{true, false} {
		x := newTLSExecutor(t, Config{RootCAs: ca.pool, NoHTTP2: off})
		if out := do(x, newCall(s.url("/hook"))); out.HTTPStatus != 505 || calls.Swap(0) != 1 {
			t.Errorf("without HTTP/2 %v: %+v", off, out)
		}
	}
}

// What is closed when a host is called by another protocol does not count as open any more.
func TestUseHTTP2CountsWhatItCloses(t *testing.T) {
	b := newPoolBench(t, Config{})
	b.p.shared.protocol = cheaperHTTP1
	b.p.keep(b.in(), 0, monotonic.Now())
	useHTTP2(b.p)
	if n := b.p.limits.open.Load(); n != 0 || b.p.open != 0 || b.p.cond.Carried() != 0 ||
		b.p.shared.protocol != needsHTTP2 {
		t.Errorf("%d open of all hosts, %d of this one, protocol %d", n, b.p.open, b.p.shared.protocol)
	}
}
