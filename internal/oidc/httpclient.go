package oidc

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"sync"
	"time"
)

// What a provider may take.
const (
	requestTimeout = 10 * time.Second
	dialTimeout    = 5 * time.Second
	maxAnswer      = 1 << 20 // bytes; the keys of large providers have some 10 KiB
	maxHeader      = 64 << 10
)

// newClient returns a client that follows no redirect: the secret of the client goes nowhere but to the provider.
func newClient(roots func() *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout: requestTimeout, Transport: &transport{roots: roots},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// transport sends requests as the standard library does, through the proxies of the environment, trusts whom roots
// says at that time, and bounds answers.
type transport struct {
	roots func() *x509.CertPool

	mu    sync.Mutex
	under *http.Transport
	pool  *x509.CertPool // that it trusts
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.current().RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	}
	return resp, err
}

// current returns the transport for the authorities of now.
func (t *transport) current() *http.Transport {
	pool := t.roots()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.under != nil && t.pool == pool {
		return t.under
	}
	if t.under != nil {
		t.under.CloseIdleConnections()
	}
	t.pool = pool
	t.under = &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: requestTimeout, MaxResponseHeaderBytes: maxHeader,
		MaxIdleConns: 4, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
	}
	return t.under
}

// CloseIdleConnections implements what http.Client asks for.
func (t *transport) CloseIdleConnections() { t.current().CloseIdleConnections() }
