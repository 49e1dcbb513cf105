package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/certs/certstest"
	"github.com/belfry-scheduler/belfry/internal/target"
)

func versions(t *testing.T, test func(t *testing.T, version uint16)) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			t.Parallel()
			test(t, version)
		})
	}
}

// Sessions are resumed as long as they are valid, and counted.
func TestResume(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, version uint16) {
		root := testRoot(t)
		s := serve(t, &tls.Config{Certificates: []tls.Certificate{root.Issue(t, nil)}, MaxVersion: version})
		f := newClient(FixedRoots(root.Pool()))
		to := f.to(s)
		mustDial(t, s, to, false)
		for range 3 {
			mustDial(t, s, to, true)
		}
		f.clock.Step(time.Hour) // connections and pools are closed by then
		mustDial(t, s, f.to(s), true)
		f.counts.want(t, "handshakes", f.counts.handshakes, 1, 4, 0)
		if _, err := dial(t, s, f.under(s, "other.test", false)); err == nil {
			t.Error("the certificate is not valid for the name")
		}
		f.counts.want(t, "handshakes", f.counts.handshakes, 1, 4, 1)
	})
}

// Sessions with and without verification are apart: what was not verified is not resumed by a job that verifies.
func TestSessionsOfPeersAreApart(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, version uint16) {
		s := serve(t, &tls.Config{Certificates: []tls.Certificate{testRoot(t).Issue(t, nil)}, MaxVersion: version})
		f := newClient(FixedRoots(certstest.New(t, "another", nil).Pool()))
		skip, verify := f.under(s, "hook.test", true), f.to(s)
		mustDial(t, s, skip, false)
		mustDial(t, s, skip, true)
		if _, err := dial(t, s, verify); err == nil {
			t.Error("the certificate is not one of a known authority")
		}
		mustDial(t, s, skip, true)
	})
}

// After the certificate of a session has expired, the handshake is a full one: the
// target is refused if it still presents that certificate, and accepted with a new one.
func TestExpiredSession(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, version uint16) {
		root := testRoot(t)
		for name, cert := range map[string]tls.Certificate{
			"leaf":         root.Issue(t, until(time.Now().Add(time.Minute))),
			"intermediate": root.Below(t, "middle", until(time.Now().Add(time.Minute))).Issue(t, nil),
		} {
			s := serve(t, &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: version})
			f := newClient(FixedRoots(root.Pool()))
			to := f.to(s)
			mustDial(t, s, to, false)
			mustDial(t, s, to, true)
			f.clock.Step(2 * time.Minute)
			for range 2 {
				_, err := dial(t, s, to)
				if bad, ok := errors.AsType[x509.CertificateInvalidError](err); !ok || bad.Reason != x509.Expired {
					t.Errorf("%s: %v", name, err)
				}
			}
			s.present(root.Issue(t, nil))
			mustDial(t, s, to, false)
			mustDial(t, s, to, true)
		}
	})
}

// Package crypto/tls calls the verification on resumed sessions too: even if one were
// offered whose chain is not valid any more, the handshake would fail. It then is not
// offered again.
func TestResumedSessionIsVerified(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, version uint16) {
		root := testRoot(t)
		middle := root.Below(t, "middle", until(time.Now().Add(time.Minute)))
		s := serve(t, &tls.Config{Certificates: []tls.Certificate{middle.Issue(t, nil)}, MaxVersion: version})
		f := newClient(FixedRoots(root.Pool()))
		to := f.to(s)
		mustDial(t, s, to, false)
		p, _ := f.sessions.byPeer.get(to.peer)
		p.valid = unlimited(0) // the check before the offer is off
		s.present(root.Issue(t, nil))
		f.clock.Step(2 * time.Minute)
		_, err := dial(t, s, to)
		if bad, ok := errors.AsType[x509.CertificateInvalidError](err); !ok || bad.Reason != x509.Expired {
			t.Errorf("with a resumed session: %v", err)
		}
		if fact, _ := f.Facts().Of(to.peer.Host); !fact.Resumed || fact.Fault == "" {
			t.Errorf("the session was not offered: %+v", fact)
		}
		mustDial(t, s, to, false)
	})
}

