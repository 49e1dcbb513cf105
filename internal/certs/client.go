package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// How a handshake ended.
const (
	Full    = "full"    // a new session, with the certificate of the target
	Resumed = "resumed" // an old session
	Failed  = "failed"
)

// Observer is told of each handshake and of each verification. Its fields may be nil.
type Observer struct {
	Handshake    func(result string, took time.Duration) // Full, Resumed, Failed
	Verification func(result string)                     // Verified, Cached, Refused
}

// Config says how connections are made secure.
type Config struct {
	Roots       *Roots
	ClientCerts map[string]tls.Certificate // by the names that peers have
	Clock       clock.Clock                // for the validity of certificates
	Observer    Observer
}

// Client makes connections to targets secure. Its methods may be called from many
// goroutines.
type Client struct {
	cfg      Config
	verifier *verifier
	sessions *sessions
	facts    *Facts
}

// New returns a client without sessions.
func New(cfg Config) *Client {
	return &Client{
		cfg: cfg, verifier: newVerifier(cfg.Roots, cfg.Clock), sessions: newSessions(), facts: newFacts(),
	}
}

// Facts returns what handshakes have shown of certificates.
func (c *Client) Facts() *Facts { return c.facts }

// Target is a peer and the settings of connections to it.
type Target struct {
	client *Client
	peer   Peer
	name   string // for which its certificate must be valid
	cfg    *tls.Config
}

// Target returns a peer whose certificate must be valid for the name. Protocols are offered in this order (ALPN).
func (c *Client) Target(peer Peer, name string, protocols ...string) *Target {
	t := &Target{client: c, peer: peer, name: name}
	t.cfg = &tls.Config{
		ServerName:         name,
		InsecureSkipVerify: true, //nolint:gosec // verify does it, unless the job says otherwise and is marked
		VerifyConnection:   t.verify,
		MinVersion:         tls.VersionTLS12,
		NextProtos:         protocols,
		ClientSessionCache: sessionCache{t},
		Time:               c.cfg.Clock.Now,
	}
	if peer.ClientCert != "" {
		t.cfg.Certificates = []tls.Certificate{c.cfg.ClientCerts[peer.ClientCert]}
	}
	return t
}

// Offering returns the target with other protocols. It has the same sessions.
func (t *Target) Offering(protocols ...string) *Target {
	other := *t
	other.cfg = t.cfg.Clone()
	other.cfg.NextProtos = protocols
	return &other
}

// Handshake makes a TLS connection of conn, which stays open if that fails.
func (t *Target) Handshake(ctx context.Context, conn net.Conn) (*tls.Conn, error) {
	began, saved := t.client.cfg.Clock.Mark(), t.client.sessions.latest(t.peer)
	secure := tls.Client(conn, t.cfg)
	err := secure.HandshakeContext(ctx)
	if err != nil && ctx.Err() != nil {
		t.client.sessions.restore(t.peer, saved)
	}
	if tell := t.client.cfg.Observer.Handshake; tell != nil {
		result := Failed
		if err == nil {
			result = Full
			if secure.ConnectionState().DidResume {
				result = Resumed
			}
		}
		if !errors.Is(err, context.Canceled) { // nobody wanted it any more
			tell(result, t.client.cfg.Clock.Elapsed(began))
		}
	}
	if err != nil {
		return nil, err
	}
	return secure, nil
}

// verify judges the certificate of a connection, and notes it. Package crypto/tls calls it
// in each handshake, of resumed sessions too.
func (t *Target) verify(state tls.ConnectionState) error {
	chain := state.PeerCertificates
	if len(chain) == 0 {
		return errors.New("the target has presented no certificate")
	}
	now := t.client.cfg.Clock.Now()
	seen := shown{host: t.peer.Host, state: state, now: now, skipped: t.peer.SkipVerify}
	if t.peer.SkipVerify {
		t.client.sessions.verified(t.peer, unlimited(0), bytesOf(chain), now)
		t.client.facts.note(seen)
		return nil
	}
	window, how, err := t.client.verifier.verify(chain, t.name)
	if tell := t.client.cfg.Observer.Verification; tell != nil {
		tell(how)
	}
	if err != nil { // package crypto/tls then drops the sessions of the peer
		err = &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
		seen.fault = Explain(err, t.name, now)
	} else {
		t.client.sessions.verified(t.peer, window, bytesOf(chain), now)
	}
	seen.window = window
	t.client.facts.note(seen)
	return err
}

func bytesOf(chain []*x509.Certificate) int {
	n := 0
	for _, cert := range chain {
		n += len(cert.Raw)
	}
	return n
}

// sessionCache is the sessions of one target, as package crypto/tls wants them.
type sessionCache struct{ *Target }

// Get implements tls.ClientSessionCache.
func (s sessionCache) Get(string) (*tls.ClientSessionState, bool) {
	generation := uint64(0)
	if !s.peer.SkipVerify {
		generation = s.client.cfg.Roots.Current().Generation
	}
	state := s.client.sessions.take(s.peer, s.client.cfg.Clock.Now(), generation)
	return state, state != nil
}

// Put implements tls.ClientSessionCache. Without a session it drops those of the target.
func (s sessionCache) Put(_ string, state *tls.ClientSessionState) {
	if state == nil {
		s.client.sessions.drop(s.peer)
		return
	}
	s.client.sessions.add(s.peer, state)
}
