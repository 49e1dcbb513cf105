package certs

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/certs/certstest"
)

// cases are certificates of hook.test, good and bad. The root is known.
func cases(t *testing.T) map[string]tls.Certificate {
	t.Helper()
	root := testRoot(t)
	middle := root.Below(t, "middle", nil)
	expiredMiddle := root.Below(t, "expired middle", until(time.Now().Add(-time.Hour)))
	noCA := root.Below(t, "no authority", func(c *x509.Certificate) { c.IsCA = false })
	narrow := root.Below(t, "narrow", func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"other.test"}
	})
	alone := middle.Issue(t, nil)
	alone.Certificate = alone.Certificate[:1]
	return map[string]tls.Certificate{
		"good":                 root.Issue(t, nil),
		"with an intermediate": middle.Issue(t, nil),
		"intermediate missing": alone,
		"expired":              root.Issue(t, until(time.Now().Add(-time.Minute))),
		"early":                root.Issue(t, from(time.Now().Add(time.Hour))),
		"expired intermediate": expiredMiddle.Issue(t, nil),
		"unknown authority":    certstest.New(t, "another root", nil).Issue(t, nil),
		"same name of another": certstest.New(t, "root", nil).Issue(t, nil),
		"other names":          root.Issue(t, func(c *x509.Certificate) { c.DNSNames = []string{"a.test", "b.test"} }),
		"wildcard":             root.Issue(t, func(c *x509.Certificate) { c.DNSNames = []string{"*.test"} }),
		"common name only": root.Issue(t, func(c *x509.Certificate) {
			c.DNSNames, c.IPAddresses, c.Subject = nil, nil, pkix.Name{CommonName: "hook.test"}
		}),
		"for clients": root.Issue(t, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}),
		"signed by no authority": noCA.Issue(t, nil),
		"outside of constraints": narrow.Issue(t, nil),
	}
}

var theRoot struct {
	sync.Once
	*certstest.Authority
}

func testRoot(t *testing.T) *certstest.Authority {
	theRoot.Do(func() { theRoot.Authority = certstest.New(t, "root", nil) })
	return theRoot.Authority
}

// TestAsCryptoTLS: what is accepted and what is refused, and with which error, is what
// package crypto/tls says, at the first handshake and at those after it.
func TestAsCryptoTLS(t *testing.T) {
	t.Parallel()
	for name, cert := range cases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, &tls.Config{Certificates: []tls.Certificate{cert}, SessionTicketsDisabled: true})
			f := newClient(FixedRoots(testRoot(t).Pool()))
			for _, host := range []string{"hook.test", "HOOK.test", "hook.test.", "127.0.0.1", "::1",
				"deep.hook.test"} {
				to := f.under(s, host, false)
				for range 2 {
					_, want := plainDial(s, &tls.Config{ServerName: host, RootCAs: testRoot(t).Pool()})
					_, err := dial(t, s, to)
					if (err == nil) != (want == nil) || err != nil && !sameKind(err, want) {
						t.Errorf("%s: %v, want %v", host, err, want)
					}
				}
			}
		})
	}
}

// sameKind compares two failures of a verification; the times in them differ.
func sameKind(a, b error) bool {
	one, ok := errors.AsType[*tls.CertificateVerificationError](a)
	two, ok2 := errors.AsType[*tls.CertificateVerificationError](b)
	if !ok || !ok2 || !one.UnverifiedCertificates[0].Equal(two.UnverifiedCertificates[0]) {
		return false
	}
	x, ok := errors.AsType[x509.CertificateInvalidError](a)
	y, ok2 := errors.AsType[x509.CertificateInvalidError](b)
	if ok || ok2 {
		return x.Reason == y.Reason && x.Cert.Equal(y.Cert)
	}
	return a.Error() == b.Error()
}

// plainDial is a handshake of package crypto/tls alone.
func plainDial(s *server, cfg *tls.Config) (*tls.ConnectionState, error) {
	raw, err := net.Dial("tcp", s.addr)
	if err != nil {
		return nil, err
	}
	defer raw.Close()
	ctx, cancel := context.WithTimeout(context.Background(), ample)
	defer cancel()
	c := tls.Client(raw, cfg)
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	state := c.ConnectionState()
	return &state, nil
}

