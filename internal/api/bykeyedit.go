package api

import (
	"context"
	"net/http"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// keyedEditRoutes change a job by its key and make none.
type keyedEditRoutes struct{ keyedRoutes }

func (h keyedEditRoutes) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "patch-job-by-key", Method: http.MethodPatch, Path: "/jobs/by-key/{key}", Tags: []string{"Jobs"},
		Summary:     "Change the job of a key by a merge patch",
		Description: "As PATCH /jobs/{id}, but the key stays. Where no job has the key, none is made.",
		RequestBody: reference.PatchBody("JobPatch"), MaxBodyBytes: h.maxBody, Responses: answersJob(rt, http.StatusOK),
	}, h.patchKeyed, kindInvalid, kindNotFound, kindConflict, kindStale, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "pause-job-by-key", Method: http.MethodPost, Path: "/jobs/by-key/{key}/pause",
		Tags:    []string{"Jobs"},
		Summary: "Pause the job of a key", Description: "As POST /jobs/{id}/pause.",
		RequestBody: pauseBody(rt), MaxBodyBytes: h.maxBody, Responses: answersJob(rt, http.StatusOK),
	}, h.setKeyedActive(false), kindInvalid, kindNotFound, kindConflict, kindStale, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "resume-job-by-key", Method: http.MethodPost, Path: "/jobs/by-key/{key}/resume",
		Tags:    []string{"Jobs"},
		Summary: "Resume the job of a key", Description: "As POST /jobs/{id}/resume.",
		Responses: answersJob(rt, http.StatusOK),
	}, h.setKeyedActive(true), kindInvalid, kindNotFound, kindConflict, kindStale, kindUnavailable)
}

func (h keyedEditRoutes) patchKeyed(ctx context.Context, in *keyedChangeInput) (*savedOutput, error) {
	at, err := in.parse(ctx)
	if err != nil {
		return nil, err
	}
	data, err := readBody(in.r)
	if err != nil {
		return nil, err
	}
	c, err := wire.ReadPatch(data)
	if err != nil {
		return nil, err
	}
	keep, err := in.KeepSecrets.parse("keepSecrets")
	if err != nil {
		return nil, err
	}
	var out *savedOutput
	var refused error // for good: the job is not looked for again
	err = h.withKeyed(ctx, &keyedInput{in.request, in.KeyPath, in.Precondition}, func(id domain.JobID,
		version int) error {
		_, refused = h.madeOf(ctx, id, &c)
		if refused != nil {
			return nil //nolint:nilerr // for withKeyed it is done
		}
		v, err := h.editor.Update(h.trail.under(ctx, domain.ActionUpdate), id, version,
			h.moves.altering(ctx, h.rules, id, at.laying(c.Lay), keep != nil && *keep))
		if err == nil {
			out = h.saved(in.r, &v, "Job updated")
		}
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, c.Place(err)
	}
	return out, nil
}

type keyedEditInput struct {
	request
	KeyPath
	Precondition
	Preference
}

// setKeyedActive returns the handler of pause or resume by key.
func (h keyedEditRoutes) setKeyedActive(active bool) func(context.Context, *keyedEditInput) (*savedOutput, error) {
	return func(ctx context.Context, in *keyedEditInput) (out *savedOutput, err error) {
		if _, err := in.KeyPath.parse(ctx); err != nil {
			return nil, err
		}
		pause, err := pauseOf(in.r, clock.NowMs(h.clock))
		if err != nil {
			return nil, err
		}
		err = h.withKeyed(ctx, &keyedInput{in.request, in.KeyPath, in.Precondition}, func(id domain.JobID,
			version int) error {
			v, changed, err := h.editor.SetActive(h.trail.under(ctx, domain.ActionUpdate), id, version, active, pause)
			if err == nil {
				out = h.saved(in.r, &v, activeMessage(active, changed))
			}
			return err
		})
		return out, err
	}
}
