package executor

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/egress"
	"github.com/belfry-scheduler/belfry/internal/nettest"
	"github.com/belfry-scheduler/belfry/internal/resolve"
	"github.com/belfry-scheduler/belfry/internal/resolve/dnstest"
)

// serveNames starts a name server that knows the names, given with the dot of the root.
func serveNames(t *testing.T, zone map[string][]netip.Addr) *dnstest.Server {
	t.Helper()
	s := dnstest.Serve(t)
	for name, addrs := range zone {
		s.Set(name, dnstest.Record{Addrs: addrs, TTL: 3600})
	}
	return s
}

func parseAddrs(texts ...string) []netip.Addr {
	addrs := make([]netip.Addr, len(texts))
	for i, text := range texts {
		addrs[i] = netip.MustParseAddr(text)
	}
	return addrs
}

// guarded returns an executor with a policy, which asks the name server.
func guarded(t *testing.T, mode egress.Mode, allow, deny string, names *dnstest.Server) *Executor {
	t.Helper()
	a, err := egress.ParseRules(allow)
	if err != nil {
		t.Fatal(err)
	}
	d, err := egress.ParseRules(deny)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := egress.New(egress.Config{Mode: mode, Allow: a, Deny: d})
	if err != nil {
		t.Fatal(err)
	}
	x := newTestExecutor(t, Config{Guard: policy})
	if names != nil {
		expireNames(x, names)
	}
	return x
}

// expireNames makes the next dial ask the name server again.
func expireNames(x *Executor, names *dnstest.Server) { useNames(x, resolve.Config{Dial: names.Dial}) }

// tallied is a target that counts connections and answers.
type tallied struct {
	*rawServer
	conns, answers atomic.Int64
}

// serveAt listens on an address of this machine; port 0 takes a free one.
func serveAt(t *testing.T, address string, then string) *tallied {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("this machine cannot listen on %s: %v", address, err)
	}
	k := &tallied{rawServer: &rawServer{addr: ln.Addr().String()}}
	k.wg.Go(func() {
		k.accept(ln, func(_ int, c net.Conn) {
			k.conns.Add(1)
			br := bufio.NewReader(c)
			for {
				if _, _, ok := readRequest(br); !ok {
					return
				}
				k.answers.Add(1)
				if _, err := c.Write([]byte(rawResponse(200, "ok", "Connection: "+then))); err != nil ||
					then == "close" {
					return
				}
			}
		})
	})
	t.Cleanup(func() {
		_ = ln.Close()
		k.closeConns()
		k.wg.Wait()
	})
	return k
}

func portOf(t *testing.T, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func wantRefused(t *testing.T, x *Executor, url, words string) {
	t.Helper()
	out := do(x, newCall(url))
	if out.Verdict != domain.VerdictFinal || out.MaybeSent ||
		!strings.HasPrefix(out.Error, "not sent: the target is refused: ") ||
		!strings.Contains(out.Error, words) {
		t.Errorf("%s: outcome %+v, want a refusal that says %q", url, out, words)
	}
}

// A name that leads elsewhere at the second lookup is judged by where it then
// leads. The first address acts as a public one.
func TestRebinding(t *testing.T) {
	names := serveNames(t, map[string][]netip.Addr{"rebind.test.": parseAddrs("127.0.0.2")})
	public := serveAt(t, "127.0.0.2:0", "close")
	port := portOf(t, public.addr)
	inside := serveAt(t, "127.0.0.1:"+port, "close")
	x := guarded(t, egress.Public, "127.0.0.2", "", names)
	url := "http://rebind.test:" + port + "/"

	mustSucceed(t, x, newCall(url))
	for _, inner := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1",
		"64:ff9b::7f00:1", "0.0.0.0"} {
		names.SetAddrs("rebind.test.", 3600, inner)
		expireNames(x, names)
		wantRefused(t, x, url, netip.MustParseAddr(inner).Unmap().String())
	}
	names.SetAddrs("rebind.test.", 3600, "127.0.0.1", "127.0.0.2") // only one of them may be called
	expireNames(x, names)
	mustSucceed(t, x, newCall(url))
	if n := inside.conns.Load(); n != 0 {
		t.Errorf("%d connections to the refused address", n)
	}
	if n := public.answers.Load(); n != 2 {
		t.Errorf("%d calls reached the allowed address, want 2", n)
	}
}

