package executor

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/egress"
	"github.com/belfry-scheduler/belfry/internal/nettest"
	"github.com/belfry-scheduler/belfry/internal/resolve"
	"github.com/belfry-scheduler/belfry/internal/resolve/dnstest"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"golang.org/x/net/dns/dnsmessage"
)

// outages are ways in which name servers fail.
var outages = map[string]dnstest.Record{
	"SERVFAIL": {RCode: dnsmessage.RCodeServerFailure},
	"REFUSED":  {RCode: dnsmessage.RCodeRefused},
	"silent":   {Lose: func(int, dnsmessage.Type) bool { return true }},
}

// An outage of the name servers alone fails no call to a host that was known, and delays
// none: each call here needs a new connection.
func TestOutageOfNamesFailsNoCall(t *testing.T) {
	for what, record := range outages {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			names := dnstest.Serve(t)
			names.SetAddrs("known.test.", 1, "127.0.0.1")
			k := serveAt(t, "127.0.0.1:0", "close")
			x := newTestExecutor(t, Config{})
			m := telemetry.NewNames()
			useNames(x, resolve.Config{Dial: names.Dial, Metrics: m})
			url := "http://known.test:" + portOf(t, k.addr) + "/"
			mustSucceed(t, x, newCall(url))
			names.Set("known.test.", record)
			for testutil.ToFloat64(m.Stale) < 20 {
				begun := time.Now()
				mustSucceed(t, x, newCall(url))
				if took := time.Since(begun); took > prompt {
					t.Errorf("a call took %v", took)
				}
				time.Sleep(20 * time.Millisecond)
			}
			out := do(x, newCall("http://never-seen.test:"+portOf(t, k.addr)+"/"))
			if out.Verdict != retry || !strings.HasPrefix(out.Error, "dns: no such host") {
				t.Errorf("outcome %+v", out)
			}
		})
	}
}

// A call that fails at an address which may be wrong says so, and no longer when the
// name is found again.
func TestFailureInAnOutageOfNames(t *testing.T) {
	names := dnstest.Serve(t)
	names.SetAddrs("known.test.", 1, "127.0.0.1")
	k := answerWith(t, rawResponse(404, "not here"), "close")
	x := newTestExecutor(t, Config{})
	m := telemetry.NewNames()
	useNames(x, resolve.Config{Dial: names.Dial, Metrics: m})
	answers := "http://known.test:" + portOf(t, k.addr) + "/"
	refuses := "http://known.test:" + portOf(t, nettest.Refusing(t)) + "/"
	plain := do(x, newCall(answers))
	if plain.HTTPStatus != 404 || strings.Contains(plain.Error, "known.test") {
		t.Errorf("outcome %+v", plain)
	}
	names.Set("known.test.", dnstest.Record{RCode: dnsmessage.RCodeServerFailure})
	const note = "; the last known address of known.test was used, which could not be looked up since 20"
	const why = ": the name server answered with a failure (SERVFAIL or REFUSED)"
	for testutil.ToFloat64(m.Stale) == 0 {
		_ = do(x, newCall(answers))
		time.Sleep(20 * time.Millisecond)
	}
	for url, first := range map[string]string{answers: plain.Error, refuses: "connection refused by known.test:"} {
		out := do(x, newCall(url))
		if !strings.HasPrefix(out.Error, first) || !strings.Contains(out.Error, note) ||
			!strings.HasSuffix(out.Error, why) {
			t.Errorf("outcome %+v", out)
		}
	}
	if w := x.NamesWarning(); !strings.Contains(w, "known.test cannot be looked up") {
		t.Errorf("warning %q", w)
	}
	names.SetAddrs("known.test.", 60, "127.0.0.1")
	for end := time.Now().Add(ample); ; time.Sleep(20 * time.Millisecond) {
		out := do(x, newCall(refuses))
		if !strings.Contains(out.Error, note) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("outcome %+v", out)
		}
	}
	if w := x.NamesWarning(); w != "" {
		t.Errorf("warning %q", w)
	}
}

// An address that is used in an outage is judged by the guard like any other.
func TestGuardJudgesKnownAddressesInAnOutage(t *testing.T) {
	names := dnstest.Serve(t)
	names.SetAddrs("known.test.", 1, "127.0.0.2")
	k := serveAt(t, "127.0.0.2:0", "close")
	url := "http://known.test:" + portOf(t, k.addr) + "/"
	var refuse bool
	x := newTestExecutor(t, Config{Guard: guardFunc(func(_ string, to netip.AddrPort) error {
		if refuse {
			return &egressRefusal{to}
		}
		return nil
	})})
	m := telemetry.NewNames()
	useNames(x, resolve.Config{Dial: names.Dial, Metrics: m})
	mustSucceed(t, x, newCall(url))
	names.Set("known.test.", dnstest.Record{RCode: dnsmessage.RCodeServerFailure})
	for testutil.ToFloat64(m.Stale) == 0 {
		mustSucceed(t, x, newCall(url))
		time.Sleep(20 * time.Millisecond)
	}
	n := k.conns.Load()
	refuse = true
	wantRefused(t, x, url, "127.0.0.2")
	if k.conns.Load() != n {
		t.Error("the refused address was called")
	}
}

type egressRefusal struct{ to netip.AddrPort }

func (e *egressRefusal) Error() string { return "refused " + e.to.String() }

// A denied name is not looked up, and a name that does not exist any more is not called.
func TestNameThatIsWithdrawn(t *testing.T) {
	names := serveNames(t, map[string][]netip.Addr{"denied.test.": parseAddrs("127.0.0.1")})
	names.SetAddrs("known.test.", 1, "127.0.0.1")
	k := serveAt(t, "127.0.0.1:0", "close")
	x := guarded(t, egress.Private, "", "denied.test", names)
	url := "http://known.test:" + portOf(t, k.addr) + "/"
	mustSucceed(t, x, newCall(url))
	wantRefused(t, x, "http://denied.test:1/", "denied")
	if n := names.Questions("denied.test."); n != 0 {
		t.Errorf("%d questions for a denied name", n)
	}
	names.Set("known.test.", dnstest.Record{RCode: dnsmessage.RCodeNameError})
	for end := time.Now().Add(ample); ; time.Sleep(20 * time.Millisecond) {
		out := do(x, newCall(url))
		if out.Verdict == domain.VerdictSuccess && time.Now().Before(end) {
			continue
		}
		wantOutcome(t, out, domain.Outcome{Verdict: retry, Error: "dns: no such host known.test"})
		return
	}
}
