package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Cluster are the metrics of what nodes of a cluster do with each other.
type Cluster struct {
	Forwarded *prometheus.CounterVec // requests that were sent on to the owner of a job, by outcome
}
