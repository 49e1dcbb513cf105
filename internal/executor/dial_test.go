package executor

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/egress"
	"github.com/belfry-scheduler/belfry/internal/nettest"
	"github.com/belfry-scheduler/belfry/internal/resolve"
)

// useNames makes the executor look names up as the configuration says, knowing none.
func useNames(x *Executor, cfg resolve.Config) {
	cfg.KeepFor = x.cfg.MaxConnAge
	x.opener.dialer.resolver = resolve.New(x.opener.dialer.ctx, cfg)
}

// withNames makes the executor's lookups answer from a function.
func withNames(x *Executor, lookup func(ctx context.Context, name string) ([]netip.Addr, error)) {
	useNames(x, resolve.Config{Lookup: func(ctx context.Context, name string) (resolve.Answer, error) {
		addrs, err := lookup(ctx, name)
		return resolve.Answer{Addrs: addrs, TTL: time.Hour}, err
	}})
}

func TestConnectionRefused(t *testing.T) {
	addr := nettest.Refusing(t)
	wantOutcome(t, do(newTestExecutor(t, Config{}), newCall("http://"+addr+"/")), domain.Outcome{
		Verdict: retry, Error: "connection refused by " + addr,
	})
}

func TestNameErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"no such host": {&net.DNSError{Err: "no such host", Name: "example.invalid", IsNotFound: true},
			"dns: no such host example.invalid"},
		"timeout": {&net.DNSError{Err: "i/o timeout", Name: "example.invalid", IsTimeout: true},
			"dns: timeout looking up example.invalid"},
		"broken": {
			&net.DNSError{Err: "the name server answered with a failure (SERVFAIL or REFUSED)", Name: "example.invalid",
				IsTemporary: true},
			"dns: lookup of example.invalid failed: the name server answered with a failure (SERVFAIL or REFUSED)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTestExecutor(t, Config{})
			withNames(x, func(context.Context, string) ([]netip.Addr, error) { return nil, tc.err })
			wantOutcome(t, do(x, newCall("http://example.invalid/")), domain.Outcome{Verdict: retry, Error: tc.want})
		})
	}
}

func TestNameWithoutAddress(t *testing.T) {
	x := newTestExecutor(t, Config{})
	withNames(x, func(context.Context, string) ([]netip.Addr, error) { return nil, nil })
	out := do(x, newCall("http://example.invalid/"))
	wantOutcome(t, out, domain.Outcome{Verdict: retry, Error: "dns: no such host example.invalid"})
}

func TestLookupIsPartOfTheTimeout(t *testing.T) {
	x := newTestExecutor(t, Config{})
	withNames(x, func(ctx context.Context, _ string) ([]netip.Addr, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	call := newCall("http://slow.invalid/")
	call.Timeout = 50 * time.Millisecond
	wantOutcome(t, do(x, call), domain.Outcome{Verdict: retry, Error: "dns: timeout looking up slow.invalid"})
}

// Names of this machine work where the resolver knows none of them, or others.
func TestLocalhostNeedsNoResolver(t *testing.T) {
	k := count(t, always)
	_, port, _ := net.SplitHostPort(k.addr)
	x := newTestExecutor(t, Config{})
	withNames(x, func(_ context.Context, name string) ([]netip.Addr, error) {
		t.Errorf("%s was looked up", name)
		return parseAddrs("192.0.2.1"), nil
	})
	for _, name := range []string{"localhost", "LOCALHOST", "localhost.", "hooks.localhost", "a.b.localhost."} {
		mustSucceed(t, x, newCall("http://"+name+":"+port+"/"))
	}
	t.Run("a server that listens on one family only", func(t *testing.T) {
		port := portOf(t, nettest.Refusing(t)) // with 127.0.0.1, nobody listens on it
		serveAt(t, "[::1]:"+port, "close")
		mustSucceed(t, x, newCall("http://localhost:"+port+"/"))
	})
}

// A guard judges them as what they lead to.
func TestLocalhostIsGuardedAsLoopback(t *testing.T) {
	k := serveAt(t, "127.0.0.1:0", "close")
	port := portOf(t, k.addr)
	for _, name := range []string{"localhost", "hooks.localhost"} {
		url := "http://" + name + ":" + port + "/"
		wantRefused(t, guarded(t, egress.Public, "", "", nil), url, "127.0.0.1 is a loopback address")
		wantRefused(t, guarded(t, egress.Private, "", "127.0.0.0/8,::1", nil), url, `is denied by "127.0.0.0/8"`)
		wantRefused(t, guarded(t, egress.Private, "", name, nil), url, "is denied by")
		mustSucceed(t, guarded(t, egress.Public, "127.0.0.1", "", nil), newCall(url))
	}
	if n := k.answers.Load(); n != 2 {
		t.Errorf("%d calls came, want 2", n)
	}
}

// A name with addresses of both families works when only one has a listener,
// whichever comes first.
func TestBothFamilies(t *testing.T) {
	k := count(t, always)
	_, port, _ := net.SplitHostPort(k.addr)
	v4, v6, dead := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1"), netip.MustParseAddr("127.0.0.2")
	for name, addrs := range map[string][]netip.Addr{
		"v6 first":        {v6, v4},
		"v4 first":        {v4, v6},
		"second address":  {dead, v4},
		"mixed, two dead": {v6, dead, v4},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTestExecutor(t, Config{})
			withNames(x, func(context.Context, string) ([]netip.Addr, error) { return addrs, nil })
			mustSucceed(t, x, newCall("http://dual.invalid:"+port+"/"))
		})
	}
}

