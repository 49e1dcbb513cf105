package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/target"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ample is more time than anything takes here, stalls included.
const ample = time.Minute

// server is a TLS server whose settings may change.
type server struct {
	addr string
	mu   sync.Mutex
	cfg  *tls.Config
}

func (s *server) use(cfg *tls.Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg = cfg
}

// present lets the server present another certificate, and resume the sessions of before.
func (s *server) present(cert tls.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.cfg.Clone()
	next.Certificates = []tls.Certificate{cert}
	s.cfg = next
}

func serve(t testing.TB, cfg *tls.Config) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg.SetSessionTicketKeys([][32]byte{{1}}) // clones resume the sessions of each other
	s := &server{addr: ln.Addr().String(), cfg: cfg}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			raw, err := ln.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			cfg := s.cfg
			s.mu.Unlock()
			all.Go(func() { serveOne(raw, cfg) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		all.Wait()
	})
	return s
}

// serveOne writes a byte, behind which the client has received the tickets, and waits for the end.
func serveOne(raw net.Conn, cfg *tls.Config) {
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(ample))
	c := tls.Server(raw, cfg)
	if _, err := c.Write([]byte{1}); err == nil {
		_, _ = c.Read(make([]byte, 1))
	}
}

// counted are the results that an observer got.
type counted struct {
	mu                        sync.Mutex
	handshakes, verifications map[string]int
}

func (c *counted) observer() Observer {
	c.handshakes, c.verifications = map[string]int{}, map[string]int{}
	add := func(to map[string]int, result string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		to[result]++
	}
	return Observer{
		Handshake:    func(result string, _ time.Duration) { add(c.handshakes, result) },
		Verification: func(result string) { add(c.verifications, result) },
	}
}

func (c *counted) want(t *testing.T, what string, got map[string]int, want ...int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	names := []string{Full, Resumed, Failed}
	if what == "verifications" {
		names = []string{Verified, Cached, Refused}
	}
	for i, name := range names {
		if got[name] != want[i] {
			t.Errorf("%s: %d %s, want %d", what, got[name], name, want[i])
		}
	}
}

// fixture is a client with a clock that can be stepped.
type fixture struct {
	*Client
	clock  *clock.Manual
	counts counted
}

func newClient(roots *Roots) *fixture {
	f := &fixture{clock: new(clock.Manual)}
	f.Client = New(Config{Roots: roots, Clock: f.clock, Observer: f.counts.observer()})
	return f
}

// to returns a target at the server under hook.test.
func (f *fixture) to(s *server) *Target { return f.under(s, "hook.test", false) }

func (f *fixture) under(s *server, name string, skip bool) *Target {
	_, port, _ := net.SplitHostPort(s.addr)
	peer := Peer{Host: target.Of("https://" + name + ":" + port + "/"), SkipVerify: skip}
	return f.Target(peer, name, "http/1.1")
}

// dial makes a handshake and reads the tickets. It returns whether a session was resumed.
func dial(t testing.TB, s *server, to *Target) (resumed bool, err error) {
	t.Helper()
	raw, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(ample))
	ctx, cancel := context.WithTimeout(context.Background(), ample)
	defer cancel()
	c, err := to.Handshake(ctx, raw)
	if err != nil {
		return false, err
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return c.ConnectionState().DidResume, nil
}

func mustDial(t *testing.T, s *server, to *Target, wantResumed bool) {
	t.Helper()
	resumed, err := dial(t, s, to)
	if err != nil {
		t.Fatal(err)
	}
	if resumed != wantResumed {
		t.Errorf("a session was resumed: %t, want %t", resumed, wantResumed)
	}
}

func edits(all ...func(*x509.Certificate)) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		for _, edit := range all {
			edit(c)
		}
	}
}

func until(at time.Time) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.NotAfter = at }
}

func from(at time.Time) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.NotBefore = at }
}
