package api

import (
	"cmp"
	"context"
	"net/http"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// executionRoutes show executions, ended or not.
type executionRoutes struct {
	view  *view.View
	scope *scope
}

// documentLive adds the header that tells of gaps to the answer of a list.
func documentLive(rt *router, path string) {
	res := rt.documented(&huma.Operation{Method: http.MethodGet, Path: path}).Responses["200"]
	if res.Headers == nil {
		res.Headers = map[string]*huma.Param{}
	}
	res.Headers[headerLive] = &huma.Header{
		Description: "partial: what a node of the cluster knows alone is missing, because it has not answered: " +
			"executions that have not ended, hosts, and next fires in their order. Absent: nothing is.",
		Schema: &huma.Schema{Type: "string", Pattern: "^partial$", MaxLength: new(len("partial"))},
	}
}

func (h *executionRoutes) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "list-job-executions", Method: http.MethodGet, Path: "/jobs/{id}/executions",
		Tags:    []string{"Executions"},
		Summary: "List the executions of a job",
		Description: "Newest scheduled first, with those that have not ended (PENDING, RUNNING). " +
			"A deleted job's history is answered for as long as it is kept; 404 when nothing is known of " +
			"the id. " + pageEnds,
	}, h.jobExecutions, kindNotFound, kindUnavailable)
	documentLive(rt, "/jobs/{id}/executions")
	register(rt, huma.Operation{
		OperationID: "get-execution", Method: http.MethodGet, Path: "/executions/{id}", Tags: []string{"Executions"},
		Summary: "Read an execution", Description: "With every attempt, ended or not. With its ETag in If-None-Match " +
			"the answer is 304 while nothing has changed.",
		Responses: notModifiedAnswer(),
	}, h.getExecution, kindNotFound, kindUnavailable)
	documentLive(rt, "/executions/{id}")
}

