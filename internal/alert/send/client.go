package send

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// Guard says which addresses may be called: that of the targets of jobs.
type Guard interface {
	CheckName(name string, port uint16) error
	CheckAddr(name string, to netip.AddrPort) error
}

const (
	timeout     = 15 * time.Second // of a request
	dialTimeout = 5 * time.Second  // of an address
	// attemptTimeout bounds an attempt: a digest may be a request for each of its groups, which takes 0.2 s each.
	attemptTimeout = 60 * time.Second
)

// dialer connects to addresses that the guard accepts.
type dialer struct {
	guard Guard
	net   net.Dialer
}

// dial looks a name up and connects to the first of its addresses that may be called and answers.
func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	if err := d.guard.CheckName(name, uint16(n)); err != nil {
		return nil, err
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return nil, err
	}
	err = errors.New(name + " has no address")
	for _, addr := range found {
		to := netip.AddrPortFrom(addr.Unmap(), uint16(n))
		if err = d.guard.CheckAddr(name, to); err != nil {
			continue
		}
		c, dialErr := d.net.DialContext(ctx, network, to.String())
		if dialErr == nil {
			return c, nil
		}
		err = dialErr
	}
	return nil, err
}

// encrypted speaks TLS from the first byte on.
func encrypted(ctx context.Context, c net.Conn, config *tls.Config) (net.Conn, error) {
	secure := tls.Client(c, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return secure, nil
}

// newClient returns a client that neither follows redirects nor keeps connections. Whom to trust is asked for each
// connection: the certificates of authorities change while the server runs.
func newClient(d *dialer, roots func() *x509.CertPool) *http.Client {
	dialTLS := func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := d.dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		host, _, _ := net.SplitHostPort(address) // dial has read it
		return encrypted(ctx, c, &tls.Config{ServerName: host, RootCAs: roots(), MinVersion: tls.VersionTLS12})
	}
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext: d.dial, DialTLSContext: dialTLS, DisableKeepAlives: true,
			ResponseHeaderTimeout: timeout, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
