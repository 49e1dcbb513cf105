package certs

import (
	"crypto/tls"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/target"
)

// Sessions are kept longer than connections and pools: a job that fires once an hour has
// no connection left, but resumes a session. Targets decide for how long: seven days at
// most with TLS 1.3, mostly hours.
//
// A usual peer takes 5 KB: two tickets of 250 bytes, with 350 bytes of package crypto/tls
// each, and the certificate of the host with 1.5 KB, once as it was sent and once parsed;
// intermediate certificates are shared with other peers. So there is room for 10,000 usual
// peers, and for 1,000 of those that send the most that is kept.
const (
	maxSessionPeers = 10_000
	maxSessionBytes = 64 << 20
	// maxTickets is how many sessions of one peer are kept. Servers send one or two for each
	// connection. Some accept each only once; four let so many connections that are opened
	// at the same time resume. The last one is used again and again, which other servers accept.
	maxTickets = 4
	// maxTicketBytes: usual tickets have 200 to 300 bytes, those with a client certificate in
	// them up to 3 KB.
	maxTicketBytes = 8 << 10
	// maxChainBytes: usual chains have 3 to 6 KB.
	maxChainBytes = 32 << 10

	// maxResumed is how long sessions follow each other without a full handshake. A resumed
	// session has the certificate of its first handshake: a certificate that was renewed
	// on the target is noticed within a day, long before the warnings of expiry. A job that fires
	// once an hour makes one full handshake in 24.
	maxResumed = 24 * time.Hour

	peerBytes   = 512 // of a peer without a ticket
	ticketBytes = 512 // of a ticket, beside its own
)

// Peer is what shares sessions: a target that is called in one way.
type Peer struct {
	Host       target.Host
	SkipVerify bool
	ClientCert string // name of the certificate that is presented; empty: none
}

// session is what a peer has given to resume it.
type session struct {
	state *tls.ClientSessionState
	bytes int
}

// peerSessions are those of one peer, the latest last.
type peerSessions struct {
	kept  []session
	since time.Time // of the first of the handshakes that they follow
	chain int       // bytes of the longest chain of certificates that they hold
	valid validity  // of all their chains
}

func (p *peerSessions) bytes() int {
	if p == nil {
		return 0
	}
	n := peerBytes + 2*p.chain
	for _, s := range p.kept {
		n += s.bytes
	}
	return n
}

// sessions has those of all peers. Its methods may be called from many goroutines.
type sessions struct {
	mu     sync.Mutex
	byPeer *lru[Peer, *peerSessions]
	bytes  int
}

func newSessions() *sessions {
	// fit drops what is too much, because it has to be subtracted from bytes
	return &sessions{byPeer: newLRU[Peer, *peerSessions](maxSessionPeers + 1)}
}

// usable reports whether a session may be resumed.
func (p *peerSessions) usable(now time.Time, generation uint64) bool {
	return p.valid.holds(now, generation) && !now.Before(p.since) && now.Sub(p.since) <= maxResumed
}

// verified notes the chain of a connection to the peer, in which time it is valid, and its
// size. Tickets that come on the connection are kept with it.
func (s *sessions) verified(peer Peer, window validity, chainBytes int, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.byPeer.get(peer)
	if !ok {
		p = &peerSessions{valid: window}
		s.byPeer.put(peer, p)
	} else {
		s.bytes -= p.bytes()
	}
	if len(p.kept) == 0 {
		p.valid, p.chain, p.since = window, chainBytes, now
	} else { // behind one name there may be servers with different certificates
		p.valid, p.chain = p.valid.both(window), max(p.chain, chainBytes)
	}
	s.bytes += p.bytes()
	s.fit()
}

// add keeps a session with the peer.
func (s *sessions) add(peer Peer, state *tls.ClientSessionState) {
	ticket, _, err := state.ResumptionState()
	if err != nil || len(ticket) > maxTicketBytes {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.byPeer.get(peer)
	if !ok || p.chain > maxChainBytes {
		return
	}
	s.bytes -= p.bytes()
	if len(p.kept) == maxTickets {
		copy(p.kept, p.kept[1:])
		p.kept = p.kept[:maxTickets-1]
	}
	p.kept = append(p.kept, session{state, len(ticket) + ticketBytes})
	s.bytes += p.bytes()
	s.fit()
}

// take returns a session to resume, or nil. It drops all of the peer when their chain is
// not valid any more, or too old: the handshake must be a full one, in which the peer can
// present another chain.
func (s *sessions) take(peer Peer, now time.Time, generation uint64) *tls.ClientSessionState {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.byPeer.get(peer)
	if !ok || len(p.kept) == 0 {
		return nil
	}
	if !p.usable(now, generation) {
		s.remove(peer, p)
		return nil
	}
	last := len(p.kept) - 1
	taken := p.kept[last]
	if last > 0 {
		p.kept[last] = session{}
		p.kept = p.kept[:last]
		s.bytes -= taken.bytes
	}
	return taken.state
}

// drop ends the sessions of a peer.
func (s *sessions) drop(peer Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.byPeer.peek(peer); ok {
		s.remove(peer, p)
	}
}

// latest returns a copy of what the peer has, with the latest session only; nil: it has none.
func (s *sessions) latest(peer Peer) *peerSessions {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.byPeer.peek(peer)
	if !ok || len(p.kept) == 0 {
		return nil
	}
	saved := *p
	saved.kept = []session{p.kept[len(p.kept)-1]}
	return &saved
}

// restore puts back what latest has returned, unless the peer has a session again. Package
// crypto/tls drops the sessions of a peer after any handshake that fails. One that ends by its
// timeout says nothing against the session: otherwise a machine or a network that is
// overloaded would get full handshakes, which cost more, in the place of resumed ones.
func (s *sessions) restore(peer Peer, saved *peerSessions) {
	if saved == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.byPeer.peek(peer); ok {
		if len(p.kept) > 0 {
			return
		}
		s.remove(peer, p)
	}
	s.byPeer.put(peer, saved)
	s.bytes += saved.bytes()
	s.fit()
}

func (s *sessions) remove(peer Peer, p *peerSessions) {
	s.byPeer.remove(peer)
	s.bytes -= p.bytes()
}

// fit drops those of the peers that were used longest ago until the limits hold; s.mu is held.
func (s *sessions) fit() {
	for len(s.byPeer.byKey) > maxSessionPeers || s.bytes > maxSessionBytes {
		peer, p, ok := s.byPeer.oldest()
		if !ok {
			return
		}
		s.remove(peer, p)
	}
}

// held returns how many peers have sessions, and how many bytes they take.
func (s *sessions) held() (peers, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byPeer.byKey), s.bytes
}
