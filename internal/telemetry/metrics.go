package telemetry

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// The names of the metrics. Dashboards and alerts of users build on them: a
// change here is a change of the interface.
const (
	MetricExecutions     = "belfry_executions_total"
	MetricDrift          = "belfry_drift_seconds"
	MetricDuration       = "belfry_execution_duration_seconds"
	MetricInFlight       = "belfry_in_flight"
	MetricQueueDepth     = "belfry_queue_depth"
	MetricOpenRuns       = "belfry_open_runs"
	MetricRetries        = "belfry_retries_total"
	MetricLateFires      = "belfry_late_fires_total"
	MetricLostFires      = "belfry_lost_fires_total"
	MetricCommitLatency  = "belfry_commit_seconds"
	MetricCommitRows     = "belfry_commit_rows"
	MetricStoreErrors    = "belfry_store_errors_total"
	MetricWatermarkLag   = "belfry_watermark_lag_seconds"
	MetricHorizonMargin  = "belfry_horizon_margin_seconds"
	MetricJobs           = "belfry_jobs"
	MetricRequests       = "belfry_http_request_seconds"
	MetricRefusedTargets = "belfry_refused_targets_total"
	MetricLookups        = "belfry_dns_lookups_total"
	MetricLookupTime     = "belfry_dns_lookup_seconds"
	MetricLookupsRunning = "belfry_dns_lookups_under_way"
	MetricLookupsWaiting = "belfry_dns_lookups_waiting"
	MetricStaleNames     = "belfry_dns_stale_total"
	MetricPrepared       = "belfry_prepared_connections_total"
	MetricPanics         = "belfry_panics_total"
	MetricConnsDropped   = "belfry_http_connections_dropped_total"
	MetricConnsRefused   = "belfry_http_connections_refused_total"
	MetricAcceptPauses   = "belfry_http_accept_paused_seconds_total"
	MetricRefused        = "belfry_http_requests_refused_total"
	MetricLogDropped     = "belfry_log_lines_dropped_total"
	MetricBuildInfo      = "belfry_build_info"

	MetricForwarded         = "belfry_cluster_forwarded_total"
	MetricNodes             = "belfry_cluster_nodes"
	MetricShards            = "belfry_cluster_shards"
	MetricOwnedShards       = "belfry_cluster_owned_shards"
	MetricShardMoves        = "belfry_cluster_shard_moves_total"
	MetricDatabaseLatency   = "belfry_cluster_database_seconds"
	MetricHandshakes        = "belfry_tls_handshakes_total"
	MetricHandshakeTime     = "belfry_tls_handshake_seconds"
	MetricVerifications     = "belfry_tls_verifications_total"
	MetricCalls             = "belfry_calls_total"
	MetricCallsSentAgain    = "belfry_calls_sent_again_total"
	MetricHosts             = "belfry_hosts"
	MetricTargetConns       = "belfry_target_connections"
	MetricCallsWaiting      = "belfry_calls_waiting_for_connection"
	MetricBusyCalls         = "belfry_busy_host_calls"
	MetricBusyLimit         = "belfry_busy_host_limit"
	MetricBusyQueued        = "belfry_busy_host_queued"
	MetricBusyConns         = "belfry_busy_host_connections"
	MetricBusyTime          = "belfry_busy_host_call_seconds"
	MetricCertificateExpiry = "belfry_target_certificate_expiry_timestamp_seconds"

	MetricGroups        = "belfry_alert_groups"
	MetricSilences      = "belfry_alert_silences"
	MetricAlertLag      = "belfry_alert_lag_seconds"
	MetricAttempts      = "belfry_notification_attempts_total"
	MetricMessages      = "belfry_notifications_total"
	MetricPending       = "belfry_notifications_pending"
	MetricOldestMessage = "belfry_notification_oldest_seconds"
)

// The values of the state label of [Metrics.Jobs].
const (
	JobsActive   = "active"
	JobsInactive = "inactive"
	JobsSetAside = "set_aside" // cannot be run
)

// maxScrapes bounds how many scrapes are answered at a time.
const maxScrapes = 4