// A renewed certificate is seen within a day, although sessions follow each other.
func TestFullHandshakeEachDay(t *testing.T) {
	t.Parallel()
	root := testRoot(t)
	s := serve(t, &tls.Config{Certificates: []tls.Certificate{root.Issue(t, nil)}})
	f := newClient(FixedRoots(root.Pool()))
	to := f.to(s)
	mustDial(t, s, to, false)
	s.present(root.Issue(t, func(c *x509.Certificate) { c.DNSNames = []string{"hook.test", "renewed.test"} }))
	for range 24 {
		f.clock.Step(time.Hour - time.Second)
		mustDial(t, s, to, true)
	}
	f.clock.Step(time.Hour)
	mustDial(t, s, to, false)
	if fact, _ := f.Facts().Of(to.peer.Host); !slices.Contains(fact.Names, "renewed.test") {
		t.Errorf("the old certificate is on record: %+v", fact)
	}
	f.clock.Step(-time.Minute) // to before the first handshake of those sessions
	mustDial(t, s, to, false)
}

// A captured session for tests without a network.
func aSession(t *testing.T) *tls.ClientSessionState {
	t.Helper()
	root := testRoot(t)
	s := serve(t, &tls.Config{Certificates: []tls.Certificate{root.Issue(t, nil)}})
	f := newClient(FixedRoots(root.Pool()))
	to := f.to(s)
	mustDial(t, s, to, false)
	state := f.sessions.take(to.peer, f.clock.Now(), 0)
	if state == nil {
		t.Fatal("there is no session")
	}
	return state
}

// withTicket returns the session with another ticket.
func withTicket(t *testing.T, state *tls.ClientSessionState, ticket []byte) *tls.ClientSessionState {
	t.Helper()
	_, inner, err := state.ResumptionState()
	if err != nil {
		t.Fatal(err)
	}
	text, err := inner.Bytes() // the ticket is a part of inner: another one needs a copy
	if err != nil {
		t.Fatal(err)
	}
	if inner, err = tls.ParseSessionState(text); err != nil {
		t.Fatal(err)
	}
	state, err = tls.NewResumptionState(ticket, inner)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func peerNo(i int) Peer {
	return Peer{Host: target.Of("https://h" + strconv.Itoa(i) + ".test/")}
}

// Of one peer the latest sessions are kept, each is used once, and the last one again and again.
func TestTicketsOfAPeer(t *testing.T) {
	t.Parallel()
	state, s, now := aSession(t), newSessions(), time.Now()
	peer := peerNo(1)
	s.add(peer, state)
	if s.take(peer, now, 0) != nil {
		t.Error("a session of a chain that nobody verified")
	}
	s.verified(peer, unlimited(0), 1000, now)
	for i := range maxTickets + 3 {
		s.add(peer, withTicket(t, state, []byte{byte(i)}))
	}
	for _, want := range []byte{6, 5, 4, 3, 3, 3} {
		ticket, _, err := s.take(peer, now, 0).ResumptionState()
		if err != nil || ticket[0] != want {
			t.Errorf("ticket %v, %v; want %d", ticket, err, want)
		}
	}
	if s.take(peer, now, 1) != nil || s.take(peer, now, 0) != nil {
		t.Error("the authorities have changed")
	}
	if peers, bytes := s.held(); peers != 0 || bytes != 0 {
		t.Errorf("%d peers, %d bytes", peers, bytes)
	}
}

// A handshake that ends by its timeout leaves the session of the peer, one that fails
// otherwise does not.
func TestSessionAfterFailure(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, version uint16) {
		root := testRoot(t)
		s := serve(t, &tls.Config{Certificates: []tls.Certificate{root.Issue(t, nil)}, MaxVersion: version})
		f := newClient(FixedRoots(root.Pool()))
		to := f.to(s)
		mustDial(t, s, to, false)
		fail := func(timeout time.Duration, meanwhile func(theirs net.Conn)) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			ours, theirs := net.Pipe()
			go meanwhile(theirs)
			if _, err := to.Handshake(ctx, ours); err == nil {
				t.Error("a handshake with nobody")
			}
			_, _ = ours.Close(), theirs.Close()
		}
		for range maxTickets + 1 {
			fail(5*time.Millisecond, func(net.Conn) {})
		}
		mustDial(t, s, to, true)
		fail(ample, func(theirs net.Conn) { _ = theirs.Close() })
		mustDial(t, s, to, false)
		sum := 0
		for _, p := range f.sessions.byPeer.values() {
			sum += p.bytes()
		}
		if _, bytes := f.sessions.held(); bytes != sum {
			t.Errorf("%d bytes are counted, there are %d", bytes, sum)
		}
	})
}