// Between the judgement and the connect nothing is looked up.
func TestOneLookupForEachConnection(t *testing.T) {
	names := serveNames(t, map[string][]netip.Addr{"a.test.": parseAddrs("127.0.0.2")})
	k := serveAt(t, "127.0.0.2:0", "close")
	x := guarded(t, egress.Public, "127.0.0.2", "", names)
	for i := range 3 {
		expireNames(x, names)
		mustSucceed(t, x, newCall("http://a.test:"+portOf(t, k.addr)+"/"))
		if n := names.Questions("a.test."); n != i+1 {
			t.Errorf("%d questions for %d connections", n, i+1)
		}
	}
}

// A connection that is open to an address under one name is not used for
// another name, which may be denied; nor under another port or spelling.
func TestPooledConnectionsStayWithTheirName(t *testing.T) {
	names := serveNames(t, map[string][]netip.Addr{
		"good.test.": parseAddrs("127.0.0.2"), "evil.test.": parseAddrs("127.0.0.2"),
		"other.test.": parseAddrs("127.0.0.2"),
	})
	k := serveAt(t, "127.0.0.2:0", "keep-alive")
	port := portOf(t, k.addr)
	x := guarded(t, egress.Public, "good.test", "evil.test", names)
	for range 3 {
		mustSucceed(t, x, newCall("http://good.test:"+port+"/"))
	}
	if n := k.conns.Load(); n != 1 {
		t.Fatalf("%d connections, want one that is kept", n)
	}
	wantRefused(t, x, "http://evil.test:"+port+"/", `is denied by "evil.test"`)
	wantRefused(t, x, "http://EVIL.test.:"+port+"/", `is denied by "evil.test"`)
	wantRefused(t, x, "http://other.test:"+port+"/", "127.0.0.2 is a loopback address")
	wantRefused(t, x, "http://127.0.0.2:"+port+"/", "127.0.0.2 is a loopback address")
	if n := k.conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	if n := names.Questions("evil.test."); n != 0 {
		t.Errorf("a denied name was looked up %d times", n)
	}
	// The name leads elsewhere now: what is open goes to where it was judged.
	names.SetAddrs("good.test.", 3600, "169.254.169.254")
	expireNames(x, names)
	mustSucceed(t, x, newCall("http://good.test:"+port+"/"))
	for _, p := range x.pools.list() {
		if len(p.idle) > 0 {
			arrived := arrival(t, p.idle[0].probe)
			k.closeConns()
			<-arrived
			p.idle[0].lastUse = p.idle[0].lastUse.Add(-warmFor)
		}
	}
	expireNames(x, names)
	wantRefused(t, x, "http://good.test:"+port+"/", "cloud metadata")
}

// A network error is not final because another address of the name is refused:
// it may pass.
func TestRefusalsBesideNetworkErrors(t *testing.T) {
	names := serveNames(t, map[string][]netip.Addr{"both.test.": parseAddrs("10.0.0.1", "127.0.0.2", "::1")})
	x := guarded(t, egress.Public, "127.0.0.2", "", names)
	out := do(x, newCall("http://both.test:"+portOf(t, nettest.Refusing(t))+"/"))
	if out.Verdict != retry || !strings.HasPrefix(out.Error, "connection refused") {
		t.Errorf("outcome %+v", out)
	}
}