// ExecutionBody is an execution as the API tells it. It is exported for huma,
// which reads embedded types only when they are.
type ExecutionBody struct {
	ID          string        `json:"id" format:"uuid" doc:"The execution's id. Every attempt carries it as Idempotency-Key." example:"0192f0c1-4e20-8a4b-8c5d-6e7f80910a1b"`
	JobID       string        `json:"jobId" format:"uuid" doc:"The job's id." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
	Status      domain.Status `json:"status" enum:"PENDING,RUNNING,SUCCESS,FAILED,SKIPPED,MISSED,UNKNOWN" doc:"PENDING: due, waits for a slot or a retry. RUNNING: a request is in flight. SUCCESS: the target answered 2xx. FAILED: the last attempt failed. SKIPPED: not sent, by the overlap policy. MISSED: not sent, by the misfire policy. UNKNOWN: at most once, and a crash hid the outcome." example:"SUCCESS"`
	ScheduledAt int64         `json:"scheduledAt" format:"unix-ms" doc:"When it was due, Unix milliseconds." example:"1767225600000"`
	StartedAt   *int64        `json:"startedAt" format:"unix-ms" doc:"When the first attempt was sent, Unix milliseconds; null: never." example:"1767225600002"`
	CompletedAt *int64        `json:"completedAt" format:"unix-ms" doc:"When it ended, Unix milliseconds; null: not yet." example:"1767225600145"`
	Duration    *int64        `json:"duration" doc:"From startedAt to completedAt, retries and the waits between them included, in milliseconds; null while either is." example:"143"`
	HTTPStatus  *int          `json:"httpStatus" doc:"The HTTP status of the last attempt; null: no response." example:"200"`
	Error       *string       `json:"error" doc:"What went wrong, with the start of a failure's response body; null: nothing." example:"500 Internal Server Error: out of memory"`
	RetryCount  int           `json:"retryCount" doc:"Attempts after the first." example:"0"`
	Version     int           `json:"version" doc:"The version of the job that it belongs to." example:"1"`
	Manual      bool          `json:"manual" doc:"Whether it was triggered by hand and not by the schedule." example:"false"`
	NextAttempt *int64        `json:"nextAttemptAt,omitempty" format:"unix-ms" doc:"When its next attempt is due, Unix milliseconds, while it waits for a retry." example:"1767225660145"`
	Missed      *missedBody   `json:"missed,omitempty" doc:"For a MISSED record that covers several fires: which."`
}

type missedBody struct {
	From  int64 `json:"from" format:"unix-ms" doc:"The first of the fires, Unix milliseconds; scheduledAt is the last." example:"1767225600000"`
	Count int64 `json:"count" doc:"How many fires." example:"120"`
}

func executionOf(e *domain.Execution) ExecutionBody {
	b := ExecutionBody{
		ID: e.ID().String(), JobID: e.JobID.String(), Status: e.Status, ScheduledAt: e.ScheduledAt,
		StartedAt: unlessZero(e.StartedAt), CompletedAt: unlessZero(e.CompletedAt),
		HTTPStatus: unlessZero(e.HTTPStatus), Error: unlessZero(e.Error),
		RetryCount: e.RetryCount, Version: e.Version, Manual: e.Nonce != 0, NextAttempt: unlessZero(e.NextAttemptAt),
	}
	if e.StartedAt != 0 && e.CompletedAt != 0 {
		d := e.Duration()
		b.Duration = &d
	}
	if e.Missed != nil {
		b.Missed = &missedBody{e.Missed.From, e.Missed.Count}
	}
	return b
}

func unlessZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// executionsBody is a page of executions.
type executionsBody struct {
	Executions []ExecutionBody `json:"executions" nullable:"false" doc:"The page, newest scheduled first."`
	NextCursor string          `json:"nextCursor,omitempty" doc:"The cursor of the next page; absent on the last one."`
}

type executionsOutput struct{ Body executionsBody }

// pageOf makes the answer of what was found.
func pageOf(ctx context.Context, page []domain.Execution) *executionsOutput {
	bytes := 0
	for i := range page {
		bytes += page[i].Size()
	}
	fit(ctx, bytes)
	out := &executionsOutput{executionsBody{Executions: make([]ExecutionBody, 0, len(page))}}
	for i := range page {
		out.Body.Executions = append(out.Body.Executions, executionOf(&page[i]))
	}
	return out
}

// cursorTo returns the cursor of a next page, nil when there is none.
func cursorTo(next domain.FireKey) *wire.Cursor {
	if next == (domain.FireKey{}) {
		return nil
	}
	c := wire.CursorOf(next)
	return &c
}

// ExecutionPageInput selects a page of the executions of one job.
type ExecutionPageInput struct {
	ExecutionFilter
	Limit  jobLimitParam `query:"limit"`
	Cursor string        `query:"cursor" doc:"nextCursor of the page before; absent: the first page."`
}

func (in *ExecutionPageInput) query() (q store.ExecutionQuery, err error) {
	if q, err = in.ExecutionFilter.query(); err != nil {
		return q, err
	}
	if q.Limit, err = in.Limit.parse(); err != nil {
		return q, err
	}
	from, err := wire.ParseCursor(wire.CursorExecutions, in.Cursor)
	q.Before = from.FireKey()
	return q, err
}

type jobExecutionsInput struct {
	JobPath
	ExecutionPageInput
}

func (h *executionRoutes) jobExecutions(ctx context.Context, in *jobExecutionsInput) (*executionsOutput, error) {
	id, err := parseJobID("id", in.ID)
	if err != nil {
		return nil, err
	}
	q, err := in.query()
	if err != nil {
		return nil, err
	}
	if err := h.scope.inScope(ctx, id); err != nil {
		return nil, err
	}
	return h.ofJob(ctx, id, q)
}

// ofJob answers a page of the executions of a job that the caller may see.
func (h *executionRoutes) ofJob(ctx context.Context, id domain.JobID, q store.ExecutionQuery) (*executionsOutput,
	error) {
	q.JobID, q.MaxBytes = id, pageBytes
	page, err := h.view.Executions(ctx, q)
	if err != nil {
		return nil, err
	}
	out := pageOf(ctx, page.Executions)
	if next := cursorTo(page.Next); next != nil {
		out.Body.NextCursor = next.String()
	}
	return out, nil
}

type executionInput struct {
	request

	IfNoneMatch sinceParam `header:"If-None-Match"`

	ID string `path:"id" format:"uuid" doc:"The execution's id." example:"0192f0c1-4e20-8a4b-8c5d-6e7f80910a1b"`
}

type executionOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"For If-None-Match: another one when the execution has gone on."`
	Body   executionWithAttempts
}

type executionWithAttempts struct {
	ExecutionBody
	Attempts []attemptBody `json:"attempts" nullable:"false" doc:"Every HTTP request of the execution, oldest first."`
}

type attemptBody struct {
	Number      int     `json:"number" doc:"Counted from 1." example:"1"`
	StartedAt   int64   `json:"startedAt" format:"unix-ms" doc:"Unix milliseconds." example:"1767225600002"`
	CompletedAt *int64  `json:"completedAt" format:"unix-ms" doc:"Unix milliseconds; null: not yet." example:"1767225600145"`
	HTTPStatus  *int    `json:"httpStatus" doc:"null: no response." example:"200"`
	Error       *string `json:"error" doc:"What went wrong; null: nothing." example:"connect: connection refused"`
}

func (h *executionRoutes) getExecution(ctx context.Context, in *executionInput) (*executionOutput, error) {
	id, err := parseExecutionID(in.ID)
	if err != nil {
		return nil, err
	}
	e, err := h.view.Execution(ctx, id)
	if err != nil {
		return nil, err
	}
	if sees, err := h.scope.sees(ctx, e.JobID); err != nil || !sees {
		return nil, cmp.Or(err, error(domain.NotFound("execution", id)))
	}
	out := &executionOutput{Status: http.StatusOK, Body: executionWithAttempts{executionOf(&e), []attemptBody{}}}
	for _, a := range e.AllAttempts() {
		out.Body.Attempts = append(out.Body.Attempts, attemptBody{
			a.Number, a.StartedAt, unlessZero(a.CompletedAt), unlessZero(a.HTTPStatus), unlessZero(a.Error),
		})
	}
	tag, known, err := tagOfDocument(ctx, in.r, out.Body)
	if out.ETag = tag; known {
		out.Status = http.StatusNotModified
	}
	return out, err
}
