package api

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/danielgtaylor/huma/v2"
)

// metricRoutes answer counters.
type metricRoutes struct {
	view    *view.View
	clock   clock.Clock
	metered *telemetry.Metrics
}

func (h *metricRoutes) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "get-metrics", Method: http.MethodGet, Path: "/observability/metrics",
		Tags:        []string{"Observability"},
		Summary:     "Counters",
		Description: "From counters that are kept with the record, since the database was made.",
	}, h.metrics, kindUnavailable)
	rt.registerPage(huma.Operation{
		OperationID: "get-prometheus", Method: http.MethodGet, Path: "/metrics", Tags: []string{"Observability"},
		Summary: "Metrics for Prometheus", Description: "The Prometheus text format.",
	}, "text/plain", rt.withRoom(h.metered.Handler()))
}

type metricsOutput struct{ Body metricsBody }

type metricsBody struct {
	Jobs       jobCounts       `json:"jobs" doc:"Jobs that are not deleted."`
	Executions executionCounts `json:"executions" doc:"Executions that have ended. A MISSED record counts each fire it covers."`
	Alerts     alertCounts     `json:"alerts" doc:"Failures."`
	Timestamp  int64           `json:"timestamp" format:"unix-ms" doc:"When this was read, Unix milliseconds." example:"1767225600000"`
}

type jobCounts struct {
	Total  int64 `json:"total" doc:"Jobs." example:"12"`
	Active int64 `json:"active" doc:"Jobs that are not paused." example:"11"`
}

type executionCounts struct {
	Total             int64   `json:"total" doc:"Executions of every final status." example:"200"`
	Successful        int64   `json:"successful" doc:"SUCCESS." example:"197"`
	Failed            int64   `json:"failed" doc:"FAILED." example:"3"`
	Unknown           int64   `json:"unknown" doc:"UNKNOWN." example:"0"`
	Skipped           int64   `json:"skipped" doc:"SKIPPED." example:"0"`
	Missed            int64   `json:"missed" doc:"MISSED." example:"0"`
	SuccessRate       string  `json:"successRate" doc:"successful of those that were sent (successful, failed, unknown), in percent with two decimals, rounded down; 0.00% when none were." example:"98.50%"`
	RecentHour        int64   `json:"recentHour" doc:"Executions that ended in the last hour, to the minute." example:"60"`
	AverageDurationMs float64 `json:"averageDurationMs" doc:"The mean duration of SUCCESS and FAILED, in milliseconds; 0 when there is none." example:"143.25"`
}

type alertCounts struct {
	RecentFailures int64 `json:"recentFailures" doc:"FAILED and UNKNOWN executions of the last hour, to the minute." example:"1"`
}

func (h *metricRoutes) metrics(ctx context.Context, _ *struct{}) (*metricsOutput, error) {
	now := clock.NowMs(h.clock)
	c, err := h.view.Counts(ctx, now-time.Hour.Milliseconds())
	if err != nil {
		return nil, err
	}
	return &metricsOutput{metricsBody{
		Jobs:       jobCounts{c.Jobs, c.Active},
		Executions: countsOf(c.Ever, c.Recent),
		Alerts:     alertCounts{c.Recent.ByStatus[domain.StatusFailed] + c.Recent.ByStatus[domain.StatusUnknown]},
		Timestamp:  now,
	}}, nil
}

func countsOf(ever, hour store.Totals) executionCounts {
	c := executionCounts{
		Successful: ever.ByStatus[domain.StatusSuccess], Failed: ever.ByStatus[domain.StatusFailed],
		Unknown: ever.ByStatus[domain.StatusUnknown], Skipped: ever.ByStatus[domain.StatusSkipped],
		Missed: ever.ByStatus[domain.StatusMissed],
	}
	c.Total = c.Successful + c.Failed + c.Unknown + c.Skipped + c.Missed
	c.SuccessRate = percent(c.Successful, c.Successful+c.Failed+c.Unknown)
	for _, n := range hour.ByStatus {
		c.RecentHour += n
	}
	if ever.Timed > 0 {
		c.AverageDurationMs = math.Round(100*float64(ever.DurationMs)/float64(ever.Timed)) / 100
	}
	return c
}

// percent is rounded down, so that 100.00% means that nothing failed.
func percent(part, whole int64) string {
	if whole == 0 {
		return "0.00%"
	}
	hundredths := int64(math.Floor(10_000 * float64(part) / float64(whole)))
	if part < whole { // a quotient so near to one that float64 rounds it there
		hundredths = min(hundredths, 9_999)
	}
	return fmt.Sprintf("%d.%02d%%", hundredths/100, hundredths%100)
}
