package app

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// pair is a certificate for localhost in two files.
type pair struct{ cert, key string }

// write makes a certificate of a number. Its files are as old as the number
// says: two that are written in the same tick of the file system differ.
func (p pair) write(t *testing.T, number int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(100 * 365 * 24 * time.Hour), IsCA: true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p.put(t, p.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), number)
	p.put(t, p.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), number)
}

func (pair) put(t *testing.T, file string, data []byte, number int64) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_700_000_000+number, 0)
	if err := os.Chtimes(file, at, at); err != nil {
		t.Fatal(err)
	}
}

func newPair(t *testing.T) pair {
	t.Helper()
	dir := t.TempDir()
	p := pair{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	p.write(t, 1)
	return p
}

func (c *certificate) want(t *testing.T, number int64) {
	t.Helper()
	got, err := c.get(nil)
	if err != nil || got.Leaf.SerialNumber.Int64() != number {
		t.Errorf("certificate %v, error %v; want number %d", got.Leaf.SerialNumber, err, number)
	}
}

// TestRenewal replaces the files in every order and state.
func TestRenewal(t *testing.T) { synctest.Test(t, renewal) }

func renewal(t *testing.T) {
	var log bytes.Buffer
	p := newPair(t)
	c, err := openCertificate(p.cert, p.key, clock.System{}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	c.want(t, 1)
	p.write(t, 2)
	c.want(t, 1) // looked at a moment ago
	time.Sleep(lookEvery)
	c.want(t, 2)

	// The new certificate is there before its key: the old pair stays, and it is
	// told once.
	old, err := os.ReadFile(p.key)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, 3)
	next, err := os.ReadFile(p.key)
	if err != nil {
		t.Fatal(err)
	}
	p.put(t, p.key, old, 2)
	for range 10 {
		time.Sleep(lookEvery)
		c.want(t, 2)
	}
	if n := strings.Count(log.String(), "cannot be used"); n != 1 {
		t.Errorf("told %d times:\n%s", n, log.String())
	}
	p.put(t, p.key, next, 3)
	time.Sleep(lookEvery)
	c.want(t, 3)

	// Gone, and back.
	if err := os.Remove(p.cert); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		time.Sleep(lookEvery)
		c.want(t, 3)
	}
	if n := strings.Count(log.String(), "cannot be used"); n != 2 {
		t.Errorf("told %d times:\n%s", n, log.String())
	}
	p.write(t, 4)
	time.Sleep(lookEvery)
	c.want(t, 4)
	if strings.Contains(log.String(), "PRIVATE") {
		t.Error("the key is in the log")
	}
}

func TestACertificateThatCannotBeUsed(t *testing.T) {
	p := newPair(t)
	other := newPair(t)
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte("canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, files := range [][2]string{{p.cert, "nowhere"}, {"nowhere", p.key}, {p.cert, other.key}, {garbage, p.key},
		{p.cert, garbage}, {p.key, p.cert}} {
		_, err := openCertificate(files[0], files[1], clock.System{}, slog.New(slog.DiscardHandler))
		if err == nil || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v: %v", files, err)
		}
	}
}

// TestMarksBeforePEM: a byte order mark hides no certificate and no key.
func TestMarksBeforePEM(t *testing.T) {
	p := newPair(t)
	dir := t.TempDir()
	marked := func(from string) string {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, filepath.Base(from))
		if err := os.WriteFile(to, append([]byte("\xef\xbb\xbf"), text...), 0o600); err != nil {
			t.Fatal(err)
		}
		return to
	}
	cert, key := marked(p.cert), marked(p.key)
	if _, err := openCertificate(cert, key, clock.System{}, slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
	if _, _, err := clientCertificates([]config.ClientCertificate{
		{Name: "a", CertFile: cert, KeyFile: key}}); err != nil {
		t.Error(err)
	}
	plain, err := authorities(p.cert)
	if err != nil {
		t.Fatal(err)
	}
	if pool, err := authorities(cert); err != nil || !pool.Equal(plain) {
		t.Errorf("other authorities than without a mark, or %v", err)
	}
}

// TestTLS speaks to a whole server, and renews its certificate meanwhile.
func TestTLS(t *testing.T) {
	p := newPair(t)
	cfg, err := config.Load(config.Options{Environ: []string{
		"PORT=0", "DB_PATH=" + filepath.Join(t.TempDir(), "jobs.db"), "BELFRY_TLS_CERT=" + p.cert,
		"BELFRY_TLS_KEY=" + p.key,
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	a, err := Open(ctx, cfg, &telemetry.Log{Logger: slog.New(slog.DiscardHandler)}, telemetry.NewMetrics(), "test")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()

	get := func(change func(*tls.Config)) (*http.Response, error) {
		settings := &tls.Config{InsecureSkipVerify: true} //nolint:gosec // its certificate is its own
		if change != nil {
			change(settings)
		}
		transport := &http.Transport{TLSClientConfig: settings, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+a.Addr()+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := (&http.Client{Transport: transport}).Do(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		return res, err
	}
	res, err := get(nil)
	if err != nil || res.StatusCode != 200 || res.ProtoMajor != 1 || res.TLS.Version != tls.VersionTLS13 {
		t.Fatalf("%+v, %v", res, err)
	}
	if _, err := get(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }); err != nil {
		t.Errorf("TLS 1.2: %v", err)
	}
	if _, err := get(func(c *tls.Config) {
		c.MinVersion, c.MaxVersion = tls.VersionTLS10,
			tls.VersionTLS11
	}); err == nil {
		t.Error("TLS 1.1 was taken")
	}
	if res, err := http.Get("http://" + a.Addr() + "/healthz"); err == nil {
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("without TLS: %d", res.StatusCode)
		}
		_ = res.Body.Close()
	}
	p.write(t, 2)
	for deadline := time.Now().Add(30 * time.Second); ; {
		res, err := get(nil)
		if err != nil {
			t.Fatal(err)
		}
		if res.TLS.PeerCertificates[0].SerialNumber.Int64() == 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the new certificate is not used")
		}
	}
}