// Metrics holds every collector of a server.
type Metrics struct {
	Executions *prometheus.CounterVec // by status; see Executed

	Drift    prometheus.Histogram // seconds from the scheduled instant to the first attempt
	Duration prometheus.Histogram // seconds from the first attempt to the end

	InFlight   prometheus.Gauge   // HTTP calls under way
	QueueDepth prometheus.Gauge   // fires that are due and wait for a slot
	OpenRuns   prometheus.Gauge   // executions with a durable state that have not ended
	Retries    prometheus.Counter // attempts after the first
	LateFires  prometheus.Counter // fires sent after a gap: recovery, or a store that could not commit
	LostFires  prometheus.Counter // fires without a record, found by the audit: must stay zero

	CommitLatency prometheus.Histogram // seconds of a group commit
	CommitRows    prometheus.Histogram // rows of a group commit
	StoreErrors   prometheus.Counter   // calls to the store that failed

	WatermarkLag  prometheus.Gauge // seconds from the watermark to now
	HorizonMargin prometheus.Gauge // seconds from now to the horizon; negative: nothing is sent

	Jobs           *prometheus.GaugeVec     // by state; JobsActive and JobsInactive
	Requests       *prometheus.HistogramVec // seconds, by route, method and class; see Request
	RefusedTargets prometheus.Counter       // names and addresses that the egress rules kept from being called
	Panics         prometheus.Counter       // recovered panics

	ConnectionsDropped prometheus.Counter     // of clients, over the limit
	ConnectionsRefused prometheus.Counter     // of addresses that opened more than their share in a storm
	AcceptPauses       prometheus.Counter     // seconds for which new connections had to wait
	Refused            *prometheus.CounterVec // requests that were not let in, by reason: the slug of the problem

	LogDropped *prometheus.CounterVec // log lines that an output did not take, by output

	TLS   *TLS   // connections to targets
	Names *Names // of targets

	Prepared *Prepared // connections to targets
	Cluster  *Cluster
	Alerts   *Alerts
	Recent   *Recent

	buildInfo  *prometheus.GaugeVec
	registry   *prometheus.Registry
	byStatus   map[string]prometheus.Counter
	mu         sync.Mutex
	gaugeFuncs map[string]prometheus.Collector
}

// statuses are the final statuses of an execution, as package domain names
// them. Their series are there from the start, at zero.
var statuses = []string{"SUCCESS", "FAILED", "SKIPPED", "MISSED", "UNKNOWN"}

// Buckets, in seconds. Drift is judged in milliseconds on a good day and in
// minutes after an outage, so its range is wide.
var (
	driftBuckets = []float64{
		.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60, 300, 900, 3600,
	}
	durationBuckets = []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60, 300, 3600}
	commitBuckets   = []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 5}
	rowBuckets      = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000}
	requestBuckets  = []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 5, 30}
)

// Those of the Go runtime and the process are the same in every registry. To make them
// takes as long as to make all others.
var (
	goCollector      = sync.OnceValue(func() prometheus.Collector { return collectors.NewGoCollector() })
	processCollector = sync.OnceValue(func() prometheus.Collector {
		return collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})
	})
)

