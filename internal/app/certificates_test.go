package app

import (
	"bytes"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/certs"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/executor"
	"github.com/belfry-scheduler/belfry/internal/front/fronttest"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// Without https hosts, there is nothing to warn of.
func TestCertificateWatchAtFirst(t *testing.T) {
	t.Parallel()
	x, err := executor.New(executor.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	var log bytes.Buffer
	w := &certificateWatch{facts: x.Certificates(), roots: certs.FixedRoots(nil), clock: clock.System{},
		log: slog.New(slog.NewTextHandler(&log, nil))}
	w.runOnce()
	if got := w.check(); got != (domain.Check{Name: "certificates", OK: true}) || log.Len() > 0 ||
		len(w.samples()) > 0 {
		t.Errorf("%+v, %s", got, log.String())
	}
}

// A file of authorities that is gone is a warning, and health stays good.
func TestCertificateWatchWarns(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ca.pem")
	text, err := os.ReadFile(fronttest.NewPair(t).Cert)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(text, text[:50]...), 0o600); err != nil {
		t.Fatal(err)
	}
	roots, err := certs.OpenRoots(file, clock.System{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	x, err := executor.New(executor.Config{Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	w := &certificateWatch{facts: x.Certificates(), roots: roots, clock: clock.System{},
		log: slog.New(slog.DiscardHandler)}
	if got := w.check(); !got.OK || !strings.Contains(got.Warning, file+" is cut off in its last certificate") {
		t.Errorf("%+v", got)
	}
}

// Each result has a series of its own, under the names that package certs uses.
func TestWatchHandshakes(t *testing.T) {
	t.Parallel()
	m := telemetry.NewMetrics().TLS
	observer := watchHandshakes(m)
	for i, result := range []string{certs.Full, certs.Resumed, certs.Failed} {
		for range i + 1 {
			observer.Handshake(result, time.Millisecond)
		}
		if got := testutil.ToFloat64(m.Handshakes.WithLabelValues(result)); got != float64(i+1) {
			t.Errorf("%s: %v", result, got)
		}
	}
	for _, result := range []string{certs.Verified, certs.Cached, certs.Refused} {
		observer.Verification(result)
	}
	if n := testutil.CollectAndCount(m.Handshakes); n != 3 {
		t.Errorf("%d series of handshakes, want 3", n)
	}
	if n := testutil.CollectAndCount(m.Verifications); n != 3 {
		t.Errorf("%d series of verifications, want 3", n)
	}
}

// Certificates that the server presents itself are watched too: logged once for each level,
// and again after a renewal.
func TestCertificateWatchOwn(t *testing.T) {
	t.Parallel()
	x, err := executor.New(executor.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	var log bytes.Buffer
	wall, now := new(clock.Manual), time.Now()
	w := &certificateWatch{facts: x.Certificates(), roots: certs.FixedRoots(nil), clock: wall,
		log: slog.New(slog.NewTextHandler(&log, nil))}
	current := &x509.Certificate{NotBefore: now.AddDate(0, 0, -60), NotAfter: now.AddDate(0, 0, 30)}
	w.watchOwn("the client certificate bank", func() *x509.Certificate { return current })
	expect := func(lines int, warning string) {
		t.Helper()
		w.runOnce()
		w.runOnce()
		got := w.check()
		if (got.Warning == "") != (warning == "") || !strings.HasPrefix(got.Warning, warning) || !got.OK {
			t.Errorf("%+v, want %q", got, warning)
		}
		if n := strings.Count(log.String(), "a certificate of this server has to be renewed"); n != lines {
			t.Errorf("%d lines, want %d", n, lines)
		}
	}
	expect(0, "")
	wall.Step(15 * 24 * time.Hour)
	expect(1, "the client certificate bank expires in 14 days, on ")
	wall.Step(10 * 24 * time.Hour)
	expect(2, "the client certificate bank expires in 4 days, on ")
	wall.Step(6 * 24 * time.Hour)
	expect(3, "the client certificate bank expired on ")
	current = &x509.Certificate{NotBefore: now, NotAfter: now.AddDate(0, 0, 90)}
	expect(3, "")
	wall.Step(40 * 24 * time.Hour)
	expect(4, "the client certificate bank expires in 18 days, on ")
}
