package telemetry

import "github.com/prometheus/client_golang/prometheus"

// TLS are the metrics of TLS connections to targets.
type TLS struct {
	Handshakes    *prometheus.CounterVec // by result
	Duration      prometheus.Histogram   // seconds of a handshake
	Verifications *prometheus.CounterVec // by result
}

// The values of the result labels, as package certs names them. Their series are
// there from the start, at zero.
var (
	handshakeResults    = []string{"full", "resumed", "failed"}
	verificationResults = []string{"verified", "cached", "refused"}
)

var handshakeBuckets = []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10}

// Sample is one value of a gauge or counter with a label.
type Sample struct {
	Label string
	Value float64
}

// samples is a gauge or a counter whose series are computed when it is scraped.
type samples struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func() []Sample
}

func (s samples) Describe(to chan<- *prometheus.Desc) { to <- s.desc }

func (s samples) Collect(to chan<- prometheus.Metric) {
	for _, sample := range s.read() {
		to <- prometheus.MustNewConstMetric(s.desc, s.kind, sample.Value, sample.Label)
	}
}
