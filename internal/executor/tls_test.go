package executor

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"context"

	"github.com/belfry-scheduler/belfry/internal/certs/certstest"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// authority signs certificates for tests.
type authority struct {
	*certstest.Authority
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := certstest.New(t, "test authority", nil)
	return &authority{a, a.Pool()}
}

// sign returns a certificate for hook.test and 127.0.0.1 that is valid for an hour, after edit.
func (a *authority) sign(t testing.TB, edit func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	return a.Issue(t, func(c *x509.Certificate) {
		c.NotAfter = time.Now().Add(time.Hour)
		if edit != nil {
			edit(c)
		}
	})
}

// tlsServer answers 200 to each request over TLS and counts handshakes and
// those that resumed a session.
type tlsServer struct {
	*rawServer
	handshakes, resumed atomic.Int64
	sni                 atomic.Value
}

func serveTLS(t testing.TB, cfg *tls.Config) *tlsServer {
	s := new(tlsServer)
	s.rawServer = serveRaw(t, func(_ int, raw net.Conn) {
		c := tls.Server(raw, cfg)
		if c.Handshake() != nil {
			return
		}
		defer c.Close()
		s.handshakes.Add(1)
		state := c.ConnectionState()
		s.sni.Store(state.ServerName)
		if state.DidResume {
			s.resumed.Add(1)
		}
		br := bufio.NewReader(c)
		for {
			req, _, ok := readRequest(br)
			if !ok {
				return
			}
			headers := "X: y"
			if req.URL.Path == "/close" {
				headers = "Connection: close"
			}
			_, _ = io.WriteString(c, rawResponse(200, "ok", headers))
		}
	})
	return s
}

// under returns the server's URL with the name as host.
func (s *tlsServer) under(name string) string {
	_, port, _ := net.SplitHostPort(s.addr)
	return "https://" + name + ":" + port + "/"
}

// newTLSExecutor returns an executor to which all hosts are distant: HTTP/2 is offered at first.
func newTLSExecutor(t testing.TB, cfg Config) *Executor {
	x := newTestExecutor(t, cfg)
	x.opener.roundTrip = func(net.Conn) time.Duration { return time.Second }
	withNames(x, func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	})
	return x
}

func TestTLS(t *testing.T) {
	ca := newAuthority(t)
	s := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.sign(t, nil)}})
	x := newTLSExecutor(t, Config{RootCAs: ca.pool})
	for range 3 {
		mustSucceed(t, x, newCall(s.under("hook.test")))
	}
	if n := s.handshakes.Load(); n != 1 {
		t.Errorf("%d handshakes for 3 calls", n)
	}
	if got := s.sni.Load(); got != "hook.test" {
		t.Errorf("server name %q, want hook.test", got)
	}
	once := newCall(s.under("hook.test"))
	once.Once = true
	mustSucceed(t, x, once)
	if n := s.handshakes.Load(); n != 1 {
		t.Errorf("a call that is at most once did not reuse a connection that was just used")
	}
	mustSucceed(t, x, newCall(s.under("127.0.0.1")))
}

func TestTLSLongBody(t *testing.T) {
	ca := newAuthority(t)
	s := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.sign(t, nil)}})
	call := newCall(s.under("hook.test"))
	call.Body = make([]byte, 200<<10)
	mustSucceed(t, newTLSExecutor(t, Config{RootCAs: ca.pool}), call)
}

func TestTLSSessionsResume(t *testing.T) {
	ca := newAuthority(t)
	s := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.sign(t, nil)}})
	x := newTLSExecutor(t, Config{RootCAs: ca.pool})
	for range 3 {
		mustSucceed(t, x, newCall(s.under("hook.test")+"close"))
	}
	if h, r := s.handshakes.Load(), s.resumed.Load(); h != 3 || r != 2 {
		t.Errorf("%d handshakes of which %d resumed, want 3 and 2", h, r)
	}
}

func TestTLSFailures(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	expiry := time.Now().Add(-time.Minute).UTC().Truncate(time.Second)
	start := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	expired := ca.sign(t, func(c *x509.Certificate) { c.NotAfter = expiry })
	early := ca.sign(t, func(c *x509.Certificate) { c.NotBefore = start })
	old := &tls.Config{Certificates: []tls.Certificate{ca.sign(t, nil)}, MaxVersion: tls.VersionTLS11,
		MinVersion: tls.VersionTLS10}

	for name, tc := range map[string]struct {
		server *tls.Config
		host   string
		want   string
	}{
		"unknown authority": {
			&tls.Config{Certificates: []tls.Certificate{other.sign(t, nil)}}, "hook.test",
			`tls: the certificate of hook.test is signed by an unknown authority, "test authority": one of that ` +
				"name is known, but has another key. Add the new one to BELFRY_EGRESS_CA_FILE.",
		},
		"wrong name": {
			&tls.Config{Certificates: []tls.Certificate{ca.sign(t, nil)}}, "other.test",
			"tls: the certificate is not valid for other.test, only for hook.test, 127.0.0.1 (issuer: test " +
				"authority). " +
				"Correct the host in the job's URL, or have a certificate issued for it.",
		},
		"expired": {
			&tls.Config{Certificates: []tls.Certificate{expired}}, "hook.test",
			"tls: the certificate of hook.test expired on " + expiry.Format(time.RFC3339) +
				", a minute ago (issuer: test authority). Renew it on the target.",
		},
		"not valid yet": {
			&tls.Config{Certificates: []tls.Certificate{early}}, "hook.test",
			"tls: the certificate of hook.test is not valid before " + start.Format(time.RFC3339) +
				" (issuer: test authority). Check the clock of this machine, which says NOW.",
		},
		"TLS 1.1": {old, "hook.test", "tls: LABEL refused the handshake: protocol version not supported. " +
			"Belfry speaks TLS 1.2 and later: configure the target to do so."},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveTLS(t, tc.server)
			_, port, _ := net.SplitHostPort(s.addr)
			want := strings.Replace(tc.want, "LABEL", tc.host+":"+port, 1)
			wall := &still{at: time.Now().UTC().Truncate(time.Second)}
			want = strings.Replace(want, "NOW", wall.at.Format(time.RFC3339), 1)
			x := newTLSExecutor(t, Config{RootCAs: ca.pool, Clock: wall})
			call := newCall(s.under(tc.host))
			wantOutcome(t, do(x, call), domain.Outcome{Verdict: retry, Error: want})

			call.SkipVerify = true
			out := do(x, call)
			if name == "TLS 1.1" {
				wantOutcome(t, out, domain.Outcome{Verdict: retry, Error: want})
				return
			}
			wantOutcome(t, out, domain.Outcome{Verdict: success, HTTPStatus: 200})

			// What skips verification leaves nothing behind for those that do not.
			call.SkipVerify = false
			wantOutcome(t, do(x, call), domain.Outcome{Verdict: retry, Error: want})
		})
	}
}

