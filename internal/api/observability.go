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
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

func (s *server) registerObservability() {
	register(s, huma.Operation{
		OperationID: "get-metrics", Method: http.MethodGet, Path: "/observability/metrics",
		Tags:        []string{"Observability"},
		Summary:     "Counters",
		Description: "From counters that are kept with the record, since the database was made.",
	}, s.metrics, kindUnavailable)
	register(s, huma.Operation{
		OperationID: "list-alerts", Method: http.MethodGet, Path: "/observability/alerts",
		Tags:    []string{"Observability"},
		Summary: "List alerts",
		Description: "An alert is a run of final failures of one job: opened by the first, counted on by the next, " +
			"closed by the first success. Newest failure first.",
	}, s.alerts, kindUnavailable)
	register(s, huma.Operation{
		OperationID: "list-recent-executions", Method: http.MethodGet, Path: "/observability/executions/recent",
		Tags:        []string{"Observability"},
		Summary:     "List the latest executions of all jobs",
		Description: "Those that have ended, newest scheduled first.",
	}, s.recentExecutions, kindUnavailable)
	register(s, huma.Operation{
		OperationID: "list-failed-executions", Method: http.MethodGet, Path: "/observability/executions/failed",
		Tags:    []string{"Observability"},
		Summary: "List failed executions", Description: "Those with status FAILED or UNKNOWN, newest scheduled first.",
	}, s.failedExecutions, kindUnavailable)
	s.registerPage(huma.Operation{
		OperationID: "get-prometheus", Method: http.MethodGet, Path: "/metrics", Tags: []string{"Observability"},
		Summary: "Metrics for Prometheus", Description: "The Prometheus text format.",
	}, "text/plain", s.Metrics.Handler())
}

type metricsOutput struct{ Body metricsBody }