// A chain is verified once, again after keepVerified, and again after a step of the clock
// to before the verification.
func TestVerifiedOnce(t *testing.T) {
	t.Parallel()
	root := testRoot(t)
	s := serve(t, &tls.Config{Certificates: []tls.Certificate{root.Issue(t, nil)}, SessionTicketsDisabled: true})
	f := newClient(FixedRoots(root.Pool()))
	to := f.to(s)
	for i, step := range []struct {
		by               time.Duration
		verified, cached int
	}{
		{0, 1, 0}, {0, 1, 1}, {keepVerified - time.Minute, 1, 2}, {2 * time.Minute, 2, 2}, {0, 2, 3},
		{-30 * time.Minute, 3, 3}, {0, 3, 4},
	} {
		f.clock.Step(step.by)
		mustDial(t, s, to, false)
		f.counts.want(t, "verifications", f.counts.verifications, step.verified, step.cached, 0)
		if t.Failed() {
			t.Fatalf("at step %d", i)
		}
	}
	if _, err := dial(t, s, f.under(s, "other.test", false)); err == nil {
		t.Error("a result for one name counts for another")
	}
}

// What is remembered does not outlive the certificate, in either direction of time: of the
// host itself, and of an intermediate one.
func TestVerifiedOnlyWhileValid(t *testing.T) {
	t.Parallel()
	root := testRoot(t)
	soon := time.Now().Add(5 * time.Minute)
	since := time.Now().Add(-5 * time.Minute)
	middle := root.Below(t, "middle", edits(from(since), until(soon)))
	for name, cert := range map[string]tls.Certificate{
		"leaf": root.Issue(t, edits(from(since), until(soon))), "intermediate": middle.Issue(t, nil),
	} {
		for _, step := range []time.Duration{6 * time.Minute, -6 * time.Minute} {
			t.Run(name+step.String(), func(t *testing.T) {
				t.Parallel()
				s := serve(t, &tls.Config{Certificates: []tls.Certificate{cert}, SessionTicketsDisabled: true})
				f := newClient(FixedRoots(root.Pool()))
				to := f.to(s)
				mustDial(t, s, to, false)
				mustDial(t, s, to, false)
				f.clock.Step(step)
				_, err := dial(t, s, to)
				if bad, ok := errors.AsType[x509.CertificateInvalidError](err); !ok || bad.Reason != x509.Expired {
					t.Errorf("after the clock was stepped by %s: %v", step, err)
				}
				f.clock.Step(-step)
				mustDial(t, s, to, false)
				f.counts.want(t, "verifications", f.counts.verifications, 1, 2, 1)
			})
		}
	}
}

// Handshakes that begin together verify a chain once, and share a failure.
func TestVerifiedTogether(t *testing.T) {
	t.Parallel()
	root := testRoot(t)
	for name, host := range map[string]string{"good": "hook.test", "bad": "other.test"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVerifier(FixedRoots(root.Pool()), newClient(nil).clock)
			chain := []*x509.Certificate{root.Issue(t, nil).Leaf}
			key := presentedAs(chain, host, 0)
			first := &verification{done: make(chan struct{})}
			v.doing[key] = first
			results := make(chan error, 50)
			for range cap(results) {
				go func() {
					_, how, err := v.verify(chain, host)
					if err == nil && how != Cached {
						err = errors.New("it was " + how)
					}
					results <- err
				}()
			}
			first.validity, first.err = verifyNow(chain, host, v.roots.Current(), v.clock.Now())
			v.finish(key, first, v.clock.Now())
			for range cap(results) {
				if err := <-results; (err == nil) != (name == "good") {
					t.Error(err)
				}
			}
			if _, known := v.known.get(key); known != (name == "good") {
				t.Errorf("remembered: %t", known)
			}
			if len(v.doing) > 0 {
				t.Errorf("%d verifications are under way", len(v.doing))
			}
		})
	}
}

