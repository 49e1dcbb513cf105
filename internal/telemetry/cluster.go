package telemetry

import "github.com/prometheus/client_golang/prometheus"

// MetricForwarded counts requests about jobs of other nodes.
const MetricForwarded = "belfry_cluster_forwarded_total"

// Cluster are the metrics of what nodes of a cluster do with each other.
type Cluster struct {
	Forwarded *prometheus.CounterVec // requests that were sent on to the owner of a job, by outcome
}

// NewCluster makes the metrics.
func NewCluster() *Cluster {
	return &Cluster{
		Forwarded: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: MetricForwarded, Help: "Requests that were sent on to the node that owns the job.",
		}, []string{"outcome"}),
	}
}
