package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Prepared counts connections that are opened before calls are due.
type Prepared struct {
	all    *prometheus.CounterVec
	Opened prometheus.Counter
	Used   prometheus.Counter // those of them that a call used
	Failed prometheus.Counter // that could not be opened
}
