package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/certs/certstest"
)

// A handshake that nobody wants any more is not counted, one that ends by its timeout is.
func TestHandshakesThatEnd(t *testing.T) {
	t.Parallel()
	f := newClient(FixedRoots(nil))
	to := f.Target(peerNo(1), "h1.test")
	for i, end := range []func() (context.Context, context.CancelFunc){
		func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx, cancel
		},
		func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), time.Millisecond)
		},
	} {
		ctx, cancel := end()
		ours, theirs := net.Pipe()
		_, err := to.Handshake(ctx, ours)
		cancel()
		if err == nil {
			t.Error("a handshake with nobody")
		}
		f.counts.want(t, "handshakes", f.counts.handshakes, 0, 0, i)
		_, _ = ours.Close(), theirs.Close()
	}
}

// A connection without a certificate is refused, even where none is verified.
func TestNoCertificate(t *testing.T) {
	t.Parallel()
	f := newClient(FixedRoots(nil))
	for _, skip := range []bool{false, true} {
		peer := peerNo(1)
		peer.SkipVerify = skip
		if err := f.Target(peer, "h1.test").verify(tls.ConnectionState{}); err == nil {
			t.Error("it is accepted")
		}
	}
}

// Without observers, nothing is called.
func TestNoObserver(t *testing.T) {
	t.Parallel()
	root := testRoot(t)
	s := serve(t, &tls.Config{Certificates: []tls.Certificate{root.Issue(t, nil)}})
	f := newClient(FixedRoots(root.Pool()))
	f.Client = New(Config{Roots: FixedRoots(root.Pool()), Clock: f.clock})
	mustDial(t, s, f.to(s), false)
	if _, err := dial(t, s, f.under(s, "other.test", false)); err == nil {
		t.Error("it is accepted")
	} else if _, ok := errors.AsType[x509.HostnameError](err); !ok {
		t.Error(err)
	}
}

// BenchmarkHandshake compares handshakes of both ends, over loopback, with a chain of two certificates.
func BenchmarkHandshake(b *testing.B) {
	root := certstest.New(b, "root", nil)
	cert := root.Below(b, "middle", nil).Issue(b, nil)
	for _, bc := range []struct {
		name                string
		sessionless, always bool
	}{
		{"verified each time", true, true}, {"verified once", true, false},
		{"resumed, verified each time", false, true}, {"resumed", false, false},
	} {
		b.Run(bc.name, func(b *testing.B) {
			s := serve(b, &tls.Config{Certificates: []tls.Certificate{cert}, SessionTicketsDisabled: bc.sessionless})
			f := newClient(FixedRoots(root.Pool()))
			f.verifier.always = bc.always
			to := f.to(s)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := dial(b, s, to); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerify is the verification alone: a chain of two certificates, each with P-256.
func BenchmarkVerify(b *testing.B) {
	root := certstest.New(b, "root", nil)
	middle := root.Below(b, "middle", nil)
	chain := []*x509.Certificate{middle.Issue(b, nil).Leaf, middle.Cert}
	for _, always := range []bool{true, false} {
		name := map[bool]string{true: "each time", false: "once"}[always]
		b.Run(name, func(b *testing.B) {
			v := newVerifier(FixedRoots(root.Pool()), newClient(nil).clock)
			v.always = always
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := v.verify(chain, "hook.test"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
