package app

import (
	"bytes"
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
	w := &certificateWatch{x.Certificates(), certs.FixedRoots(nil), clock.System{},
		slog.New(slog.NewTextHandler(&log, nil))}
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
	w := &certificateWatch{x.Certificates(), roots, clock.System{}, slog.New(slog.DiscardHandler)}
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
