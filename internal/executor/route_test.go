package executor

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Jobs that spell one host in several ways share its connections, and each
// target sees the Host header that its job wrote.
func TestSpellingsShareConnections(t *testing.T) {
	var conns atomic.Int64
	heads := make(chan string, 1)
	s := serveRaw(t, func(_ int, c net.Conn) {
		conns.Add(1)
		for br := bufio.NewReader(c); ; {
			req, _, ok := readRequest(br)
			if !ok {
				return
			}
			heads <- req.Host + req.RequestURI
			_, _ = io.WriteString(c, rawResponse(200, "ok"))
		}
	})
	x := newTestExecutor(t, Config{})
	port := portOf(t, s.addr)
	for i, spellings := range [][]string{
		{"http://LOCALHOST:" + port, "http://localhost:" + port, "HTTP://LocalHost:0" + port,
			"http://localhost:00" + port},
		{"http://127.0.0.1:" + port, "http://[::ffff:127.0.0.1]:" + port, "http://[::FFFF:7f00:1]:0" + port},
		{"http://a.localhost:" + port},
	} {
		for n, origin := range spellings {
			call := newCall(fmt.Sprintf("%s/%d", origin, n))
			mustSucceed(t, x, call)
			_, authority, _ := strings.Cut(origin, "://")
			if head, want := <-heads, fmt.Sprintf("%s/%d", authority, n); head != want {
				t.Errorf("the target was called as %s, want %s", head, want)
			}
		}
		if n := conns.Load(); n != int64(i)+1 {
			t.Fatalf("%d connections for %d hosts", n, i+1)
		}
	}
}

// What shares a pool, by identity.
func TestRoutes(t *testing.T) {
	x := newTestExecutor(t, Config{})
	at := func(url string, change ...func(*domain.Call)) *pool {
		call := newCall(url)
		for _, fn := range change {
			fn(call)
		}
		p, err := hostOf(x, call)
		if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		return p
	}
	skip := func(c *domain.Call) { c.SkipVerify = true }
	first := at("http://A.x/1")
	for _, same := range []*pool{at("http://a.x:80/2"), at("http://A.x/3"), at("HTTP://a.X"), at("http://a.x", skip)} {
		if same != first {
			t.Errorf("%s has a pool of its own", same.label)
		}
	}
	for _, other := range []*pool{at("https://a.x"), at("https://a.x", skip), at("http://a.x:443"), at("http://a.x."),
		at("http://b.x")} {
		if other == first {
			t.Error("two hosts share a pool")
		}
	}
	if at("https://A.x:443") != at("https://a.x") || at("https://A.x", skip) != at("https://a.x:443", skip) ||
		at("https://a.x", skip) == at("https://a.x") {
		t.Error("verification does not part the pools, or case does")
	}
}

// The table remembers some spellings of each host, and none of hosts that it has
// forgotten.
func TestRoutesAreBounded(t *testing.T) {
	x := newTestExecutor(t, Config{MaxHosts: 10})
	for n := range 1 << 6 {
		name := []byte("abcdef.x")
		for bit := range 6 {
			if n>>bit&1 == 1 {
				name[bit] -= 'a' - 'A'
			}
		}
		call := newCall("http://" + string(name))
		for range 2 {
			if p, err := hostOf(x, call); err != nil || p != onlyHost(t, x) {
				t.Fatalf("%s is another host, error %v", name, err)
			}
		}
	}
	if n := len(x.pools.routes); n != maxSpellings || len(onlyHost(t, x).spellings) != n {
		t.Errorf("%d spellings are remembered, want %d", n, maxSpellings)
	}
	for n := range 100 {
		for _, name := range []string{"a", "A"} {
			if _, err := hostOf(x, newCall(fmt.Sprintf("http://%s%d.x", name, n))); err != nil {
				t.Fatal(err)
			}
		}
	}
	spellings := 0
	for _, p := range x.pools.list() {
		spellings += len(p.spellings)
	}
	if len(x.pools.list()) > 10 || spellings != len(x.pools.routes) || spellings < 10 {
		t.Errorf("%d hosts with %d spellings, and %d routes", len(x.pools.list()), spellings, len(x.pools.routes))
	}
	x.pools.sweep(monotonic.Now().Add(time.Hour))
	if len(x.pools.pools) != 0 || len(x.pools.routes) != 0 {
		t.Errorf("%d hosts and %d routes are left", len(x.pools.pools), len(x.pools.routes))
	}
}
