package telemetry

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// documented is the interface that dashboards build on: name, type, labels.
var documented = []struct{ name, kind, labels string }{
	{"belfry_executions_total", "counter", "status"},
	{"belfry_drift_seconds", "histogram", ""},
	{"belfry_execution_duration_seconds", "histogram", ""},
	{"belfry_in_flight", "gauge", ""},
	{"belfry_queue_depth", "gauge", ""},
	{"belfry_open_runs", "gauge", ""},
	{"belfry_retries_total", "counter", ""},
	{"belfry_late_fires_total", "counter", ""},
	{"belfry_lost_fires_total", "counter", ""},
	{"belfry_commit_seconds", "histogram", ""},
	{"belfry_commit_rows", "histogram", ""},
	{"belfry_store_errors_total", "counter", ""},
	{"belfry_watermark_lag_seconds", "gauge", ""},
	{"belfry_horizon_margin_seconds", "gauge", ""},
	{"belfry_jobs", "gauge", "state"},
	{"belfry_http_request_seconds", "histogram", "class,method,route"},
	{"belfry_refused_targets_total", "counter", ""},
	{"belfry_panics_total", "counter", ""},
	{"belfry_cluster_forwarded_total", "counter", "outcome"},
	{"belfry_dns_lookups_total", "counter", "result"},
	{"belfry_dns_lookup_seconds", "histogram", ""},
	{"belfry_dns_lookups_under_way", "gauge", ""},
	{"belfry_dns_lookups_waiting", "gauge", ""},
	{"belfry_dns_stale_total", "counter", ""},
	{"belfry_prepared_connections_total", "counter", "result"},
	{"belfry_http_connections_dropped_total", "counter", ""},
	{"belfry_http_connections_refused_total", "counter", ""},
	{"belfry_http_accept_paused_seconds_total", "counter", ""},
	{"belfry_http_requests_refused_total", "counter", "reason"},
	{"belfry_log_lines_dropped_total", "counter", "output"},
	{"belfry_build_info", "gauge", "version"},
	{"belfry_tls_handshakes_total", "counter", "result"},
	{"belfry_tls_handshake_seconds", "histogram", ""},
	{"belfry_tls_verifications_total", "counter", "result"},
	{"belfry_alert_groups", "gauge", "level,state"},
	{"belfry_alert_silences", "gauge", "kind"},
	{"belfry_alert_lag_seconds", "gauge", ""},
	{"belfry_notification_attempts_total", "counter", "kind,outcome"},
	{"belfry_notifications_total", "counter", "kind,outcome"},
	{"belfry_notifications_pending", "gauge", "kind,state"},
	{"belfry_notification_oldest_seconds", "gauge", "kind"},
}

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != http.StatusOK {
		t.Fatalf("scrape: %d, %v", w.Code, err)
	}
	return string(body)
}

func TestExpositionIsTheDocumentedOne(t *testing.T) {
	m := NewMetrics()
	m.SetVersion("1.2.3")
	m.Request("/jobs", http.MethodGet, 200).Observe(0.01)
	m.Refused.WithLabelValues("unauthorized").Inc()
	m.Cluster.Forwarded.WithLabelValues("answered").Inc()
	m.Alerts.Serve("WEBHOOK")
	m.Alerts.Begin(func() int64 { return 1 })
	m.Alerts.Show(shownAlerts())
	got := map[string]string{}
	labels := map[string]string{}
	body := scrape(t, m)
	for _, match := range regexp.MustCompile(`(?m)^# TYPE (belfry_\w+) (\w+)$`).FindAllStringSubmatch(body, -1) {
		got[match[1]] = match[2]
	}
	for _, match := range regexp.MustCompile(`(?m)^(belfry_\w+?)(?:_count)?(?:\{(.*)\})? `).FindAllStringSubmatch(
		body, -1) {
		var names []string
		for _, pair := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(match[2], -1) {
			names = append(names, pair[1])
		}
		labels[match[1]] = strings.Join(names, ",")
	}
	for _, d := range documented {
		if got[d.name] != d.kind {
			t.Errorf("%s is a %q, documented as %s", d.name, got[d.name], d.kind)
		}
		if labels[d.name] != d.labels {
			t.Errorf("%s has the labels %q, documented are %q", d.name, labels[d.name], d.labels)
		}
		delete(got, d.name)
	}
	for name := range got {
		t.Errorf("%s is not documented", name)
	}
	for _, runtime := range []string{"go_goroutines", "process_cpu_seconds_total"} {
		if !strings.Contains(body, "\n"+runtime+" ") {
			t.Errorf("%s is missing", runtime)
		}
	}
}

