package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/certs"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/front"
	"github.com/belfry-scheduler/belfry/internal/front/fronttest"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// TestMarksBeforePEM: a byte order mark hides no certificate and no key.
func TestMarksBeforePEM(t *testing.T) {
	p := fronttest.NewPair(t)
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
	cert, key := marked(p.Cert), marked(p.Key)
	if _, err := front.OpenCertificate(cert, key, clock.System{}, slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
	if _, _, err := clientCertificates([]config.ClientCertificate{
		{Name: "a", CertFile: cert, KeyFile: key}}); err != nil {
		t.Error(err)
	}
	authorities := func(file string) *x509.CertPool {
		roots, err := certs.OpenRoots(file, clock.System{}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return roots.Current().Pool
	}
	if !authorities(cert).Equal(authorities(p.Cert)) {
		t.Error("other authorities than without a mark")
	}
}

// TestTLS speaks to a whole server, and renews its certificate meanwhile.
func TestTLS(t *testing.T) {
	p := fronttest.NewPair(t)
	cfg, err := config.Load(config.Options{Environ: []string{
		"PORT=0", "DB_PATH=" + filepath.Join(t.TempDir(), "jobs.db"), "BELFRY_TLS_CERT=" + p.Cert,
		"BELFRY_TLS_KEY=" + p.Key,
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
	p.Write(t, 2)
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