// still is a clock whose wall clock shows one time.
type still struct {
	clock.System
	at time.Time
}

func (s *still) Now() time.Time { return s.at }

// Certificates are judged by the clock of the configuration.
func TestTLSClock(t *testing.T) {
	ca := newAuthority(t)
	s := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.sign(t, nil)}})
	wall := new(clock.Manual)
	wall.Step(2 * time.Hour)
	out := do(newTLSExecutor(t, Config{RootCAs: ca.pool, Clock: wall}), newCall(s.under("hook.test")))
	if !strings.HasPrefix(out.Error, "tls: the certificate of hook.test expired on ") {
		t.Errorf("outcome %+v", out)
	}
}

func TestNoTLS(t *testing.T) {
	for name, tc := range map[string]struct {
		serve func(c net.Conn)
		want  string
	}{
		"plain HTTP": {func(c net.Conn) { _, _ = io.WriteString(c, rawResponse(400, "")) },
			"tls: LABEL does not speak TLS but plain HTTP: the URL should begin with http://"},
		"closes": {func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) },
			"tls: LABEL closed the connection in the handshake (does it speak TLS?)"},
		"silent": {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
			"tls: timeout after TIMEOUT in the handshake with LABEL"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveRaw(t, func(_ int, c net.Conn) { tc.serve(c) })
			atTimeout(t, func(timeout time.Duration) string {
				x := newTestExecutor(t, Config{DialTimeout: timeout})
				want := strings.NewReplacer("LABEL", s.addr, "TIMEOUT", timeout.String()).Replace(tc.want)
				return differs(do(x, newCall("https://"+s.addr+"/")), domain.Outcome{Verdict: retry, Error: want})
			})
		})
	}
}

// A target that asks for a client certificate refuses after the handshake
// (TLS 1.3): the request may have been read.
func TestTLSClientCertificateRequired(t *testing.T) {
	ca := newAuthority(t)
	for _, protocol := range []string{"http/1.1", "h2"} {
		t.Run(protocol, func(t *testing.T) {
			s := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.sign(t, nil)},
				ClientAuth: tls.RequireAnyClientCert, NextProtos: []string{protocol}})
			call := newCall(s.under("hook.test"))
			out := do(newTLSExecutor(t, Config{RootCAs: ca.pool}), call)
			want := "tls: " + target.Of(call.URL).Endpoint().Label() + " ended the connection before a response: " +
				"certificate required. It wants a client certificate: name one as clientCertificate in the job."
			if out.Verdict != retry || !out.MaybeSent || out.Error != want {
				t.Errorf("outcome %+v, want %s", out, want)
			}
		})
	}
}

// A session outlives the connections and the pool of its host; what handshakes have shown
// of certificates is known by host.
func TestTLSOutlivesPools(t *testing.T) {
	ca := newAuthority(t)
	s := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.sign(t, nil)}})
	x := newTLSExecutor(t, Config{RootCAs: ca.pool})
	call := newCall(s.under("hook.test"))
	mustSucceed(t, x, call)
	x.pools.sweep(monotonic.Now().Add(time.Hour))
	if n := len(x.pools.list()); n != 0 {
		t.Fatalf("%d pools are there", n)
	}
	mustSucceed(t, x, call)
	if h, r := s.handshakes.Load(), s.resumed.Load(); h != 2 || r != 1 {
		t.Errorf("%d handshakes of which %d resumed, want 2 and 1", h, r)
	}
	fact, ok := x.Certificates().Of(target.Of(call.URL))
	if !ok || fact.Issuer != "test authority" || !fact.Resumed || fact.Fault != "" {
		t.Errorf("%t, %+v", ok, fact)
	}
	call.URL = s.under("other.test")
	if out := do(x, call); out.Verdict != retry {
		t.Errorf("outcome %+v", out)
	}
	if all := x.Certificates().All(); len(all) != 2 {
		t.Errorf("%d facts: %+v", len(all), all)
	}
}