// NewMetrics returns the collectors, registered in a registry of their own
// together with those of the Go runtime and the process.
func NewMetrics() *Metrics {
	m := &Metrics{
		Executions: counterVec(MetricExecutions, "Executions that ended.", "status"),
		Drift: histogram(MetricDrift, "Time from the scheduled instant to the start of the first attempt.",
			driftBuckets),
		Duration: histogram(MetricDuration, "Time from the start of the first attempt to the end of the "+
			"execution.", durationBuckets),
		InFlight:   gauge(MetricInFlight, "HTTP calls under way."),
		QueueDepth: gauge(MetricQueueDepth, "Fires that are due and wait for a slot."),
		OpenRuns: gauge(MetricOpenRuns, "Executions with a durable state that have not ended: retries, "+
			"triggers, long calls."),
		Retries:       counter(MetricRetries, "Attempts after the first."),
		LateFires:     counter(MetricLateFires, "Fires sent after a gap in which they could not be."),
		LostFires:     counter(MetricLostFires, "Fires without a record that the audit found. Must stay zero."),
		CommitLatency: histogram(MetricCommitLatency, "Duration of a group commit.", commitBuckets),
		CommitRows:    histogram(MetricCommitRows, "Rows of a group commit.", rowBuckets),
		StoreErrors:   counter(MetricStoreErrors, "Calls to the store that failed."),
		WatermarkLag:  gauge(MetricWatermarkLag, "Age of the watermark: everything before it is on record."),
		HorizonMargin: gauge(MetricHorizonMargin, "Time left to the horizon. Below zero nothing is sent."),
		Jobs: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: MetricJobs, Help: "Jobs that are registered."}, []string{"state"}),
		Requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: MetricRequests, Help: "Duration of requests to the API.", Buckets: requestBuckets,
		}, []string{"route", "method", "class"}),
		RefusedTargets: counter(MetricRefusedTargets, "Names and addresses that the egress rules kept from "+
			"being called."),
		Panics: counter(MetricPanics, "Panics that were recovered."),

		Refused: counterVec(MetricRefused, "Requests to the API that were not let in.", "reason"),
		ConnectionsDropped: counter(MetricConnsDropped,
			"Connections of clients that were closed because there were too many."),
		ConnectionsRefused: counter(MetricConnsRefused,
			"New connections that were refused because their address opened too many a second."),
		AcceptPauses: counter(MetricAcceptPauses,
			"Time for which no new connection was let in because they came too fast."),
		LogDropped: counterVec(MetricLogDropped,
			"Log lines that were lost because an output did not take them.", "output"),
		buildInfo: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: MetricBuildInfo, Help: "The version that runs, always 1."}, []string{"version"}),
		TLS:        newTLS(),
		Names:      NewNames(),
		Prepared:   NewPrepared(),
		Cluster:    newCluster(),
		Alerts:     NewAlerts(),
		Recent:     new(Recent),
		registry:   prometheus.NewRegistry(),
		byStatus:   make(map[string]prometheus.Counter, len(statuses)),
		gaugeFuncs: map[string]prometheus.Collector{},
	}
	m.registry.MustRegister(goCollector(), processCollector(),
		m.Executions, m.Drift, m.Duration, m.InFlight, m.QueueDepth, m.OpenRuns, m.Retries, m.LateFires, m.LostFires,
		m.CommitLatency, m.CommitRows, m.StoreErrors, m.WatermarkLag, m.HorizonMargin, m.Jobs, m.Requests,
		m.RefusedTargets, m.Panics,
		m.Names.Lookups, m.Names.Duration, m.Names.UnderWay, m.Names.Waiting, m.Names.Stale,
		m.Prepared.all, m.Cluster.Forwarded,
		m.ConnectionsDropped, m.ConnectionsRefused, m.AcceptPauses, m.Refused, m.LogDropped,
		m.TLS.Handshakes, m.TLS.Duration, m.TLS.Verifications, m.Alerts, m.buildInfo)
	for _, s := range statuses {
		m.byStatus[s] = m.Executions.WithLabelValues(s)
	}
	m.Jobs.WithLabelValues(JobsActive)
	m.Jobs.WithLabelValues(JobsInactive)
	m.LogDropped.WithLabelValues("stderr")
	m.Jobs.WithLabelValues(JobsSetAside)
	return m
}

// NewNames returns collectors that are not registered.
func NewNames() *Names {
	n := &Names{
		Lookups:  counterVec(MetricLookups, "Lookups of names that ended.", "result"),
		Duration: histogram(MetricLookupTime, "Duration of a lookup of a name.", lookupBuckets),
		UnderWay: gauge(MetricLookupsRunning, "Lookups of names that are under way."),
		Waiting:  gauge(MetricLookupsWaiting, "Lookups of names that wait because too many are under way."),
		Stale: counter(MetricStaleNames, "Times that addresses past their TTL were used because the name "+
			"could not be looked up in time."),
	}
	for _, result := range []string{LookupFound, LookupAbsent, LookupFailed, LookupTimeout} {
		n.Lookups.WithLabelValues(result)
	}
	return n
}

