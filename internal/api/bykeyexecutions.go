package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// keyedExecutionRoutes list executions by the key of their job.
type keyedExecutionRoutes struct {
	keyed keyedRoutes
	*executionRoutes
}

func (h keyedExecutionRoutes) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "list-job-executions-by-key", Method: http.MethodGet, Path: "/jobs/by-key/{key}/executions",
		Tags: []string{"Executions"}, Summary: "List the executions of the job of a key",
		Description: "As GET /jobs/{id}/executions, of the job that has the key now. " + pageEnds,
	}, h.executions, kindNotFound, kindUnavailable)
	documentLive(rt, "/jobs/by-key/{key}/executions")
}

type keyedExecutionsInput struct {
	KeyPath
	ExecutionPageInput
}

func (h keyedExecutionRoutes) executions(ctx context.Context, in *keyedExecutionsInput) (*executionsOutput, error) {
	at, err := in.parse(ctx)
	if err != nil {
		return nil, err
	}
	q, err := in.query()
	if err != nil {
		return nil, err
	}
	j, err := h.keyed.find(ctx, at)
	if err != nil {
		return nil, err
	}
	return h.ofJob(ctx, j.ID, q)
}
