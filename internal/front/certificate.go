package front

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/charset"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// lookEvery is the shortest interval between two checks of the files of a certificate.
// The first connection after it makes the check.
const lookEvery = time.Second

// KeyPair reads a certificate and its key. A byte order mark, which editors of
// Windows write, would hide the first block of PEM.
func KeyPair(certFile, keyFile string) (tls.Certificate, error) {
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(charset.Trim(cert), charset.Trim(key))
}

// Certificate is a TLS certificate and its key, in two files. When the files change they
// are read again, so that a renewal needs no restart. Files that cannot be used, such as
// a new certificate beside the old key, change nothing: they are logged once, and tried
// again until they can be used.
type Certificate struct {
	certFile, keyFile string
	clock             clock.Clock
	log               *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	stamp   stamp // of the files that current is from
	faulty  stamp // of the files that could not be used
	looked  clock.Mark
}

// stamp shows whether files have changed.
type stamp struct {
	certTime, keyTime time.Time
	certSize, keySize int64
}

// OpenCertificate reads the files, or says in one line what is wrong with them.
func OpenCertificate(certFile, keyFile string, clk clock.Clock, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, clock: clk, log: log, looked: clk.Mark()}
	var err error
	if c.stamp, err = c.stat(); err == nil {
		c.current, err = c.read()
	}
	if err != nil {
		return nil, fmt.Errorf("the TLS certificate cannot be used: %w", err)
	}
	return c, nil
}

func (c *Certificate) stat() (s stamp, err error) {
	cert, err := os.Stat(c.certFile)
	if err != nil {
		return s, err
	}
	key, err := os.Stat(c.keyFile)
	if err != nil {
		return s, err
	}
	return stamp{cert.ModTime(), key.ModTime(), cert.Size(), key.Size()}, nil
}

func (c *Certificate) read() (*tls.Certificate, error) {
	pair, err := KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", c.certFile, c.keyFile, err)
	}
	return &pair, nil
}

// get returns the certificate of the moment, for a handshake.
func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clock.Elapsed(c.looked) >= lookEvery {
		c.look()
		c.looked = c.clock.Mark()
	}
	return c.current, nil
}

// Leaf returns the certificate of the moment.
func (c *Certificate) Leaf() *x509.Certificate {
	pair, _ := c.get(nil) // it has no error
	return pair.Leaf
}

// look reads the files again if they have changed.
func (c *Certificate) look() {
	now, err := c.stat()
	if err == nil && now == c.stamp {
		return
	}
	var next *tls.Certificate
	if err == nil {
		next, err = c.read()
	}
	if err == nil {
		c.current, c.stamp, c.faulty = next, now, stamp{}
		c.log.Info("the TLS certificate was replaced", telemetry.KeyPath, c.certFile, "expires", next.Leaf.NotAfter)
		return
	}
	if now == (stamp{}) { // the files are not there
		now.certSize = -1
	}
	if now != c.faulty {
		c.log.Error("the new TLS certificate cannot be used; the old one stays in use", telemetry.KeyError, err)
	}
	c.faulty = now
}

// suites are the cipher suites for TLS 1.2: with forward secrecy and authenticated
// encryption. Suites with CBC, which Go still offers by default, and with key exchange by
// RSA are not among them. Those of TLS 1.3 are all of this kind.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// Config returns the TLS settings of the server: TLS 1.2 and up, with the suites above.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{GetCertificate: c.get, MinVersion: tls.VersionTLS12, CipherSuites: suites,
		NextProtos: []string{"http/1.1"}}
}
