package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Names are the metrics of looking up the names of targets.
type Names struct {
	Lookups  *prometheus.CounterVec // that ended, by result; see LookupFound and others
	Duration prometheus.Histogram   // seconds of a lookup, without its wait in line
	UnderWay prometheus.Gauge       // lookups under way
	Waiting  prometheus.Gauge       // lookups that wait for the budget
	Stale    prometheus.Counter     // uses of addresses whose TTL had passed
}

// The values of the result label of [Names.Lookups].
const (
	LookupFound   = "found"
	LookupAbsent  = "absent"  // no such name, or no address
	LookupFailed  = "failed"  // a name server answered with a failure, or could not be reached
	LookupTimeout = "timeout" // no name server answered
)

var lookupBuckets = []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10}