// Of a name with very many addresses only some are knocked at.
func TestManyAddresses(t *testing.T) {
	port := portOf(t, nettest.Refusing(t))
	var v4, v6 atomic.Int64
	x := newTestExecutor(t, Config{})
	x.opener.dialer.net.Control = func(network, _ string, _ syscall.RawConn) error {
		if network == "tcp6" {
			v6.Add(1)
		} else {
			v4.Add(1)
		}
		return nil
	}
	withNames(x, func(context.Context, string) ([]netip.Addr, error) {
		var addrs []netip.Addr
		for i := range 200 {
			addrs = append(addrs, netip.AddrFrom4([4]byte{127, 0, 7, byte(i + 1)}), netip.MustParseAddr("::1"))
		}
		return addrs, nil
	})
	out := do(x, newCall("http://crowd.invalid:"+port+"/"))
	if out.Verdict != retry || out.MaybeSent {
		t.Errorf("outcome %+v", out)
	}
	if v4.Load() != maxAddrs || v6.Load() > maxAddrs {
		t.Errorf("%d and %d connects, want at most %d each", v4.Load(), v6.Load(), maxAddrs)
	}
}

func TestBothFamiliesRefused(t *testing.T) {
	port := portOf(t, nettest.Refusing(t))
	x := newTestExecutor(t, Config{})
	withNames(x, func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}, nil
	})
	out := do(x, newCall("http://dual.invalid:"+port+"/"))
	if out.Verdict != retry || out.MaybeSent || !strings.HasSuffix(out.Error, "dual.invalid:"+port) {
		t.Errorf("outcome %+v", out)
	}
}

// An address family that does not answer delays a call by the head start only.
func TestSilentFamilyLosesTheRace(t *testing.T) {
	silent, ok := silentAddr(t)
	if !ok {
		t.Skip("this kernel answers a connect to a full queue")
	}
	other := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), silent.Port())
	ln, err := net.Listen("tcp", other.String())
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	x := newTestExecutor(t, Config{})
	start := time.Now()
	conn, err := x.opener.dialer.dialRace(t.Context(), []netip.Addr{silent.Addr()},
		[]netip.Addr{other.Addr()}, other.Port())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if took := time.Since(start); took < fallbackDelay {
		t.Errorf("connected after %v, before the head start of %v was over", took, fallbackDelay)
	}
	if got := conn.RemoteAddr().String(); got != other.String() {
		t.Errorf("connected to %s, want %s", got, other)
	}
}

// silentAddr returns an address whose listener has a full queue: the kernel
// drops what asks to connect.
func silentAddr(t *testing.T) (netip.AddrPort, bool) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := errors.Join(
		syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}),
		syscall.Listen(fd, 0),
	); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(name.(*syscall.SockaddrInet4).Port))
	for range 16 {
		c, err := net.DialTimeout("tcp", addr.String(), 200*time.Millisecond)
		if err != nil {
			return addr, true
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	return addr, false
}

func TestConnectTimeout(t *testing.T) {
	addr, ok := silentAddr(t)
	if !ok {
		t.Skip("this kernel answers a connect to a full backlog")
	}
	url := "http://" + addr.String() + "/"
	call := newCall(url)
	wantOutcome(t, do(newTestExecutor(t, Config{DialTimeout: 50 * time.Millisecond}), call), domain.Outcome{
		Verdict: retry, Error: "timeout after 50ms connecting to " + addr.String(),
	})
	call.Timeout = 60 * time.Millisecond
	wantOutcome(t, do(newTestExecutor(t, Config{}), call), domain.Outcome{
		Verdict: retry, Error: "timeout after 60ms connecting to " + addr.String(),
	})
}

// A panic anywhere in a call is the outcome of that call.
func TestPanicBecomesAnOutcome(t *testing.T) {
	x := newTestExecutor(t, Config{Guard: brokenGuard{}})
	out := do(x, newCall("http://"+nettest.Refusing(t)+"/"))
	wantOutcome(t, out, domain.Outcome{Verdict: retry, Error: "internal fault: guard broke"})
	if p := onlyHost(t, x); p.cond.Dials.UnderWay() != 0 || p.open != 0 {
		t.Errorf("%d dials under way and %d connections after it", p.cond.Dials.UnderWay(), p.open)
	}
}

type brokenGuard struct{}

func (brokenGuard) CheckName(string, uint16) error         { panic("guard broke") }
func (brokenGuard) CheckAddr(string, netip.AddrPort) error { panic("guard broke") }

// Thousands of connects in the same instant all succeed.
func TestBurstOfDials(t *testing.T) {
	const calls, dialTimeout = 1500, 5 * time.Minute
	arrived := make(chan struct{}, calls)
	release := make(chan struct{})
	k := count(t, func(_, answered int, _ net.Conn) bool {
		if answered == 0 {
			arrived <- struct{}{}
			<-release // hold every connection until all are open
		}
		return true
	})
	_, port, _ := net.SplitHostPort(k.addr)
	x := newTestExecutor(t, Config{DialTimeout: dialTimeout})
	var lookups atomic.Int64
	withNames(x, func(context.Context, string) ([]netip.Addr, error) {
		lookups.Add(1)
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	})
	var wg sync.WaitGroup
	for range calls {
		wg.Go(func() {
			call := newCall("http://burst.invalid:" + port + "/")
			call.Timeout = dialTimeout
			if out := do(x, call); out.Verdict != success {
				t.Errorf("outcome %+v", out)
			}
		})
	}
	for range calls {
		<-arrived
	}
	close(release)
	wg.Wait()
	k.want(t, calls, calls)
	if n := lookups.Load(); n != 1 {
		t.Errorf("%d lookups for one burst", n)
	}
}