// Spellings of 127.0.0.1 that other programs understand. Those that the API
// would refuse are tried too: jobs may be older than its rules.
func TestOddSpellingsReachNothing(t *testing.T) {
	k := serveAt(t, "127.0.0.1:0", "close")
	port := portOf(t, k.addr)
	names := serveNames(t, map[string][]netip.Addr{
		// The worst of all resolvers knows them.
		"2130706433.": parseAddrs("127.0.0.1"), "0x7f000001.": parseAddrs("127.0.0.1"),
		"127.1.":      parseAddrs("127.0.0.1"),
		"0177.0.0.1.": parseAddrs("127.0.0.1"), "127.0.0.1.": parseAddrs("127.0.0.1"),
		"a.test.": parseAddrs("127.0.0.1"),
	})
	x := guarded(t, egress.Public, "", "", names)
	for _, host := range []string{
		"127.0.0.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "[::1]", "[::1%25lo]",
		"[::127.0.0.1]",
		"[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "0.0.0.0", "[::]",
		"2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "0177.1", "127.0.0.1.", "127.000.000.001",
		"017700000001",
		"a.test", "A.TEST", "a.test.",
		"%31%32%37.0.0.1", "127%2e0.0.1", "127。0。0。1", "１２７.0.0.1", "127．0．0．1", "①②⑦.0.0.1",
		"x@127.0.0.1", "x:y@127.0.0.1", "example.com\\@127.0.0.1", "127.0.0.1\\", "127.0.0.1%00", "127.0.0.1\t",
		"[127.0.0.1]", "[::1]x", "a.test%25b",
	} {
		out := do(x, newCall("http://"+host+":"+port+"/"))
		if out.Verdict == success || out.MaybeSent {
			t.Errorf("%s: outcome %+v", host, out)
		}
	}
	if n := k.conns.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
	// The same listener is there for who may call it.
	mustSucceed(t, guarded(t, egress.Private, "", "", names), newCall("http://a.test:"+port+"/"))
}

// Belfry's own listener, by any address that leads to it.
func TestOwnListenerIsNotCalled(t *testing.T) {
	k := serveAt(t, "0.0.0.0:0", "close")
	own := netip.MustParseAddrPort(k.addr)
	policy, err := egress.New(egress.Config{Mode: egress.Private, Own: own})
	if err != nil {
		t.Fatal(err)
	}
	x := newTestExecutor(t, Config{Guard: policy})
	hosts := []string{"127.0.0.1", "127.9.9.9", "localhost", "[::ffff:127.0.0.1]"}
	if addrs, err := net.InterfaceAddrs(); err == nil {
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().IsLinkLocalUnicast() {
				hosts = append(hosts, strings.TrimSuffix(netip.AddrPortFrom(p.Addr(), 0).String(), ":0"))
			}
		}
	}
	for _, host := range hosts {
		wantRefused(t, x, "http://"+host+":"+portOf(t, k.addr)+"/", "is where Belfry itself listens")
	}
	if n := k.conns.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
	other := serveAt(t, "127.0.0.1:0", "close")
	mustSucceed(t, x, newCall(other.url()))
}

// The environment's proxies are not used: they would connect in our place, to
// what nobody has judged.
func TestNoProxyIsUsed(t *testing.T) {
	proxy, target := serveAt(t, "127.0.0.1:0", "close"), serveAt(t, "127.0.0.1:0", "close")
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, "http://"+proxy.addr)
	}
	x := guarded(t, egress.Private, "", "", serveNames(t, map[string][]netip.Addr{"a.test.": parseAddrs("127.0.0.1")}))
	mustSucceed(t, x, newCall("http://a.test:"+portOf(t, target.addr)+"/"))
	_ = do(x, newCall("https://a.test:"+portOf(t, target.addr)+"/")) // fails: it speaks no TLS
	if n := proxy.conns.Load(); n != 0 {
		t.Errorf("%d connections to the proxy", n)
	}
}

// A redirect is an answer, whatever it points to.
func TestRedirectsAreNotFollowed(t *testing.T) {
	inside := serveAt(t, "127.0.0.1:0", "close")
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := answerWith(t, rawResponse(status, "", "Location: "+inside.url()), "close")
		out := do(guarded(t, egress.Private, "", "", nil), newCall(s.url()))
		if out.Verdict != final || out.HTTPStatus != status {
			t.Errorf("%d: outcome %+v", status, out)
		}
	}
	if n := inside.conns.Load(); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

// The outcome has the error of a guard unchanged.
func TestGuardRefuses(t *testing.T) {
	x := newTestExecutor(t, Config{Guard: guardFunc(func(name string, to netip.AddrPort) error {
		return errors.New(name + " at " + to.String())
	})})
	withNames(x, func(context.Context, string) ([]netip.Addr, error) { return parseAddrs("127.0.0.1", "::1"), nil })
	wantOutcome(t, do(x, newCall("http://rebound.invalid:81/")), domain.Outcome{
		Verdict: final, Error: "not sent: the target is refused: rebound.invalid at 127.0.0.1:81",
	})
}

type guardFunc func(string, netip.AddrPort) error

func (guardFunc) CheckName(string, uint16) error                   { return nil }
func (f guardFunc) CheckAddr(name string, to netip.AddrPort) error { return f(name, to) }
