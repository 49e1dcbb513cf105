package api

import (
	"context"
	"net/http"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// alertRoutes list alerts.
type alertRoutes struct {
	list  store.Alerts
	scope *scope
}

func (h *alertRoutes) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "list-alerts", Method: http.MethodGet, Path: "/observability/alerts",
		Tags:    []string{"Observability"},
		Summary: "List alerts",
		Description: "An alert is a run of final failures of one job: opened by the first, counted on by the next, " +
			"closed by the first success. Newest failure first.",
	}, h.alerts, kindUnavailable)
}

type alertsInput struct {
	Limit  limitParam `query:"limit"`
	Cursor string     `query:"cursor" doc:"nextCursor of the page before; absent: the first page."`
	JobID  jobIDParam `query:"jobId" doc:"Only alerts of this job."`
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
	FirstAt     int64   `json:"firstAt" format:"unix-ms" doc:"When the first failure ended, Unix milliseconds." example:"1767225600145"`
	LastAt      int64   `json:"lastAt" format:"unix-ms" doc:"When the latest failure ended, Unix milliseconds." example:"1767225720145"`
	RecoveredAt *int64  `json:"recoveredAt" format:"unix-ms" doc:"When the success that closed it ended, Unix milliseconds; null: it is open." example:"1767225780102"`
	HTTPStatus  *int    `json:"httpStatus" doc:"The HTTP status of the latest failure; null: no response." example:"500"`
	Error       *string `json:"error" doc:"What went wrong at the latest failure." example:"500 Internal Server Error: out of memory"`
}

func (h *alertRoutes) alerts(ctx context.Context, in *alertsInput) (*alertsOutput, error) {
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
	job, err := in.JobID.parse()
	if err != nil {
		return nil, err
	}
	found, next, err := visible(ctx, h.scope, limit, from, alertPlace,
		func(from wire.Cursor, limit int) ([]domain.Alert, *wire.Cursor, error) {
			found, err := h.list.List(ctx, store.AlertPage{
				BeforeAt: from.At, BeforeJob: from.Job, BeforeLost: from.Nonce == wire.LostNonce, Limit: limit + 1,
				OpenOnly: open != nil && *open, JobID: job,
			})
			page, next := cutAt(found, limit, alertPlace)
			return page, next, err
		})
	if err != nil {
		return nil, store.Coded(err)
	}
	bytes := 0
	for i := range found {
		bytes += alertPlace(&found[i]).size
	}
	fit(ctx, bytes)
	out := &alertsOutput{alertsBody{Alerts: make([]alertBody, 0, len(found)), NextCursor: next}}
	for i := range found {
		out.Body.Alerts = append(out.Body.Alerts, alertOf(&found[i]))
	}
	return out, nil
}

// sizeOfAlert is about what an alert takes beside its text.
const sizeOfAlert = 256

func alertPlace(a *domain.Alert) place {
	c := wire.Cursor{List: wire.CursorAlerts, At: a.LastAt, Job: a.JobID}
	if a.Lost {
		c.Nonce = wire.LostNonce
	}
	return place{a.JobID, c, sizeOfAlert + len(a.Error)}
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
