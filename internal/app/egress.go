package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"

	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/egress"
	"github.com/belfry-scheduler/belfry/internal/executor"
	"github.com/belfry-scheduler/belfry/internal/front"
	"github.com/prometheus/client_golang/prometheus"
)

// egress returns the policy for the targets of jobs. It knows the port that was
// really taken.
func (a *App) egress() (*egress.Policy, error) {
	var own netip.AddrPort
	if a.ports.tcp != nil {
		addr, ok := a.ports.tcp.Addr().(*net.TCPAddr)
		if !ok {
			return nil, fmt.Errorf("the listener has the address %s, which is no TCP address", a.ports.tcp.Addr())
		}
		own = addr.AddrPort()
	}
	return egress.New(egress.Config{
		Mode: a.cfg.Egress, Allow: a.cfg.EgressAllow, Deny: a.cfg.EgressDeny, Own: own,
	})
}

// counted is a policy that counts what it refuses.
type counted struct {
	*egress.Policy
	refused prometheus.Counter
}

// CheckName implements executor.Guard.
func (c counted) CheckName(name string, port uint16) error {
	return c.count(c.Policy.CheckName(name, port))
}

// CheckAddr implements executor.Guard.
func (c counted) CheckAddr(name string, to netip.AddrPort) error {
	return c.count(c.Policy.CheckAddr(name, to))
}

// Uncounted returns the policy without the count.
func (c counted) Uncounted() executor.Guard { return c.Policy }

func (c counted) count(err error) error {
	if err != nil {
		c.refused.Inc()
	}
	return err
}

// clientCertificates loads the certificates that jobs may show.
func clientCertificates(list []config.ClientCertificate) (certs map[string]tls.Certificate, names []string, err error) {
	certs = make(map[string]tls.Certificate, len(list))
	for _, c := range list {
		cert, err := front.KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, nil, fmt.Errorf("client certificate %s (%s, %s): %w", c.Name, c.CertFile,
				c.KeyFile, reason(err))
		}
		certs[c.Name], names = cert, append(names, c.Name)
	}
	return certs, names, nil
}

// reason drops the path from an error about a file: the message names it.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
