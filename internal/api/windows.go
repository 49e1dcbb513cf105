package api

import (
	"context"
	"net/http"
	"reflect"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/danielgtaylor/huma/v2"
)

// windowRoutes say of which alerts people are not told at times that come again.
type windowRoutes struct {
	*settingEdits
	view  *view.View
	scope *scope
}

func (h windowRoutes) register(rt *router) {
	rt.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[windowRequest](), true, "")
	register(rt, huma.Operation{
		OperationID: "list-maintenance-windows", Method: http.MethodGet, Path: "/alerts/windows",
		Tags: []string{"Alerts"}, Summary: "List maintenance windows",
		Description: "A maintenance window is a silence that comes again: it begins at each instant of its " +
			"schedule, by the clock of its time zone, and lasts as long by the clock of the machine.",
	}, h.list, kindNotFound, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "get-maintenance-window", Method: http.MethodGet, Path: "/alerts/windows/{id}",
		Tags: []string{"Alerts"}, Summary: "Get a maintenance window",
		Description: "With when it ends that acts now, and when it begins next.",
	}, h.show, kindNotFound, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "put-maintenance-window", Method: http.MethodPut, Path: "/alerts/windows/{id}",
		Tags: []string{"Alerts"}, Summary: "Make or replace a maintenance window",
		Description: silencesAct + "A key of one namespace silences its jobs alone.",
		RequestBody: reference.JSONBody("WindowRequest"), MaxBodyBytes: h.maxBody,
		Responses: answersSetting[windowBody](rt),
	}, h.put, kindInvalid, kindNotFound, kindConflict, kindStale, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "delete-maintenance-window", Method: http.MethodDelete, Path: "/alerts/windows/{id}",
		Tags: []string{"Alerts"}, Summary: "Delete a maintenance window",
		Description: "What still fails is told within a minute.",
	}, h.remove, kindNotFound, kindConflict, kindStale, kindUnavailable)
}

// windowRequest is the body of a request for a maintenance window.
type windowRequest struct {
	Match      *matcherBody `json:"match,omitempty" doc:"Which jobs it is about; absent: every job."`
	Reason     string       `json:"reason" minLength:"1" maxLength:"500" doc:"Why, for people." example:"backup"`
	Schedule   string       `json:"schedule" minLength:"1" maxLength:"256" doc:"When it begins: a schedule as of jobs." example:"0 0 2 * * SUN"`
	Timezone   string       `json:"timezone,omitempty" maxLength:"64" doc:"By whose clock; absent: UTC." example:"Europe/Berlin"`
	DurationMs int64        `json:"durationMs" minimum:"1000" maximum:"604800000" doc:"How long it lasts, milliseconds." example:"7200000"`
	Disabled   bool         `json:"disabled,omitempty" doc:"It does not act." example:"false"`
}

type windowBody struct {
	ID          string      `json:"id" doc:"The window's id." example:"backup"`
	Namespace   string      `json:"namespace,omitempty" doc:"The only namespace that it is about; absent: all." example:"billing"`
	Match       matcherBody `json:"match" doc:"Which jobs it is about; empty: every job."`
	Reason      string      `json:"reason" doc:"Why." example:"backup"`
	By          operationBy `json:"by" doc:"Who has made it."`
	Schedule    string      `json:"schedule" doc:"When it begins." example:"0 0 2 * * SUN"`
	Timezone    string      `json:"timezone" doc:"By whose clock." example:"Europe/Berlin"`
	DurationMs  int64       `json:"durationMs" doc:"How long it lasts, milliseconds." example:"7200000"`
	Disabled    bool        `json:"disabled" doc:"It does not act." example:"false"`
	ActiveUntil *int64      `json:"activeUntil" format:"unix-ms" doc:"When it ends that acts now, Unix milliseconds; null: it does not." example:"1767232800000"`
	NextAt      *int64      `json:"nextAt" format:"unix-ms" doc:"When it begins next, Unix milliseconds; null: never." example:"1767830400000"`
	CreatedAt   int64       `json:"createdAt" format:"unix-ms" doc:"Unix milliseconds." example:"1767225600000"`
	UpdatedAt   int64       `json:"updatedAt" format:"unix-ms" doc:"Unix milliseconds." example:"1767225600000"`
	Error       string      `json:"error,omitempty" doc:"Why this server cannot read what is stored: it never acts, and the other fields are not its. Absent: it can." example:"WINDOW backup cannot be read"`
}

