package executor

import (
	"crypto/tls"
)

// maxTLSSessions is how many sessions a cache holds.
const maxTLSSessions = 1024

// tlsConfigs makes the configurations of pools. A session that is resumed brings back
// the certificate that was shown when it began: each certificate has a cache of its
// own, and so has none.
type tlsConfigs struct {
	cfg      *Config
	sessions map[string]tls.ClientSessionCache // by the name of the client certificate
}

func newTLSConfigs(cfg *Config) *tlsConfigs {
	c := &tlsConfigs{cfg: cfg, sessions: make(map[string]tls.ClientSessionCache)}
	newCache := func() tls.ClientSessionCache {
		return tls.NewLRUClientSessionCache(min(cfg.MaxHosts, maxTLSSessions))
	}
	c.sessions[""] = newCache()
	for name := range cfg.ClientCerts {
		c.sessions[name] = newCache()
	}
	return c
}

// knows reports whether there is a client certificate of the name.
func (c *tlsConfigs) knows(clientCert string) bool { return c.sessions[clientCert] != nil }

// of returns the configuration for connections to a host of the name.
func (c *tlsConfigs) of(name string, key poolKey) *tls.Config {
	cfg := &tls.Config{
		ServerName:         name,
		RootCAs:            c.cfg.RootCAs,
		InsecureSkipVerify: key.skipVerify, // the job says so, and is marked
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"http/1.1"},
		ClientSessionCache: c.sessions[key.clientCert],
		Time:               c.cfg.Clock.Now,
	}
	if key.clientCert != "" {
		cfg.Certificates = []tls.Certificate{c.cfg.ClientCerts[key.clientCert]}
	}
	return cfg
}
