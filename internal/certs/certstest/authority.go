// Package certstest makes authorities and certificates for tests.
package certstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

const day = 24 * time.Hour

var serial atomic.Int64

func now() time.Time { return clock.System{}.Now() }

// Authority signs certificates.
type Authority struct {
	Key   *ecdsa.PrivateKey
	Cert  *x509.Certificate
	Above [][]byte // what a target presents behind a certificate of this one
}

// Key returns a new key.
func Key(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Create signs a certificate with a serial number of its own; without a parent it signs itself.
func Create(t testing.TB, c, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	c.SerialNumber = big.NewInt(serial.Add(1))
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// New returns a root, after edit.
func New(t testing.TB, name string, edit func(*x509.Certificate)) *Authority {
	t.Helper()
	a := &Authority{Key: Key(t)}
	a.Cert = Create(t, template(name, edit), nil, a.Key, a.Key)
	return a
}

// Below returns an intermediate authority.
func (a *Authority) Below(t testing.TB, name string, edit func(*x509.Certificate)) *Authority {
	t.Helper()
	b := &Authority{Key: Key(t)}
	b.Cert = Create(t, template(name, edit), a.Cert, b.Key, a.Key)
	b.Above = append([][]byte{b.Cert.Raw}, a.Above...)
	return b
}

func template(name string, edit func(*x509.Certificate)) *x509.Certificate {
	c := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: now().Add(-365 * day),
		NotAfter: now().Add(3650 * day),
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	if edit != nil {
		edit(c)
	}
	return c
}

// Issue returns a certificate for hook.test and 127.0.0.1, valid from an hour ago for 90 days,
// after edit.
func (a *Authority) Issue(t testing.TB, edit func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	c := &x509.Certificate{
		DNSNames: []string{"hook.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: now().Add(-time.Hour), NotAfter: now().Add(90*day - time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if edit != nil {
		edit(c)
	}
	key := Key(t)
	cert := Create(t, c, a.Cert, key, a.Key)
	return tls.Certificate{Certificate: append([][]byte{cert.Raw}, a.Above...), PrivateKey: key, Leaf: cert}
}

// Pool returns the authority as the only one.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Cert)
	return pool
}

// PEM returns the certificate of the authority as a file has it.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Cert.Raw})
}