func windowBodyOf(w *domain.Maintenance, now int64) windowBody {
	b := windowBody{
		ID: w.ID, Namespace: w.Limit, Match: matcherBodyOf(&w.Match), Reason: w.Reason, By: authorBody(w.By),
		Schedule: w.Schedule, Timezone: w.Timezone, DurationMs: w.DurationMs, Disabled: w.Disabled,
		CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, Error: w.Unread,
	}
	if until, in := w.In(now); in {
		b.ActiveUntil = &until
	}
	if next, found := w.Next(now); found {
		b.NextAt = &next
	}
	return b
}

type windowsOutput struct{ Body windowsBody }

type windowsBody struct {
	Windows []windowBody `json:"windows" nullable:"false" doc:"The windows, by their ids."`
}

func (h windowRoutes) list(ctx context.Context, in *quietsInput) (*windowsOutput, error) {
	passes, err := quietFilter(ctx, in, h.view, h.scope)
	if err != nil {
		return nil, err
	}
	all, err := windowForm.list(ctx, h.stored)
	if err != nil {
		return nil, err
	}
	now := clock.NowMs(h.clock)
	out := &windowsOutput{windowsBody{Windows: []windowBody{}}}
	for i := range all {
		if a, acts := all[i].At(now); passes(&a, acts) {
			out.Body.Windows = append(out.Body.Windows, windowBodyOf(&all[i], now))
		}
	}
	return out, nil
}

type windowOutput struct {
	ETag   string `header:"ETag" doc:"For If-Match."`
	Status int
	Body   windowBody
}

func (h windowRoutes) answer(status int, w *domain.Maintenance) *windowOutput {
	return &windowOutput{settingTag(w.Revision), status, windowBodyOf(w, clock.NowMs(h.clock))}
}

func (h windowRoutes) show(ctx context.Context, in *settingInput) (*windowOutput, error) {
	w, _, err := windowForm.get(ctx, h.stored, in.ID)
	if err != nil {
		return nil, err
	}
	return h.answer(http.StatusOK, &w), nil
}

// readWindow reads the body of a request for a window.
func readWindow(data []byte) (w domain.Maintenance, err error) {
	var f bulkFaults
	object := f.members("", data, "match", "reason", "schedule", "timezone", "durationMs", "disabled")
	w.Match = f.matcher(object["match"])
	for name, into := range map[string]*string{"reason": &w.Reason, "schedule": &w.Schedule} {
		if *into = f.text(name, object[name], 500); object[name] == nil {
			f.add(domain.FieldRequired, name, "is required", nil)
		}
	}
	if w.Timezone = "UTC"; object["timezone"] != nil {
		w.Timezone = f.text("timezone", object["timezone"], maxFilterLength)
	}
	w.DurationMs = f.number("durationMs", object["durationMs"])
	if disabled := f.flag("disabled", object["disabled"]); disabled != nil {
		w.Disabled = *disabled
	}
	return w, f.err(w.Validate())
}

func (h windowRoutes) put(ctx context.Context, in *settingChangeInput) (*windowOutput, error) {
	data, err := readBody(in.r)
	if err != nil {
		return nil, err
	}
	w, status, err := putSetting(ctx, h.settingEdits, &windowForm, in.r, in.ID,
		func(is *domain.Maintenance, now int64) (domain.AlertSetting, error) {
			next, err := readWindow(data)
			if err != nil {
				return domain.AlertSetting{}, err
			}
			next.ID, next.Limit, next.By = in.ID, visitorOf(ctx).namespace, visitorOf(ctx).author
			next.CreatedAt, next.UpdatedAt = now, now
			if is != nil {
				next.Revision = is.Revision
			}
			if is != nil && is.Unread == "" {
				next.Limit, next.By, next.CreatedAt = is.Limit, is.By, is.CreatedAt
			}
			return next.Encode(), nil
		})
	if err != nil {
		return nil, err
	}
	return h.answer(status, &w), nil
}

func (h windowRoutes) remove(ctx context.Context, in *settingChangeInput) (*deletedSettingOutput, error) {
	if err := deleteSetting(ctx, h.settingEdits, &windowForm, in.r, in.ID); err != nil {
		return nil, err
	}
	return &deletedSettingOutput{deletedSettingBody{in.ID, "Window deleted"}}, nil
}