// NewPrepared returns collectors that are not registered.
func NewPrepared() *Prepared {
	all := counterVec(MetricPrepared, "Connections to targets that were opened before calls were due.", "result")
	return &Prepared{
		all:    all,
		Opened: all.WithLabelValues("opened"),
		Used:   all.WithLabelValues("used"),
		Failed: all.WithLabelValues("failed"),
	}
}

// NewAlerts returns collectors that are not registered.
func NewAlerts() *Alerts {
	vec := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"kind", "outcome"})
	}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help+" Of the server that tells people alone.", labels, nil)
	}
	return &Alerts{
		attempts: vec(MetricAttempts, "Attempts of this server to deliver a message or a digest to a channel."),
		messages: vec(MetricMessages, "Messages that this server has delivered or given up."),
		open:     desc(MetricGroups, "Groups of alerts that are open.", "level", "state"),
		pending:  desc(MetricPending, "Messages that are not delivered yet.", "kind", "state"),
		oldest:   desc(MetricOldestMessage, "Age of the oldest message that waits for its channel.", "kind"),
		acting:   desc(MetricSilences, "Silences and maintenance windows that act.", "kind"),
		lag:      desc(MetricAlertLag, "Time since what is new about alerts was read."),
	}
}

func newTLS() *TLS {
	t := &TLS{
		Handshakes: counterVec(MetricHandshakes, "TLS handshakes with targets that ended.", "result"),
		Duration:   histogram(MetricHandshakeTime, "Duration of TLS handshakes with targets.", handshakeBuckets),
		Verifications: counterVec(MetricVerifications, "Verifications of the certificates of targets.",
			"result"),
	}
	for _, result := range handshakeResults {
		t.Handshakes.WithLabelValues(result)
	}
	for _, result := range verificationResults {
		t.Verifications.WithLabelValues(result)
	}
	return t
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func counterVec(name, help, label string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
}

func histogram(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
}

// Executed counts n fires that ended with the status. A summary of fires that
// were not sent counts each of them.
func (m *Metrics) Executed(status string, n int64) {
	if c, ok := m.byStatus[status]; ok {
		c.Add(float64(n))
		return
	}
	m.Executions.WithLabelValues("other").Add(float64(n))
}

// Request returns the histogram for a request to the API. Route is the pattern
// that matched, never the path. Unknown methods share one series.
func (m *Metrics) Request(route, method string, status int) prometheus.Observer {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions:
	default:
		method = "other"
	}
	class := "other"
	if status >= 100 && status < 600 {
		class = fmt.Sprintf("%dxx", status/100)
	}
	return m.Requests.WithLabelValues(route, method, class)
}

// SetVersion names the version that runs.
func (m *Metrics) SetVersion(version string) {
	m.buildInfo.Reset()
	m.buildInfo.WithLabelValues(version).Set(1)
}

// GaugeFunc adds a gauge that is read when it is scraped. A second function of
// the same name takes the place of the first. A name that is taken by another
// metric, or is none, is a fault of the program: it panics.
func (m *Metrics) GaugeFunc(name, help string, fn func() float64) {
	m.replace(name, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, fn))
}

// SamplesFunc adds a gauge with one label, whose series are computed when it is scraped. The function must
// bound their number and return each label once. Otherwise it is like GaugeFunc.
func (m *Metrics) SamplesFunc(name, help, label string, fn func() []Sample) {
	m.replace(name, samples{prometheus.NewDesc(name, help, []string{label}, nil), prometheus.GaugeValue, fn})
}

// CountersFunc is like SamplesFunc, for a counter.
func (m *Metrics) CountersFunc(name, help, label string, fn func() []Sample) {
	m.replace(name, samples{prometheus.NewDesc(name, help, []string{label}, nil), prometheus.CounterValue, fn})
}

// replace registers a collector in the place of an earlier one of the name.
func (m *Metrics) replace(name string, c prometheus.Collector) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old, ok := m.gaugeFuncs[name]; ok {
		m.registry.Unregister(old)
	}
	m.registry.MustRegister(c)
	m.gaugeFuncs[name] = c
}

// Handler serves the metrics in the Prometheus text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes})
}

func newCluster() *Cluster {
	return &Cluster{
		Forwarded: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: MetricForwarded, Help: "Requests that were sent on to the node that owns the job.",
		}, []string{"outcome"}),
	}
}