// The number of results that are remembered is bounded.
func TestVerifiedIsBounded(t *testing.T) {
	t.Parallel()
	v := newVerifier(FixedRoots(nil), newClient(nil).clock)
	now := v.clock.Now()
	for i := range maxVerified + 10 {
		key := presented{generation: uint64(i)}
		v.finish(key, &verification{done: make(chan struct{}), validity: unlimited(0)}, now)
	}
	if n := len(v.known.byKey); n != maxVerified {
		t.Errorf("%d results, want %d", n, maxVerified)
	}
	if _, there := v.known.get(presented{generation: 9}); there {
		t.Error("one of the oldest is there")
	}
}

// A chain and a name are not taken for others with the same bytes in other places.
func TestPresentedAs(t *testing.T) {
	t.Parallel()
	cert := func(raw string) *x509.Certificate { return &x509.Certificate{Raw: []byte(raw)} }
	seen := map[presented]string{}
	for name, p := range map[string]presented{
		"one":         presentedAs([]*x509.Certificate{cert("ab")}, "n", 0),
		"two":         presentedAs([]*x509.Certificate{cert("a"), cert("b")}, "n", 0),
		"in the name": presentedAs([]*x509.Certificate{cert("b")}, "na", 0),
		"generation":  presentedAs([]*x509.Certificate{cert("ab")}, "n", 1),
		"order":       presentedAs([]*x509.Certificate{cert("b"), cert("a")}, "n", 0),
	} {
		if other, there := seen[p]; there {
			t.Errorf("%s is %s", name, other)
		}
		seen[p] = name
	}
}

func TestWindowOf(t *testing.T) {
	t.Parallel()
	at := func(h int) time.Time { return time.Unix(1_800_000_000, 0).Add(time.Duration(h) * time.Hour) }
	cert := func(from, until int) *x509.Certificate {
		return &x509.Certificate{NotBefore: at(from), NotAfter: at(until)}
	}
	short := []*x509.Certificate{cert(0, 10), cert(-5, 4)}
	long := []*x509.Certificate{cert(0, 10), cert(2, 8)}
	for name, tc := range map[string]struct {
		chains      [][]*x509.Certificate
		from, until int
	}{
		"one":             {[][]*x509.Certificate{short}, 0, 4},
		"the longest":     {[][]*x509.Certificate{short, long}, 2, 8},
		"in either order": {[][]*x509.Certificate{long, short}, 2, 8},
	} {
		w := windowOf(tc.chains, 3)
		if !w.from.Equal(at(tc.from)) || !w.until.Equal(at(tc.until)) || w.generation != 3 {
			t.Errorf("%s: %+v", name, w)
		}
		for _, edge := range []struct {
			now        time.Time
			generation uint64
			want       bool
		}{
			{w.from, 3, true}, {w.until, 3, true}, {w.from.Add(-1), 3, false}, {w.until.Add(1), 3, false},
			{w.from, 2, false},
		} {
			if got := w.holds(edge.now, edge.generation); got != edge.want {
				t.Errorf("%s at %s, %d: %t", name, edge.now, edge.generation, got)
			}
		}
	}
	if windowOf(nil, 0).holds(at(0), 0) {
		t.Error("no chain is valid")
	}
}

// TestPermittedChains: the keys that package crypto/tls accepts in FIPS 140 mode.
func TestPermittedChains(t *testing.T) {
	t.Parallel()
	bits := func(n int) *rsa.PublicKey {
		return &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), uint(n-1)),
			E: 65537}
	}
	for _, tc := range []struct {
		key  any
		want bool
	}{
		{bits(1024), false}, {bits(2047), false}, {bits(2048), true}, {bits(4096), true},
		{&ecdsa.PublicKey{Curve: elliptic.P224()}, false}, {&ecdsa.PublicKey{Curve: elliptic.P256()}, true},
		{&ecdsa.PublicKey{Curve: elliptic.P384()}, true}, {&ecdsa.PublicKey{Curve: elliptic.P521()}, true},
		{ed25519.PublicKey{}, true}, {"another", false}, {nil, false},
	} {
		chains := [][]*x509.Certificate{{{PublicKey: bits(2048)}, {PublicKey: tc.key}}, {}}
		if got := len(permittedChains(chains)) == 1; got != tc.want {
			t.Errorf("%T %v is permitted: %t", tc.key, tc.key, got)
		}
	}
}
