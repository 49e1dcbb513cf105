package app

import (
	"context"
	"crypto/x509"
	"log/slog"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/certs"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// watchEvery is how often certificates that are to be renewed are looked for. With 10,000
// hosts that takes a millisecond.
const watchEvery = 5 * time.Second

// certificateWatch warns of certificates of targets and of the server itself that expire,
// and of a file of authorities that cannot be used.
type certificateWatch struct {
	facts *certs.Facts
	roots *certs.Roots
	own   []*ownCertificate
	clock clock.Clock
	log   *slog.Logger
}

// ownCertificate is one that the server presents, to its clients or to targets.
type ownCertificate struct {
	name     string
	leaf     func() *x509.Certificate // may change
	reported certs.Level
}

// watchOwn adds a certificate; before run.
func (w *certificateWatch) watchOwn(name string, leaf func() *x509.Certificate) {
	w.own = append(w.own, &ownCertificate{name: name, leaf: leaf})
}

func (w *certificateWatch) run(ctx context.Context) {
	for {
		w.runOnce()
		if !clock.Wait(ctx, watchEvery) {
			return
		}
	}
}

// runOnce logs each host once for each level that its certificate reaches.
func (w *certificateWatch) runOnce() {
	now := w.clock.Now()
	for _, fact := range w.facts.Rising(now) {
		w.log.Warn("the certificate of a target has to be renewed", telemetry.KeyHost, fact.Host.String(),
			telemetry.KeyReason, fact.Text(now), "issuer", fact.Issuer)
	}
	for _, own := range w.own {
		level, text := certs.Own(own.name, own.leaf(), now)
		if level > own.reported {
			w.log.Warn("a certificate of this server has to be renewed", telemetry.KeyReason, text)
		}
		own.reported = level
	}
}

// check warns of what somebody has to renew. It does not fail: the jobs run.
func (w *certificateWatch) check() domain.Check {
	var warnings []string
	now := w.clock.Now()
	texts := []string{w.roots.Warning()}
	for _, own := range w.own {
		_, text := certs.Own(own.name, own.leaf(), now)
		texts = append(texts, text)
	}
	for _, text := range append(texts, w.facts.Warning(now)) {
		if text != "" {
			warnings = append(warnings, text)
		}
	}
	return domain.Check{Name: "certificates", OK: true, Warning: strings.Join(warnings, "; ")}
}

// samples returns when the certificates that expire first do, as Unix seconds.
func (w *certificateWatch) samples() []telemetry.Sample {
	first := w.facts.First(w.clock.Now())
	samples := make([]telemetry.Sample, len(first))
	for i, fact := range first {
		samples[i] = telemetry.Sample{Label: fact.Host.String(), Value: float64(fact.Expires.Unix())}
	}
	return samples
}

// watchHandshakes counts TLS handshakes and verifications.
func watchHandshakes(m *telemetry.TLS) certs.Observer {
	return certs.Observer{
		Handshake: func(result string, took time.Duration) {
			m.Handshakes.WithLabelValues(result).Inc()
			m.Duration.Observe(took.Seconds())
		},
		Verification: func(result string) { m.Verifications.WithLabelValues(result).Inc() },
	}
}