// Package crypto/tls drops the sessions of a target by putting none.
func TestPutNone(t *testing.T) {
	t.Parallel()
	state, f := aSession(t), newClient(FixedRoots(nil))
	to := f.Target(peerNo(1), "h1.test")
	f.sessions.verified(to.peer, unlimited(0), 10, f.clock.Now())
	cache := sessionCache{to}
	cache.Put("", state)
	if got, ok := cache.Get(""); got != state || !ok {
		t.Error("the session is not there")
	}
	cache.Put("", nil)
	if got, ok := cache.Get(""); got != nil || ok {
		t.Error("the session is still there")
	}
}

// Whatever targets send, the memory is bounded, and the count of it is right.
func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	state, s, now := aSession(t), newSessions(), time.Now()
	large := withTicket(t, state, make([]byte, maxTicketBytes))
	tooLarge := withTicket(t, state, make([]byte, maxTicketBytes+1))
	check := func(what string) {
		t.Helper()
		peers, bytes := s.held()
		sum := 0
		for _, p := range s.byPeer.values() {
			sum += p.bytes()
		}
		if peers > maxSessionPeers || bytes > maxSessionBytes || bytes != sum {
			t.Fatalf("%s: %d peers, %d bytes, which are %d", what, peers, bytes, sum)
		}
	}
	for i := range maxSessionPeers + 100 {
		s.verified(peerNo(i), unlimited(0), 1500, now)
		s.add(peerNo(i), state)
	}
	check("many")
	if peers, _ := s.held(); peers != maxSessionPeers {
		t.Errorf("%d peers", peers)
	}
	if s.take(peerNo(99), now, 0) != nil || s.take(peerNo(100), now, 0) == nil {
		t.Error("not the oldest were dropped")
	}
	for i := range 2000 {
		s.verified(peerNo(-i), unlimited(0), maxChainBytes, now)
		for range maxTickets + 1 {
			s.add(peerNo(-i), large)
		}
		if i%200 == 0 {
			check("large")
		}
	}
	s.verified(peerNo(-3000), unlimited(0), maxChainBytes+1, now)
	s.add(peerNo(-3000), state)
	s.verified(peerNo(-3001), unlimited(0), 100, now)
	s.add(peerNo(-3001), tooLarge)
	if s.take(peerNo(-3000), now, 0) != nil || s.take(peerNo(-3001), now, 0) != nil {
		t.Error("a chain or a ticket is too large")
	}
	check("too large")
	for i := range 5000 {
		s.drop(peerNo(-i))
	}
	check("dropped")
}

// Behind one name there may be servers with different certificates: their sessions are
// resumed as long as all of them are valid.
func TestSessionsOfSeveralChains(t *testing.T) {
	t.Parallel()
	state, now := aSession(t), time.Now()
	window := func(from, until time.Duration) validity {
		return validity{from: now.Add(from), until: now.Add(until)}
	}
	s, peer := newSessions(), peerNo(1)
	begin := func() {
		s.verified(peer, window(-2*time.Hour, 2*time.Hour), 10, now)
		s.add(peer, state)
		s.verified(peer, window(-time.Hour, 3*time.Hour), 10, now)
		s.add(peer, state)
	}
	for at, want := range map[time.Duration]bool{0: true, time.Hour: true, 150 * time.Minute: false} {
		begin()
		if got := s.take(peer, now.Add(at), 0) != nil; got != want {
			t.Errorf("after %s a session is resumed: %t", at, got)
		}
	}
	begin()
	later := window(-time.Hour, time.Hour)
	later.generation = 1
	s.verified(peer, later, 10, now)
	if s.take(peer, now, 0) != nil {
		t.Error("some of the sessions are of other authorities")
	}
	begin()
	s.verified(peer, later, 10, now)
	if s.take(peer, now, 1) != nil {
		t.Error("some of the sessions are of other authorities")
	}
}

// Many connections at a time use and replace the sessions of a few peers.
func TestSessionsTogether(t *testing.T) {
	t.Parallel()
	state, s, now := aSession(t), newSessions(), time.Now()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 500 {
				peer := peerNo((i + n) % 3)
				s.verified(peer, unlimited(0), n, now)
				s.add(peer, state)
				s.take(peer, now, 0)
				if n%50 == 0 {
					s.drop(peer)
				}
			}
		})
	}
	all.Wait()
	sum := 0
	for _, p := range s.byPeer.values() {
		sum += p.bytes()
	}
	if _, bytes := s.held(); bytes != sum {
		t.Errorf("%d bytes are counted, there are %d", bytes, sum)
	}
}
