package executor

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/egress"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/nettest"
	"golang.org/x/net/http2"
)

// sumOf returns the parts of a call, none of which is counted twice.
func sumOf(w domain.CallTimes) time.Duration {
	return w.Waited + w.Lookup + w.Connect + w.Handshake + w.FirstByte
}

// A call that has no address, or whose addresses are refused, does not come to the connect.
func TestTraceWithoutAConnect(t *testing.T) {
	t.Parallel()
	unknown := newTestExecutor(t, Config{})
	withNames(unknown, func(context.Context, string) ([]netip.Addr, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "example.invalid", IsNotFound: true}
	})
	inside := guarded(t, egress.Public, "", "", nil)
	withNames(inside, func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	})
	for name, c := range map[string]struct {
		x        *Executor
		url, err string
		looksUp  bool
	}{
		"unknown name":    {unknown, "http://example.invalid/", "no such host", true},
		"refused name":    {inside, "http://inside.test/", "the target is refused", true},
		"refused address": {inside, "http://127.0.0.1:9/", "the target is refused", false},
	} {
		tr, out := trace(c.x, newCall(c.url))
		if w := tr.Times; !strings.Contains(out.Error, c.err) || w.Connect != 0 || w.Handshake != 0 ||
			w.Waited <= 0 || (w.Lookup > 0) != c.looksUp {
			t.Errorf("%s: %q, times %+v", name, out.Error, w)
		}
	}
}

// A call that waits until fewer connections are being opened to its host waits: that is neither a lookup
// nor a connect.
func TestTraceOfAWaitForADial(t *testing.T) {
	t.Parallel()
	s := answerWith(t, rawResponse(200, "ok"), "")
	x := newTestExecutor(t, Config{})
	call := newCall(s.url())
	mustSucceed(t, x, call)
	dials := &onlyHost(t, x).cond.Dials
	for range host.MaxDials {
		if !dials.Enter(0) {
			t.Fatal("a dial is under way")
		}
	}
	released := make(chan time.Time, 1)
	time.AfterFunc(50*time.Millisecond, func() {
		released <- time.Now()
		dials.Leave()
	})
	tr, out := trace(x, call)
	since := time.Since(<-released)
	wantOutcome(t, out, domain.Outcome{Verdict: success, HTTPStatus: 200})
	if w := tr.Times; sumOf(w)-w.Waited > since {
		t.Errorf("times %+v, and a place was there %s before the end", w, since)
	}
}

// A request that is sent again on another connection has the times of both.
func TestTraceOfTwoConnections(t *testing.T) {
	t.Parallel()
	const slow = 30 * time.Millisecond // to agree on TLS
	ca := newAuthority(t)
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.sign(t, nil)}, NextProtos: []string{"h2"}}
	s := serveRaw(t, func(n int, raw net.Conn) {
		if n == 1 {
			<-time.After(slow)
		}
		c := tls.Server(raw, cfg)
		if c.Handshake() != nil {
			return
		}
		defer c.Close()
		f := newFramer(c)
		_ = f.WriteSettings()
		if n > 1 {
			f.answerAll()
		} else if _, ok := f.request(); ok {
			_ = f.WriteGoAway(0, http2.ErrCodeNo, nil)
		}
	})
	x := newTLSExecutor(t, Config{RootCAs: ca.pool})
	begun := time.Now()
	tr, out := trace(x, newCall(s.secure()))
	took := time.Since(begun)
	wantOutcome(t, out, domain.Outcome{Verdict: success, HTTPStatus: 200})
	if w := tr.Times; w.Handshake < slow || sumOf(w) > took || w.FirstByte <= 0 {
		t.Errorf("times %+v, %s in all", w, took)
	}
}

// A connect that fails is one that was reached.
func TestTraceOfAFailedConnect(t *testing.T) {
	t.Parallel()
	x := newTestExecutor(t, Config{})
	withNames(x, func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}, nil
	})
	tr, out := trace(x, newCall("http://hook.test:"+portOf(t, nettest.Refusing(t))+"/"))
	if w := tr.Times; out.Verdict == success || w.Lookup <= 0 || w.Connect <= 0 || w.FirstByte != 0 {
		t.Errorf("%+v, times %+v", out, w)
	}
}
