package api

import (
	"context"
	"net/http"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// listRoutes list executions of all jobs.
type listRoutes struct {
	view  *view.View
	scope *scope
}

func (h *listRoutes) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "list-executions", Method: http.MethodGet, Path: "/executions", Tags: []string{"Executions"},
		Summary: "List the executions of all jobs",
		Description: "Newest scheduled first, with those that have not ended (PENDING, RUNNING). With a key that is " +
			"confined to a namespace: those of its jobs. " + pageEnds,
	}, h.executions, kindUnavailable)
	documentLive(rt, "/executions")
	register(rt, huma.Operation{
		OperationID: "list-recent-executions", Method: http.MethodGet, Path: "/observability/executions/recent",
		Tags:        []string{"Observability"},
		Summary:     "List the latest executions of all jobs",
		Description: "Those that have ended, newest scheduled first. " + pageEnds,
	}, h.recentExecutions, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "list-failed-executions", Method: http.MethodGet, Path: "/observability/executions/failed",
		Tags:    []string{"Observability"},
		Summary: "List failed executions", Description: "Those with status FAILED or UNKNOWN, newest scheduled " +
			"first. " + pageEnds,
	}, h.failedExecutions, kindUnavailable)
}

// calledDoc describes the filter by host of lists of executions.
const calledDoc = "Only executions that call this host, or called it: a name, name:port, or a URL with scheme and " +
	"name. It is that of the version of the job that fired."

// calledHostParam selects executions by the host that they call.
type calledHostParam string

// Schema implements huma.SchemaProvider.
func (calledHostParam) Schema(huma.Registry) *huma.Schema {
	most := maxHostFilter
	return &huma.Schema{Type: huma.TypeString, MaxLength: &most, Description: calledDoc,
		Examples: []any{"api.example.com"}}
}

type executionsInput struct {
	ExecutionFilter
	JobID  jobIDParam      `query:"jobId"`
	Host   calledHostParam `query:"host"`
	Limit  limitParam      `query:"limit"`
	Cursor string          `query:"cursor" doc:"nextCursor of the page before; absent: the first page."`
}

func (h *listRoutes) executions(ctx context.Context, in *executionsInput) (*executionsOutput, error) {
	q, err := in.query()
	if err != nil {
		return nil, err
	}
	if q.JobID, err = in.JobID.parse(); err != nil {
		return nil, err
	}
	if q.Host, err = parseHostFilter(string(in.Host)); err != nil {
		return nil, err
	}
	return h.page(ctx, &recentInput{in.Limit, in.Cursor}, q, h.view.Everywhere)
}

type recentInput struct {
	Limit  limitParam `query:"limit"`
	Cursor string     `query:"cursor" doc:"nextCursor of the page before; absent: the first page."`
}

func (h *listRoutes) recentExecutions(ctx context.Context, in *recentInput) (*executionsOutput, error) {
	return h.page(ctx, in, store.ExecutionQuery{}, h.view.List)
}

// page answers a list of executions of all jobs that the caller may see.
func (h *listRoutes) page(ctx context.Context, in *recentInput, q store.ExecutionQuery,
	list func(context.Context, store.ExecutionQuery) (store.ExecutionPage, error)) (*executionsOutput, error) {
	limit, err := in.Limit.parse()
	if err != nil {
		return nil, err
	}
	from, err := wire.ParseCursor(wire.CursorExecutions, in.Cursor)
	if err != nil {
		return nil, err
	}
	found, next, err := h.found(ctx, limit, from, q, list)
	if err != nil {
		return nil, err
	}
	out := pageOf(ctx, found)
	out.Body.NextCursor = next
	return out, nil
}

// found returns the executions of a page that the caller may see, and the cursor of the next one.
func (h *listRoutes) found(ctx context.Context, limit int, from wire.Cursor, q store.ExecutionQuery,
	list func(context.Context, store.ExecutionQuery) (store.ExecutionPage, error)) ([]domain.Execution, string, error) {
	return visible(ctx, h.scope, limit, from, executionPlace,
		func(from wire.Cursor, limit int) ([]domain.Execution, *wire.Cursor, error) {
			q.Before, q.Limit, q.MaxBytes = from.FireKey(), limit, pageBytes
			if visitorOf(ctx).namespace != "" {
				q.MaxWork = siftWork
			}
			page, err := list(ctx, q)
			return page.Executions, cursorTo(page.Next), err
		})
}

func executionPlace(e *domain.Execution) place {
	return place{e.JobID, wire.CursorOf(e.FireKey), e.Size()}
}

type failedInput struct {
	JobID  jobIDParam `query:"jobId"`
	Limit  limitParam `query:"limit"`
	Cursor string     `query:"cursor" doc:"nextCursor of the page before; absent: the first page."`
}

func (h *listRoutes) failedExecutions(ctx context.Context, in *failedInput) (*executionsOutput, error) {
	job, err := in.JobID.parse()
	if err != nil {
		return nil, err
	}
	return h.page(ctx, &recentInput{in.Limit, in.Cursor}, store.ExecutionQuery{
		JobID: job, Statuses: []domain.Status{domain.StatusFailed, domain.StatusUnknown},
	}, h.view.List)
}
