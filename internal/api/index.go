package api

import "context"

type indexOutput struct{ Body indexBody }

type indexBody struct {
	Name    string `json:"name" doc:"The product." example:"Belfry"`
	Version string `json:"version" doc:"Its version." example:"0.1.0"`
	Docs    string `json:"docs" doc:"The reference for people." example:"/docs"`
	OpenAPI string `json:"openapi" doc:"The reference for machines." example:"/openapi.json"`
	Jobs    string `json:"jobs" doc:"The jobs." example:"/jobs"`
	Health  string `json:"health" doc:"Whether all is well." example:"/observability/health"`
	Metrics string `json:"metrics" doc:"Counters for people; /metrics has those for Prometheus." example:"/observability/metrics"`
}

func (rt *router) index(ctx context.Context, _ *struct{}) (*indexOutput, error) {
	return &indexOutput{indexBody{
		Name: "Belfry", Version: rt.version, Docs: link(ctx, "/docs"), OpenAPI: link(ctx, "/openapi.json"),
		Jobs: link(ctx, "/jobs"), Health: link(ctx, "/observability/health"),
		Metrics: link(ctx, "/observability/metrics"),
	}}, nil
}
