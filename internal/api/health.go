package api

import (
	"context"
	"net/http"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/cron"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/danielgtaylor/huma/v2"
)

// open marks a route that needs no key: an empty list of requirements, where
// nil would mean the document's.
var open = []map[string][]string{}

// healthRoutes say whether all is well.
type healthRoutes struct {
	view      *view.View
	clock     clock.Clock
	version   string
	startedAt time.Time
}

func (h *healthRoutes) register(rt *router) {
	unhealthy := func(schema string) map[string]*huma.Response {
		return map[string]*huma.Response{"503": {
			Description: "Unwell. The answer has the same shape, and says why.",
			Content: map[string]*huma.MediaType{
				"application/json": {Schema: &huma.Schema{Ref: "#/components/schemas/" + schema}}},
		}}
	}
	register(rt, huma.Operation{
		OperationID: "get-health", Method: http.MethodGet, Path: "/observability/health",
		Tags:    []string{"Observability"},
		Summary: "Health", Description: "200 while Belfry does its work; 503 with the reason when the store cannot " +
			"commit or the timetable lags.",
		Responses: unhealthy("Health"),
	}, h.health)
	register(rt, huma.Operation{
		OperationID: "get-liveness", Method: http.MethodGet, Path: "/healthz", Tags: []string{"Probes"},
		Summary: "Liveness probe", Description: "200 while the process lives. Needs no key.", Security: open,
	}, h.live)
	register(rt, huma.Operation{
		OperationID: "get-readiness", Method: http.MethodGet, Path: "/readyz", Tags: []string{"Probes"},
		Summary: "Readiness probe", Description: "200 when fires are sent and calls to the API succeed; 503 with the " +
			"names of the failing checks otherwise. Needs no key.", Security: open,
		Responses: unhealthy("Ready"),
	}, h.ready)
}

type healthOutput struct {
	Status int
	Body   healthBody
}

type healthBody struct {
	Status        string                `json:"status" enum:"healthy,unhealthy" doc:"unhealthy as soon as one check is not ok." example:"healthy"`
	Checks        map[string]checkState `json:"checks" doc:"Each check by its name."`
	Version       string                `json:"version" doc:"Belfry's version." example:"0.1.0"`
	Zones         string                `json:"zones" doc:"The release of the time zone data in force, and where they are from." example:"2025c (embedded)"`
	UptimeSeconds int64                 `json:"uptimeSeconds" doc:"Since the process started." example:"86400"`
}

type checkState struct {
	OK      bool   `json:"ok" doc:"Whether all is well." example:"true"`
	Detail  string `json:"detail,omitempty" doc:"The reason when it is not." example:"no commit for 4.2s: disk full"`
	Warning string `json:"warning,omitempty" doc:"What somebody should look at although the check is ok." example:"2 jobs are set aside"`
}

// told is what a caller learns of a check. One who is confined to a namespace does not
// learn the names of the server's certificates, nor of hosts that others call.
func told(ctx context.Context, c domain.Check) checkState {
	if c.Warning != "" && visitorOf(ctx).namespace != "" && (c.Name == "certificates" || c.Name == "dns") {
		c.Warning = "there is a warning: a key for all namespaces shows it"
	}
	return checkState{c.OK, c.Detail, c.Warning}
}

func (h *healthRoutes) health(ctx context.Context, _ *struct{}) (*healthOutput, error) {
	out := &healthOutput{http.StatusOK, healthBody{
		Status: "healthy", Checks: map[string]checkState{}, Version: h.version, Zones: cron.Zones().String(),
		UptimeSeconds: int64(max(0, h.clock.Now().Sub(h.startedAt)).Seconds()),
	}}
	now := h.view.Health()
	for _, c := range now.Checks {
		out.Body.Checks[c.Name] = told(ctx, c)
	}
	if !now.Ready {
		out.Status, out.Body.Status = http.StatusServiceUnavailable, "unhealthy"
	}
	return out, nil
}

type liveOutput struct{ Body liveBody }

type liveBody struct {
	Status string `json:"status" doc:"ok, whatever else." example:"ok"`
}

func (h *healthRoutes) live(context.Context, *struct{}) (*liveOutput, error) {
	return &liveOutput{liveBody{"ok"}}, nil
}

type readyOutput struct {
	Status int
	Body   readyBody
}

// readyBody names the checks that fail or warn and no more: who asks holds no key.
type readyBody struct {
	Status  string   `json:"status" enum:"ready,unready" doc:"Whether Belfry does its work." example:"ready"`
	Failing []string `json:"failing,omitempty" nullable:"false" doc:"The names of the failing checks; /observability/health has the details."`
	Warning []string `json:"warning,omitempty" nullable:"false" doc:"The names of the checks that warn; /observability/health has the details."`
}

func (h *healthRoutes) ready(context.Context, *struct{}) (*readyOutput, error) {
	out := &readyOutput{http.StatusOK, readyBody{Status: "ready"}}
	now := h.view.Health()
	for _, c := range now.Checks {
		if !c.OK {
			out.Body.Failing = append(out.Body.Failing, c.Name)
		}
		if c.Warning != "" {
			out.Body.Warning = append(out.Body.Warning, c.Name)
		}
	}
	if !now.Ready {
		out.Status, out.Body.Status = http.StatusServiceUnavailable, "unready"
	}
	return out, nil
}