func TestSeriesStartAtZero(t *testing.T) {
	body := scrape(t, NewMetrics())
	for _, line := range []string{
		`belfry_executions_total{status="SUCCESS"} 0`, `belfry_executions_total{status="FAILED"} 0`,
		`belfry_executions_total{status="SKIPPED"} 0`, `belfry_executions_total{status="MISSED"} 0`,
		`belfry_executions_total{status="UNKNOWN"} 0`, `belfry_jobs{state="active"} 0`,
		`belfry_jobs{state="inactive"} 0`, `belfry_lost_fires_total 0`,
		`belfry_tls_handshakes_total{result="full"} 0`, `belfry_tls_handshakes_total{result="resumed"} 0`,
		`belfry_tls_handshakes_total{result="failed"} 0`, `belfry_tls_verifications_total{result="cached"} 0`,
		`belfry_dns_lookups_total{result="found"} 0`, `belfry_dns_lookups_total{result="timeout"} 0`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("%s is missing", line)
		}
	}
}

func TestExecutedCountsByStatus(t *testing.T) {
	m := NewMetrics()
	m.Executed("SUCCESS", 1)
	m.Executed("SUCCESS", 2)
	m.Executed("MISSED", 600_000)
	m.Executed("a status of tomorrow", 1)
	for status, want := range map[string]float64{"SUCCESS": 3, "MISSED": 600_000, "FAILED": 0, "other": 1} {
		if got := testutil.ToFloat64(m.Executions.WithLabelValues(status)); got != want {
			t.Errorf("%s: %v, want %v", status, got, want)
		}
	}
}

func TestRequestLabelsAreBounded(t *testing.T) {
	m := NewMetrics()
	for _, method := range []string{"GET", "get", "BREW", "\x00", "x-1", "x-2"} {
		for _, status := range []int{0, 99, 200, 404, 600, -1} {
			m.Request("/jobs", method, status).Observe(0.001)
		}
	}
	// GET and other, each with 2xx, 4xx and other.
	if got := testutil.CollectAndCount(m.Requests); got != 6 {
		t.Errorf("%d series, want 6", got)
	}
}

func TestGaugeFuncIsReadAtTheScrapeAndReplaced(t *testing.T) {
	m := NewMetrics()
	v := 1.0
	m.GaugeFunc("belfry_test", "A test.", func() float64 { return v })
	v = 2
	if !strings.Contains(scrape(t, m), "\nbelfry_test 2\n") {
		t.Error("the function is not called at the scrape")
	}
	m.GaugeFunc("belfry_test", "A test.", func() float64 { return 3 })
	if !strings.Contains(scrape(t, m), "\nbelfry_test 3\n") {
		t.Error("the second function does not hold")
	}
	defer func() {
		if recover() == nil {
			t.Error("the name of another metric was taken")
		}
	}()
	m.GaugeFunc(MetricInFlight, "A test.", func() float64 { return 0 })
}

func TestVersionIsOne(t *testing.T) {
	m := NewMetrics()
	m.SetVersion("1")
	m.SetVersion("2")
	if body := scrape(t, m); strings.Count(body, "belfry_build_info{") != 1 ||
		!strings.Contains(body, `version="2"} 1`) {
		t.Error("belfry_build_info does not name the one version")
	}
}

func TestTwoServersInOneProcess(t *testing.T) {
	a, b := NewMetrics(), NewMetrics()
	a.InFlight.Set(5)
	if got := testutil.ToFloat64(b.InFlight); got != 0 {
		t.Errorf("the other server has %v in flight", got)
	}
}

func TestNothingOnTheHotPathAllocates(t *testing.T) {
	m := NewMetrics()
	got := testing.AllocsPerRun(100, func() {
		m.Executed("SUCCESS", 1)
		m.Drift.Observe(0.002)
		m.Duration.Observe(0.01)
		m.InFlight.Add(1)
	})
	if got != 0 {
		t.Errorf("%v allocations per execution", got)
	}
}

func BenchmarkExecution(b *testing.B) {
	m := NewMetrics()
	for b.Loop() {
		m.Executed("SUCCESS", 1)
		m.Drift.Observe(0.002)
		m.Duration.Observe(0.01)
	}
}

func TestSamplesFunc(t *testing.T) {
	m := NewMetrics()
	for _, last := range []float64{1, 2} { // the second takes the place of the first
		m.SamplesFunc(MetricCertificateExpiry, "When.", "host", func() []Sample {
			return []Sample{{"https://a.test:443", last}, {`https://"b".test:443`, 7}}
		})
	}
	body := scrape(t, m)
	for _, line := range []string{
		MetricCertificateExpiry + `{host="https://a.test:443"} 2`,
		MetricCertificateExpiry + `{host="https://\"b\".test:443"} 7`,
	} {
		if strings.Count(body, line+"\n") != 1 {
			t.Errorf("%s is not there once", line)
		}
	}
	if n := strings.Count(body, "\n"+MetricCertificateExpiry); n != 2 {
		t.Errorf("%d series, want 2", n)
	}
}