type metricsBody struct {
	Jobs       jobCounts       `json:"jobs" doc:"Jobs that are not deleted."`
	Executions executionCounts `json:"executions" doc:"Executions that have ended. A MISSED record counts each fire it covers."`
	Alerts     alertCounts     `json:"alerts" doc:"Failures."`
	Timestamp  int64           `json:"timestamp" doc:"When this was read, Unix milliseconds." example:"1767225600000"`
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

func (s *server) metrics(ctx context.Context, _ *struct{}) (*metricsOutput, error) {
	now := clock.NowMs(s.Clock)
	total, active, err := s.Store.Jobs().Count(ctx)
	if err != nil {
		return nil, store.Coded(err)
	}
	ever, err := s.Store.History().Totals(ctx, 0)
	if err != nil {
		return nil, store.Coded(err)
	}
	hour, err := s.Store.History().Totals(ctx, now-time.Hour.Milliseconds())
	if err != nil {
		return nil, store.Coded(err)
	}
	return &metricsOutput{metricsBody{
		Jobs:       jobCounts{total, active},
		Executions: countsOf(ever, hour),
		Alerts:     alertCounts{hour.ByStatus[domain.StatusFailed] + hour.ByStatus[domain.StatusUnknown]},
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

type alertsInput struct {
	Limit  limitParam `query:"limit"`
	Cursor string     `query:"cursor" doc:"nextCursor of the page before; absent: the first page."`
	Open   boolParam  `query:"open" doc:"true: only alerts of jobs that have not recovered."`
}

type alertsOutput struct{ Body alertsBody }

type alertsBody struct {
	Alerts     []alertBody `json:"alerts" nullable:"false" doc:"The page, newest failure first."`
	NextCursor string      `json:"nextCursor,omitempty" doc:"The cursor of the next page; absent on the last one."`
}

type alertBody struct {
	JobID       string  `json:"jobId" format:"uuid" doc:"The job." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
	Kind        string  `json:"kind" enum:"FAILURES,LOST" doc:"FAILURES: executions of the job failed. LOST: an audit found fires of the job that have no record; the instants are when it found them, and it stays open until the history of their day is dropped." example:"FAILURES"`
	ExecutionID string  `json:"executionId" format:"uuid" doc:"The latest execution that failed, or is lost." example:"0192f0c1-4e20-8a4b-8c5d-6e7f80910a1b"`
	Open        bool    `json:"open" doc:"Whether the job has not recovered." example:"true"`
	Count       int64   `json:"count" doc:"Failures in a row so far." example:"3"`
	FirstAt     int64   `json:"firstAt" doc:"When the first failure ended, Unix milliseconds." example:"1767225600145"`
	LastAt      int64   `json:"lastAt" doc:"When the latest failure ended, Unix milliseconds." example:"1767225720145"`
	RecoveredAt *int64  `json:"recoveredAt" doc:"When the success that closed it ended, Unix milliseconds; null: it is open." example:"1767225780102"`
	HTTPStatus  *int    `json:"httpStatus" doc:"The HTTP status of the latest failure; null: no response." example:"500"`
	Error       *string `json:"error" doc:"What went wrong at the latest failure." example:"500 Internal Server Error: out of memory"`
}

func (s *server) alerts(ctx context.Context, in *alertsInput) (*alertsOutput, error) {
	limit, err := in.Limit.parse()
	if err != nil {
		return nil, err
	}
	from, err := wire.ParseCursor(wire.CursorAlerts, in.Cursor)
	if err != nil {
		return nil, err
	}
	open, err := in.Open.parse("open")
	if err != nil {
		return nil, err
	}
	found, next, err := visible(ctx, s, limit, from, alertCursor,
		func(from wire.Cursor, limit int) ([]domain.Alert, error) {
			return s.Store.Alerts().List(ctx, store.AlertPage{
				BeforeAt: from.At, BeforeJob: from.Job, BeforeLost: from.Nonce == wire.LostNonce, Limit: limit,
				OpenOnly: open != nil && *open,
			})
		})
	if err != nil {
		return nil, store.Coded(err)
	}
	out := &alertsOutput{alertsBody{Alerts: make([]alertBody, 0, len(found)), NextCursor: next}}
	for i := range found {
		out.Body.Alerts = append(out.Body.Alerts, alertOf(&found[i]))
	}
	return out, nil
}

func alertCursor(a *domain.Alert) (domain.JobID, wire.Cursor) {
	c := wire.Cursor{List: wire.CursorAlerts, At: a.LastAt, Job: a.JobID}
	if a.Lost {
		c.Nonce = wire.LostNonce
	}
	return a.JobID, c
}

// The kinds of alerts.
const (
	kindFailures = "FAILURES"
	kindLost     = "LOST"
)

func alertOf(a *domain.Alert) alertBody {
	kind := kindFailures
	if a.Lost {
		kind = kindLost
	}
	return alertBody{
		JobID: a.JobID.String(), Kind: kind, ExecutionID: a.Execution.String(), Open: a.Open(), Count: a.Count,
		FirstAt: a.FirstAt, LastAt: a.LastAt, RecoveredAt: unlessZero(a.RecoveredAt),
		HTTPStatus: unlessZero(a.HTTPStatus), Error: unlessZero(a.Error),
	}
}

type recentInput struct {
	Limit  limitParam `query:"limit"`
	Cursor string     `query:"cursor" doc:"nextCursor of the page before; absent: the first page."`
}

func (s *server) recentExecutions(ctx context.Context, in *recentInput) (*executionsOutput, error) {
	return s.executions(ctx, in, s.Store.History().Recent)
}

// executions answers a list of executions of all jobs that the caller may see.
func (s *server) executions(ctx context.Context, in *recentInput,
	list func(context.Context, store.Page) ([]domain.Execution, error)) (*executionsOutput, error) {
	limit, err := in.Limit.parse()
	if err != nil {
		return nil, err
	}
	from, err := wire.ParseCursor(wire.CursorExecutions, in.Cursor)
	if err != nil {
		return nil, err
	}
	found, next, err := visible(ctx, s, limit, from, executionCursor,
		func(from wire.Cursor, limit int) ([]domain.Execution, error) {
			return list(ctx, store.Page{Before: from.FireKey(), Limit: limit})
		})
	if err != nil {
		return nil, store.Coded(err)
	}
	out := pageOf(found, len(found))
	out.Body.NextCursor = next
	return out, nil
}

func executionCursor(e *domain.Execution) (domain.JobID, wire.Cursor) {
	return e.JobID, wire.CursorOf(e.FireKey)
}

type failedInput struct {
	JobID  string     `query:"jobId" format:"uuid" doc:"Only executions of this job." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
	Limit  limitParam `query:"limit"`
	Cursor string     `query:"cursor" doc:"nextCursor of the page before; absent: the first page."`
}

func (s *server) failedExecutions(ctx context.Context, in *failedInput) (*executionsOutput, error) {
	var job domain.JobID
	if in.JobID != "" {
		var err error
		if job, err = parseJobID("jobId", in.JobID); err != nil {
			return nil, err
		}
	}
	return s.executions(ctx, &recentInput{in.Limit, in.Cursor},
		func(ctx context.Context, p store.Page) ([]domain.Execution, error) {
			return s.Store.History().Failed(ctx, job, p)
		})
}
