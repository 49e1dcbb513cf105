package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// runningRoutes list executions that have not ended.
type runningRoutes struct {
	*listRoutes
	clock clock.Clock
}

func (h runningRoutes) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "list-running-executions", Method: http.MethodGet, Path: "/executions/running",
		Tags: []string{"Executions"}, Summary: "List what runs now",
		Description: "The executions of all jobs that have not ended, of all servers on the database, newest " +
			"scheduled first. With a key that is confined to a namespace: those of its jobs. " + pageEnds,
	}, h.running, kindUnavailable)
	documentLive(rt, "/executions/running")
}

// runState is what an execution that has not ended is doing.
type runState string

// The states of executions that have not ended.
const (
	runInFlight runState = "inFlight" // its request is under way, or its result is not on record yet
	runQueued   runState = "queued"   // it waits for a place among the calls of its host, or for the one before
	runRetrying runState = "retrying" // it waits for its next attempt
)

// runStateOf tells the state of an execution that has not ended.
func runStateOf(e *domain.Execution) runState {
	switch {
	case e.Status == domain.StatusRunning:
		return runInFlight
	case e.NextAttemptAt != 0:
		return runRetrying
	}
	return runQueued
}

// runStateParam is a state; absent: every one.
type runStateParam string

// Schema implements huma.SchemaProvider.
func (runStateParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: []any{runInFlight, runQueued, runRetrying},
		Description: "Only executions in this state.", Examples: []any{runRetrying}}
}

// narrow makes a query select the executions of the state alone.
func (p runStateParam) narrow(q *store.ExecutionQuery) error {
	retrying := false
	switch runState(strings.TrimSpace(string(p))) {
	case "":
		q.Statuses = []domain.Status{domain.StatusPending, domain.StatusRunning}
		return nil
	case runInFlight:
		q.Statuses = []domain.Status{domain.StatusRunning}
		return nil
	case runRetrying:
		retrying = true
	case runQueued:
	default:
		return kindMalformed.fieldAs(domain.FieldChoice, "state", "must be inFlight, queued or retrying", string(p))
	}
	q.Statuses, q.Retrying = []domain.Status{domain.StatusPending}, &retrying
	return nil
}

type runningInput struct {
	JobID  jobIDParam      `query:"jobId"`
	Host   calledHostParam `query:"host"`
	State  runStateParam   `query:"state"`
	Limit  limitParam      `query:"limit"`
	Cursor string          `query:"cursor" doc:"nextCursor of the page before; absent: the first page."`
}

type runningOutput struct{ Body runningBody }

type runningBody struct {
	Executions []runningExecution `json:"executions" nullable:"false" doc:"The page, newest scheduled first."`
	NextCursor string             `json:"nextCursor,omitempty" doc:"The cursor of the next page; absent on the last one."`
}

type runningExecution struct {
	ExecutionBody
	State     runState `json:"state" enum:"inFlight,queued,retrying" doc:"inFlight: a request is under way. queued: it waits for a place among the calls of its host, or for the job's execution before it. retrying: it waits for its next attempt, at retryAt." example:"inFlight"`
	ElapsedMs int64    `json:"elapsedMs" doc:"For how long it has been under way, in milliseconds: since startedAt, or since scheduledAt while nothing was sent." example:"1420"`
	RetryAt   *int64   `json:"retryAt" format:"unix-ms" doc:"When its next attempt is due, Unix milliseconds; null: it does not wait for one." example:"1767225660145"`
}

func (h runningRoutes) running(ctx context.Context, in *runningInput) (*runningOutput, error) {
	var q store.ExecutionQuery
	var err error
	if q.JobID, err = in.JobID.parse(); err != nil {
		return nil, err
	}
	if q.Host, err = parseHostFilter(string(in.Host)); err != nil {
		return nil, err
	}
	if err := in.State.narrow(&q); err != nil {
		return nil, err
	}
	limit, err := in.Limit.parse()
	if err != nil {
		return nil, err
	}
	from, err := wire.ParseCursor(wire.CursorExecutions, in.Cursor)
	if err != nil {
		return nil, err
	}
	found, next, err := h.found(ctx, limit, from, q,
		func(ctx context.Context, q store.ExecutionQuery) (store.ExecutionPage, error) {
			return h.view.Running(ctx, q), nil
		})
	if err != nil {
		return nil, err
	}
	now := clock.NowMs(h.clock)
	page := pageOf(ctx, found)
	out := &runningOutput{runningBody{Executions: make([]runningExecution, len(found)), NextCursor: next}}
	for i := range found {
		e := &found[i]
		since := e.StartedAt
		if since == 0 {
			since = e.ScheduledAt
		}
		out.Body.Executions[i] = runningExecution{ExecutionBody: page.Body.Executions[i], State: runStateOf(e),
			ElapsedMs: max(0, now-since), RetryAt: unlessZero(e.NextAttemptAt)}
	}
	return out, nil
}
