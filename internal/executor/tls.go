package executor

import (
	"github.com/belfry-scheduler/belfry/internal/certs"
)

// tlsTargets makes the settings of pools for TLS.
type tlsTargets struct {
	cfg   *Config
	certs *certs.Client
}

func newTLSTargets(cfg *Config) *tlsTargets {
	roots := cfg.Roots
	if roots == nil {
		roots = certs.FixedRoots(cfg.RootCAs)
	}
	return &tlsTargets{cfg: cfg, certs: certs.New(certs.Config{
		Roots: roots, ClientCerts: cfg.ClientCerts, Clock: cfg.Clock, Observer: cfg.Handshakes,
	})}
}

// knows reports whether there is a client certificate of the name that calls of the
// namespace may present.
func (t *tlsTargets) knows(clientCert, namespace string) bool {
	_, ok := t.cfg.ClientCerts[clientCert]
	return ok && (t.cfg.Allows == nil || t.cfg.Allows(clientCert, namespace))
}

// of returns the settings for connections to a host of the name.
func (t *tlsTargets) of(name string, key poolKey) *certs.Target {
	peer := certs.Peer{Host: key.host, SkipVerify: key.skipVerify, ClientCert: key.clientCert}
	return t.certs.Target(peer, name, offers(t.cfg.NoHTTP2)...)
}
