package executor

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// client returns a certificate that names a client.
func (a *authority) client(t testing.TB, name string) tls.Certificate {
	return a.sign(t, func(c *x509.Certificate) {
		c.Subject, c.DNSNames, c.IPAddresses = pkix.Name{CommonName: name}, nil, nil
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
}

// serveMutual answers each request with 2xx and, on the channel, with the name
// of the client, "" when it has shown none, and whether the session was resumed.
func serveMutual(t testing.TB, cfg *tls.Config) (*tlsServer, <-chan string) {
	seen := make(chan string, 16)
	s := new(tlsServer)
	s.rawServer = serveRaw(t, func(_ int, raw net.Conn) {
		c := tls.Server(raw, cfg)
		if c.Handshake() != nil {
			return
		}
		defer c.Close()
		br := bufio.NewReader(c)
		for {
			req, _, ok := readRequest(br)
			if !ok {
				return
			}
			state, name := c.ConnectionState(), ""
			if len(state.PeerCertificates) > 0 {
				name = state.PeerCertificates[0].Subject.CommonName
			}
			s.handshakes.Add(1)
			if state.DidResume {
				s.resumed.Add(1)
			}
			seen <- name
			header := "X: y"
			if req.URL.Path == "/close" {
				header = "Connection: close"
			}
			_, _ = io.WriteString(c, rawResponse(200, "ok", header))
		}
	})
	return s, seen
}

func TestClientCertificates(t *testing.T) {
	ca, clients := newAuthority(t), newAuthority(t)
	s, seen := serveMutual(t, &tls.Config{
		Certificates: []tls.Certificate{ca.sign(t, nil)}, ClientCAs: clients.pool,
		ClientAuth: tls.RequireAndVerifyClientCert,
	})
	x := newTLSExecutor(t, Config{RootCAs: ca.pool, ClientCerts: map[string]tls.Certificate{
		"bank": clients.client(t, "the bank's"), "stranger": newAuthority(t).client(t, "a stranger's"),
	}})
	call := newCall(s.under("hook.test"))
	call.ClientCert = "bank"
	mustSucceed(t, x, call)
	if got := <-seen; got != "the bank's" {
		t.Errorf("the target saw the certificate of %q", got)
	}
	for name, want := range map[string]string{"": "certificate required", "stranger": "unknown certificate authority"} {
		call.ClientCert = name
		if out := do(x, call); out.Verdict != retry || !strings.Contains(out.Error, want) {
			t.Errorf("with certificate %q: outcome %+v, want %q", name, out, want)
		}
	}
	call.ClientCert, call.Namespace = "lost", "pay"
	wantOutcome(t, do(x, call), domain.Outcome{Verdict: final,
		Error: `not sent: this server has no client certificate named "lost" that jobs of namespace "pay" may use`})
}

// A job's certificate is not shown for another job of the same target: neither
// on a connection that is open, nor in a session that is resumed.
func TestClientCertificatesAreNotMixed(t *testing.T) {
	ca, clients := newAuthority(t), newAuthority(t)
	server := ca.sign(t, nil)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, path := range []string{"", "close"} {
			t.Run(fmt.Sprintf("%s /%s", tls.VersionName(version), path), func(t *testing.T) {
				s, seen := serveMutual(t, &tls.Config{
					Certificates: []tls.Certificate{server}, ClientCAs: clients.pool,
					ClientAuth: tls.VerifyClientCertIfGiven, MaxVersion: version,
				})
				x := newTLSExecutor(t, Config{RootCAs: ca.pool, ClientCerts: map[string]tls.Certificate{
					"a": clients.client(t, "A"), "b": clients.client(t, "B"),
				}})
				for range 3 {
					for name, want := range map[string]string{"a": "A", "": "", "b": "B"} {
						call := newCall(s.under("hook.test") + path)
						call.ClientCert = name
						mustSucceed(t, x, call)
						if got := <-seen; got != want {
							t.Errorf("a call with certificate %q shows that of %q", name, got)
						}
					}
				}
				if resumed := s.resumed.Load(); (resumed > 0) != (path == "close") {
					t.Errorf("%d sessions were resumed", resumed)
				}
			})
		}
	}
}

// TestCertificateOfANamespace: a call presents a certificate only if its namespace may.
func TestCertificateOfANamespace(t *testing.T) {
	x := newTLSExecutor(t, Config{ClientCerts: map[string]tls.Certificate{"bank": {}},
		Allows: func(certificate, namespace string) bool { return certificate == "bank" && namespace == "pay" }})
	for namespace, want := range map[string]bool{"pay": true, "default": false, "": false} {
		if got := x.pools.tls.knows("bank", namespace); got != want {
			t.Errorf("namespace %q: %t", namespace, got)
		}
	}
	call := newCall("https://127.0.0.1:1/")
	call.ClientCert, call.Namespace = "bank", "default"
	out := do(x, call)
	if !strings.Contains(out.Error, `no client certificate named "bank" that jobs of namespace "default" may use`) {
		t.Errorf("the call ended with %q", out.Error)
	}
}
