package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/danielgtaylor/huma/v2"
)

// failingRoutes tell what fails most.
type failingRoutes struct {
	view  *view.View
	clock clock.Clock
}

func (h *failingRoutes) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "list-failing", Method: http.MethodGet, Path: "/observability/failing",
		Tags:    []string{"Observability"},
		Summary: "List what fails most",
		Description: "Jobs, or the hosts that they call, with the most failures first. Failures are added up " +
			"from the alerts whose latest failure ended in the time, and never from a scan of executions: of a " +
			"run of failures that began before it all are counted. Beyond 2,000 alerts those with the latest " +
			"failures are added up, and complete is false; so it is when 10,000 were looked at. Jobs that were " +
			"deleted are left out. With a key that is confined to a namespace: those of its jobs, and so are the " +
			"2,000. There is no next page: what fails changes meanwhile.",
	}, h.failing, kindUnavailable)
}

// What failing is by, and how much of it is answered unless the request says.
const (
	failingByJob  = "job"
	failingByHost = "host"
	failingLimit  = 10
	failingTimeMs = 86_400_000
)

// failingByParam says what failures are added up by.
type failingByParam string

// Schema implements huma.SchemaProvider.
func (failingByParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: []any{failingByJob, failingByHost}, Default: failingByJob,
		Examples: []any{failingByHost}, Description: "What failures are added up by."}
}

func (p failingByParam) parse() (by string, err error) {
	switch word := strings.TrimSpace(string(p)); word {
	case "", failingByJob:
		return failingByJob, nil
	case failingByHost:
		return failingByHost, nil
	}
	return "", kindMalformed.fieldAs(domain.FieldChoice, "by", "must be job or host", string(p))
}

// failingLimitParam is how many entries to answer at most.
type failingLimitParam string

// Schema implements huma.SchemaProvider.
func (failingLimitParam) Schema(huma.Registry) *huma.Schema { return limitSchema(failingLimit) }

type failingInput struct {
	By    failingByParam    `query:"by"`
	From  instantParam      `query:"from" doc:"The first instant. Absent: 24 hours before to."`
	To    instantParam      `query:"to" doc:"The instant to end before. Absent: now."`
	Limit failingLimitParam `query:"limit"`
}

func (in *failingInput) query(ctx context.Context, now int64) (q view.FailingQuery, by string, err error) {
	if by, err = in.By.parse(); err != nil {
		return q, by, err
	}
	q.ByHost, q.Namespace = by == failingByHost, visitorOf(ctx).namespace
	if q.To, err = in.To.parse("to", now); err != nil {
		return q, by, err
	}
	if q.From, err = in.From.parse("from", max(0, q.To-failingTimeMs)); err != nil {
		return q, by, err
	}
	if strings.TrimSpace(string(in.To)) == "" {
		q.To = max(q.To, q.From)
	}
	if err := checkRange(q.From, q.To, in.To); err != nil {
		return q, by, err
	}
	q.Limit, err = parseLimit(string(in.Limit), failingLimit)
	return q, by, err
}

type failingOutput struct{ Body failingBody }

type failingBody struct {
	By       string         `json:"by" enum:"job,host" doc:"What failures are added up by." example:"job"`
	From     int64          `json:"from" format:"unix-ms" doc:"The first instant, Unix milliseconds." example:"1767225600000"`
	To       int64          `json:"to" format:"unix-ms" doc:"The instant that it ends before, Unix milliseconds." example:"1767229200000"`
	Complete bool           `json:"complete" doc:"Whether all alerts of the time were added up: false where there are more than 2,000, or 10,000 were looked at." example:"true"`
	Failing  []failingEntry `json:"failing" nullable:"false" doc:"What failed most, at most limit."`
}

type failingEntry struct {
	JobID       string  `json:"jobId,omitempty" format:"uuid" doc:"The job; absent with by=host." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
	Name        string  `json:"name,omitempty" doc:"Its name; absent: it has none, or with by=host." example:"Sync invoices"`
	Host        string  `json:"host" doc:"The host that is called: scheme, name and port; empty: the URL of the job names none." example:"https://example.com:443"`
	Jobs        int     `json:"jobs" doc:"How many jobs failed." example:"1"`
	Open        int     `json:"open" doc:"How many of them have not recovered." example:"1"`
	Failures    int64   `json:"failures" doc:"How often they failed, in the runs of failures whose latest failure ended in the time." example:"7"`
	LastAt      int64   `json:"lastAt" format:"unix-ms" doc:"When the latest failure ended, Unix milliseconds." example:"1767225720145"`
	ExecutionID string  `json:"executionId" format:"uuid" doc:"The latest execution that failed." example:"0192f0c1-4e20-8a4b-8c5d-6e7f80910a1b"`
	HTTPStatus  *int    `json:"httpStatus" doc:"The HTTP status of the latest failure; null: no response." example:"500"`
	Error       *string `json:"error" doc:"What went wrong at the latest failure." example:"500 Internal Server Error: out of memory"`
}

func (h *failingRoutes) failing(ctx context.Context, in *failingInput) (*failingOutput, error) {
	q, by, err := in.query(ctx, clock.NowMs(h.clock))
	if err != nil {
		return nil, err
	}
	most, complete, err := h.view.Failing(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &failingOutput{failingBody{By: by, From: q.From, To: q.To, Complete: complete,
		Failing: make([]failingEntry, len(most))}}
	bytes := 0
	for i := range most {
		f := &most[i]
		e := failingEntry{Host: f.Host, Jobs: f.Jobs, Open: f.Open, Failures: f.Failures, LastAt: f.Last.LastAt,
			ExecutionID: f.Last.Execution.String(), HTTPStatus: unlessZero(f.Last.HTTPStatus),
			Error: unlessZero(f.Last.Error)}
		if !q.ByHost {
			e.JobID, e.Name = f.Job.ID.String(), f.Job.Current.Spec.Name
		}
		out.Body.Failing[i] = e
		bytes += sizeOfAlert + len(f.Last.Error)
	}
	fit(ctx, bytes)
	return out, nil
}
